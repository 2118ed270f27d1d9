// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * `npm run test:bare` (root): the README's commands from a clean clone of HEAD in a bare Debian 12, as root and as a user with
 * sudo in their own checkout. Out: wall times; the last line says how many passed.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runInside } from './inside.mjs'
import { ensureBaseRoot } from './root.mjs'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const CACHE = join(CHECKOUT, '.cache/bare')
/** The last line of the ready block. */
const READY = 'npm run demo'
const LAST_WORDS = 'oisp-sensor has stopped'
const MAX_SECOND_START_SECONDS = 2

/** @type {{ name: string, seconds: number, failure: string | undefined }[]} */
const results = []

if (process.getuid?.() !== 0) {
  console.error('test:bare needs root: it makes a Debian root folder and mounts into it')
  process.exit(2)
}
const base = timed('debootstrap', () => ensureBaseRoot(CACHE))
for (const account of /** @type {const} */ (['root', 'dev'])) await testAccount(base, account)

console.log()
for (const { name, seconds, failure } of results)
  console.log(
    `${seconds.toFixed(1).padStart(7)} s  ${failure === undefined ? 'passed' : 'FAILED'}  ${name}  ${failure ?? ''}`,
  )
const failed = results.filter(({ failure }) => failure !== undefined).length
console.log(`${results.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** @param {string} base @param {'root' | 'dev'} account */
async function testAccount(base, account) {
  const root = mkdtempSync(join(CACHE, `${account}-`))
  try {
    run('cp', ['-a', `${base}/.`, root])
    const folder = account === 'root' ? '/root/oisp-sensor' : '/home/dev/oisp-sensor'
    if (account === 'dev') await addUserWithSudo(root)
    cloneHead(join(root, folder))
    if (account === 'dev') run('chroot', [root, 'chown', '-R', 'dev:dev', folder])
    const place = { root, account, folder }
    const who = account === 'root' ? 'as root' : 'as a user with sudo'
    await expectSuccess(`npm start, first, ${who}`, place, 'npm start', READY)
    await expectSuccess(`npm start, second, ${who}`, place, 'npm start', READY, MAX_SECOND_START_SECONDS)
    await expectSuccess(`npm run demo ${who}`, place, 'npm run demo')
    await expectSuccess(`npm test ${who}`, place, 'LIVE_REQUIRED=1 npm test')
    expectOwner(`only files of ${account} in the checkout`, join(root, folder), root, account)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** @param {string} root */
async function addUserWithSudo(root) {
  const admin = /** @type {const} */ ({ root, account: 'root', folder: '/' })
  const command =
    'apt-get update && apt-get install -y --no-install-recommends sudo && useradd --create-home --shell /bin/bash dev'
  const { code, output } = await runInside(admin, command, { isQuiet: true })
  if (code !== 0) throw new Error(`cannot add a user with sudo:\n${output}`)
  mkdirSync(join(root, 'etc/sudoers.d'), { recursive: true })
  writeFileSync(join(root, 'etc/sudoers.d/dev'), 'dev ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 })
}

/**
 * @param {string} name
 * @param {import('./inside.mjs').Place} place
 * @param {string} command
 * @param {string} [stopAfter]
 * @param {number} [maxReadySeconds]
 */
async function expectSuccess(name, place, command, stopAfter, maxReadySeconds = Infinity) {
  console.log(`\n== ${name} ==`)
  const options = stopAfter === undefined ? {} : { stopAfter }
  const { code, signal, output, seconds, readySeconds } = await runInside(place, command, options)
  /** @type {string | undefined} */
  let failure
  if (stopAfter !== undefined && readySeconds === undefined)
    failure = `never became ready (exit ${code ?? signal})`
  // npm ends itself by the signal it was sent, after its child has ended: the sensor's last words are the proof.
  else if (stopAfter !== undefined && !output.includes(LAST_WORDS)) failure = 'did not end in good order'
  else if (code !== 0 && !(stopAfter !== undefined && signal === 'SIGINT')) failure = `exit ${code ?? signal}`
  else if ((readySeconds ?? 0) > maxReadySeconds) failure = `ready only after ${readySeconds?.toFixed(1)} s`
  results.push({ name, seconds: readySeconds ?? seconds, failure })
}

/** Whoever builds, the files are the owner's. @param {string} name @param {string} folder @param {string} root @param {string} account */
function expectOwner(name, folder, root, account) {
  const { stdout: uid } = spawnSync('chroot', [root, 'id', '-u', account], { encoding: 'utf8' })
  const { stdout } = spawnSync('find', [folder, '!', '-uid', uid.trim()], { encoding: 'utf8' })
  const strangers = stdout.split('\n').filter((line) => line !== '')
  const failure =
    strangers.length === 0 ? undefined : `${strangers.length} files of others, e.g. ${strangers[0]}`
  results.push({ name, seconds: 0, failure })
}

/** @param {string} target */
function cloneHead(target) {
  // The checkout may belong to another user than root; git would refuse to read it.
  run('git', [
    '-c',
    `safe.directory=${CHECKOUT}`,
    '-c',
    `safe.directory=${CHECKOUT}/.git`,
    'clone',
    '--quiet',
    '--no-hardlinks',
    CHECKOUT,
    target,
  ])
}

/** @template T @param {string} name @param {() => T} work */
function timed(name, work) {
  const begin = performance.now()
  const value = work()
  console.log(`${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`)
  return value
}

/** @param {string} program @param {string[]} args */
function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit ${status}`}`)
}
