// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * From a fresh clone to something that runs. In: what the caller wants to run. Out: everything for it installed and built, by
 * the checkout's owner; or, where capture cannot work here, the reason, with all that works without it in place.
 * @module
 */
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { dirname, join } from 'node:path'
import { existsSync } from 'node:fs'
import { areModulesInstalled, isBuilt } from './build.mjs'
import { findProgram, rootAccessOf, spawnAs } from './accounts.mjs'
import { callerUid, checkoutOwner, requireProtectedCheckout, ROOT, SetupError } from './checkout.mjs'
import { BUILD_PACKAGES, CLIENT_PACKAGES, installPackages } from './packages.mjs'
import { runStep } from './step.mjs'

export const MAIN = join(ROOT, 'dist/main.js')

/**
 * @param {{ packages: typeof CLIENT_PACKAGES }} wanted beyond what the sensor itself needs
 * @returns {Promise<{ captureProblem: string | undefined }>} undefined: ready to capture
 */
export async function prepare({ packages }) {
  await prepareScripts()
  if (!isBuilt('bpf') || !isBuilt('native')) {
    const captureProblem =
      (await whyNotPermitted()) ?? (await installPackages([...BUILD_PACKAGES, ...packages]))
    if (captureProblem !== undefined) return { captureProblem }
    await buildPart('bpf', 'compile the BPF programs')
    await buildPart('native', 'compile the addon')
  }
  // Once more: the umask of the build decided who may write to its products.
  if (rootAccessOf().isPossible) requireProtectedCheckout()
  return { captureProblem: rootReason() ?? (await installPackages(packages)) }
}

/** The part that needs no compiler and no privilege. */
async function prepareScripts() {
  if (!areModulesInstalled())
    await ownerStep('npm ci (the JavaScript packages of package-lock.json)', [
      ...findNpm(),
      'ci',
      ...NPM_FLAGS,
    ])
  if (!isBuilt('ts')) await buildPart('ts', 'compile the TypeScript')
}

/** No package of ours needs its install script, so none is run. */
const NPM_FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund']

/** @returns {string[]} */
function findNpm() {
  const beside = join(dirname(process.execPath), 'npm')
  // Set by npm for its scripts, and by other package managers too.
  const ofScript =
    process.env['npm_execpath']?.endsWith('npm-cli.js') === true ? process.env['npm_execpath'] : undefined
  const npm = ofScript ?? (existsSync(beside) ? beside : findProgram('npm'))
  if (npm === undefined)
    throw new SetupError('npm was not found; README.md says how to install Node with npm')
  return [process.execPath, npm]
}

/** @param {'ts' | 'bpf' | 'native'} part @param {string} title */
function buildPart(part, title) {
  return ownerStep(title, [process.execPath, join(ROOT, 'src/setup/build.mjs'), part])
}

/** @param {string} title @param {string[]} command */
async function ownerStep(title, command) {
  const owner = checkoutOwner()
  if (owner.uid !== callerUid() && !rootAccessOf().isPossible)
    throw new SetupError(
      `this checkout belongs to ${owner.name}, who has to build it first (\`npm start\`). You: ${rootAccessOf().reason}`,
    )
  await runStep(title, owner.uid, command)
}

/** The account that the sensor runs under. */
export function sensorUid() {
  return rootAccessOf().isPossible ? 0 : callerUid()
}

/** @returns {string | undefined} */
function rootReason() {
  const { isPossible, reason } = rootAccessOf()
  return isPossible ? undefined : reason
}

/** Asks the sensor itself, before compilers are installed for nothing. @returns {Promise<string | undefined>} */
async function whyNotPermitted() {
  const { child, ended } = spawnAs(sensorUid(), [process.execPath, MAIN, 'doctor', '--json'], {
    output: 'pipe',
  })
  if (child.stdout === null || child.stderr === null) throw new Error('no pipe')
  const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0 && code !== 3)
    throw new SetupError(`oisp-sensor doctor failed (exit ${code})\n${errors}${out}`)
  const { system } = JSON.parse(out)
  return system.isPermitted
    ? undefined
    : system.problems.map((/** @type {any} */ { message }) => message).join('; ')
}

/**
 * Lets a signal to us end the sensor in good order; the caller waits for its end.
 * @param {{ stop: () => void }} sensor
 */
export function stopOnSignal({ stop }) {
  for (const signal of ['SIGINT', 'SIGTERM']) void once(process, signal).then(stop)
  // Later ones must not end us before the sensor has said its last words; the terminal sends them to it as well.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
}
