// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Runs a program as the checkout's owner or as root. In: a command. Out: a child process or its exit code. The environment of
 * another account's program goes through a pipe (relay.mjs): sudo strips it, and a command line would show its secrets.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { callerUid, readAccount, requireProtectedCheckout, ROOT } from './checkout.mjs'

const RELAY = join(ROOT, 'src/setup/relay.mjs')

/** What may follow a program to another account. Nothing here makes a program load code that it would not load anyway. */
const CARRIED =
  /^(OTEL_\w+|OISP_\w+|LIVE_REQUIRED|CI|TERM|LANG|LC_\w+|NO_COLOR|FORCE_COLOR|DEBIAN_FRONTEND|TZ|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|PIP_\w+|GRPC_DEFAULT_SSL_ROOTS_FILE_PATH|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY|npm_config_(registry|cafile|strict_ssl|(https?_)?proxy|noproxy))$/

/** @param {string} name @returns {string | undefined} */
export function findProgram(name) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** @type {{ isPossible: boolean, reason: string } | undefined} */
let rootAccess

/** Whether programs can be run as root; may ask for the password, once. */
export function rootAccessOf() {
  return (rootAccess ??= askForRoot())
}

function askForRoot() {
  const isRoot = callerUid() === 0
  if (!isRoot && findProgram('sudo') === undefined)
    return { isPossible: false, reason: 'not root, and there is no sudo' }
  requireProtectedCheckout()
  if (isRoot) return { isPossible: true, reason: '' }
  if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0)
    return { isPossible: true, reason: '' }
  if (!process.stdin.isTTY)
    return { isPossible: false, reason: 'not root, and sudo does not run here without asking for a password' }
  console.log('Root is needed to install packages and to load BPF programs:')
  const asked = spawnSync('sudo', ['-v'], { stdio: 'inherit' })
  return asked.status === 0
    ? { isPossible: true, reason: '' }
    : { isPossible: false, reason: 'not root, and sudo was refused' }
}

/**
 * @typedef {object} SpawnOptions
 * @property {'inherit' | 'pipe'} [output]
 * @property {Record<string, string | undefined>} [env] added to what is carried
 * @property {boolean} [isSensor] ends with us, whatever ends us
 */

/**
 * Starts a program under the account `uid`. `stop()` asks it to end: a signal where we may send one, else the end of its pipe.
 * @param {number} uid
 * @param {string[]} command
 * @param {SpawnOptions} [options]
 */
export function spawnAs(uid, [program, ...args], options = {}) {
  const output = options.output ?? 'inherit'
  const env = { ...environmentFor(uid), ...options.env }
  const isForeign = uid !== callerUid()
  const needsSudo = isForeign && callerUid() !== 0
  const isRelayed = needsSudo || options.isSensor === true
  const line = isRelayed
    ? [...(needsSudo ? ['sudo', '-u', `#${uid}`, '--'] : []), process.execPath, RELAY, program, ...args]
    : [program, ...args]
  const identity = isForeign && !needsSudo ? { uid, gid: readAccount(uid).gid } : {}
  const child = spawn(/** @type {string} */ (line[0]), /** @type {string[]} */ (line.slice(1)), {
    cwd: ROOT,
    stdio: [isRelayed ? 'pipe' : 'ignore', output, output],
    env: isRelayed ? process.env : env,
    ...identity,
  })
  child.stdin?.on('error', () => {}) // it ended before it read: its exit code says why
  child.stdin?.write(`${JSON.stringify(env)}\n`)
  return {
    child,
    /** @type {Promise<number>} */
    ended: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve(code ?? 1))
    }),
    stop: () => void (child.stdin === null ? child.kill('SIGTERM') : child.stdin.end()),
  }
}

/** @param {number} uid @returns {Record<string, string | undefined>} */
function environmentFor(uid) {
  if (uid === callerUid()) return { ...process.env }
  const { name, home } = readAccount(uid)
  const carried = Object.entries(process.env).filter(([key]) => CARRIED.test(key))
  const path = [
    dirname(process.execPath),
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ]
  return { ...Object.fromEntries(carried), HOME: home, USER: name, LOGNAME: name, PATH: path.join(delimiter) }
}

/** For what is not the user's own telemetry: an environment in which nothing is exported. */
export function withoutExport() {
  const names = Object.keys(process.env).filter((name) => name.startsWith('OTEL_EXPORTER_OTLP'))
  return Object.fromEntries(names.map((name) => [name, undefined]))
}
