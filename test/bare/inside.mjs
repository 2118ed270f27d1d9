// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Runs commands in a root folder as a user of it. In: a folder, an account, a command line. Out: its output, exit code and wall time.
 * The mounts live in a mount namespace of the command's own, so they end with it, however it ends.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'

/** Pids stay those of the machine: a nested pid namespace is another test. */
const ENTER = `
set -e
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount --rbind /dev "$ROOT/dev"
exec chroot --userspec="$ACCOUNT" "$ROOT" /usr/bin/env -i "$@"
`
const CERTIFICATES = '/opt/machine-certificates.pem'
const DEADLINE_MS = 15 * 60_000

/**
 * @typedef {object} Place
 * @property {string} root
 * @property {'root' | 'dev'} account
 * @property {string} folder inside the root
 *
 * @typedef {{ code: number | null, signal: string | null, output: string, seconds: number, readySeconds: number | undefined }} Result
 */

/**
 * @param {Place} place
 * @param {string} command for the shell
 * @param {{ stopAfter?: string, isQuiet?: boolean }} [options] `stopAfter`: Ctrl-C once this text has been printed
 * @returns {Promise<Result>}
 */
export function runInside({ root, account, folder }, command, { stopAfter, isQuiet = false } = {}) {
  const line = [
    ...userVariables(account),
    ...machineVariables(root),
    '/bin/sh',
    '-c',
    `cd ${folder} && ${command}`,
  ]
  const begin = performance.now()
  const seconds = () => (performance.now() - begin) / 1000
  const child = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', '/bin/sh', '-c', ENTER, 'enter', ...line],
    // A group of its own gets the Ctrl-C as a terminal would send it.
    {
      env: { ...process.env, ROOT: root, ACCOUNT: account },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  )
  const interrupt = (/** @type {NodeJS.Signals} */ signal) =>
    process.kill(-(/** @type {number} */ (child.pid)), signal)
  const deadline = setTimeout(() => interrupt('SIGKILL'), DEADLINE_MS)
  let output = ''
  /** @type {number | undefined} */
  let readySeconds
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output += text
      if (!isQuiet) process.stdout.write(text.replaceAll(/^/gm, '    '))
      if (stopAfter === undefined || readySeconds !== undefined || !output.includes(stopAfter)) return
      readySeconds = seconds()
      interrupt('SIGINT')
    })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(deadline)
      resolve({ code, signal, output, seconds: seconds(), readySeconds })
    })
  })
}

/** @param {string} account */
function userVariables(account) {
  const home = account === 'root' ? '/root' : `/home/${account}`
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return [`HOME=${home}`, `USER=${account}`, `PATH=${path}`, 'LANG=C.UTF-8']
}

/** How this machine reaches package indexes: registry, proxy and certificate authority. @param {string} root */
function machineVariables(root) {
  const out = Object.entries(process.env).filter(([name]) =>
    /^(https?_proxy|no_proxy|PIP_(INDEX_URL|EXTRA_INDEX_URL))$/i.test(name),
  )
  out.push(['npm_config_registry', npmConfig('registry')])
  const bundle = process.env['NODE_EXTRA_CA_CERTS'] ?? npmConfig('cafile')
  if (bundle !== undefined && existsSync(bundle)) {
    copyFileSync(bundle, join(root, CERTIFICATES))
    for (const name of ['NODE_EXTRA_CA_CERTS', 'npm_config_cafile', 'PIP_CERT'])
      out.push([name, CERTIFICATES])
  }
  return out.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`)
}

/** @param {string} key @returns {string | undefined} */
function npmConfig(key) {
  const { stdout } = spawnSync('npm', ['config', 'get', key], { encoding: 'utf8' })
  const value = stdout.trim()
  return value === '' || value === 'null' || value === 'undefined' ? undefined : value
}
