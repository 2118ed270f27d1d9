// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * `npm test`. In: nothing. Out: every test that this machine permits is run: units, replay and laws as the checkout's owner, the live
 * ones as root; what is skipped is counted with its reason. With LIVE_REQUIRED=1 a skip is a failure.
 * @module
 */
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootAccessOf, spawnAs } from './accounts.mjs'
import { callerUid, checkoutOwner, ROOT } from './checkout.mjs'
import { CLIENT_PACKAGES, TEST_PACKAGES } from './packages.mjs'
import { prepare, sensorUid } from './prepare.mjs'
import { runStep } from './step.mjs'

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')
const UNIT = 'test/vitest.config.ts'
const LIVE = 'test/live/vitest.config.ts'

/** @typedef {{ passed: number, failed: number, skipped: string[] }} Counts */

export async function runTests() {
  const { captureProblem } = await prepare({ packages: [...CLIENT_PACKAGES, ...TEST_PACKAGES] })
  if (captureProblem === undefined) await preparePython()
  const unit = await runSuite('units, replay and laws', UNIT, ownerOrCaller())
  const live =
    captureProblem === undefined
      ? await runSuite('live, as root', LIVE, sensorUid())
      : await skipSuite(LIVE, captureProblem)
  return report([unit, live])
}

/** As the owner: the live tests run as root and would leave root's files in the checkout. */
async function preparePython() {
  const script = `import { ensurePythonPackages } from '${join(ROOT, 'test/workloads/run.mjs')}'; ensurePythonPackages()`
  if (existsSync(join(ROOT, '.cache/python-venv/requirements.sha256'))) return
  await runStep('install the Python SDKs that the tests watch', ownerOrCaller(), [
    process.execPath,
    '--input-type=module',
    '--eval',
    script,
  ])
}

/** @param {Counts[]} suites */
function report(suites) {
  const passed = sum(suites.map((suite) => suite.passed))
  const failed = sum(suites.map((suite) => suite.failed))
  const skipped = suites.flatMap((suite) => suite.skipped)
  console.log()
  for (const [reason, count] of countEach(skipped)) console.log(`${count} skipped: ${reason}`)
  console.log(`${passed} passed, ${failed} failed`)
  if (skipped.length > 0 && process.env['LIVE_REQUIRED'] === '1') {
    console.log('LIVE_REQUIRED=1: a skipped test is a failure')
    return 1
  }
  return failed > 0 ? 1 : 0
}

/** Test runners write caches; they belong to the owner, or there are none. */
function ownerOrCaller() {
  const owner = checkoutOwner().uid
  return owner === callerUid() || rootAccessOf().isPossible ? owner : callerUid()
}

/** @param {string} title @param {string} config @param {number} uid @returns {Promise<Counts>} */
async function runSuite(title, config, uid) {
  console.log(`\n== ${title} ==`)
  const begin = Date.now()
  return withResultFile(uid, async (file) => {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const code = await vitest(uid, ['run', '--config', config, '--no-cache', ...reporters])
    console.log(`== ${title}: ${((Date.now() - begin) / 1000).toFixed(1)} s ==`)
    return readCounts(file, code)
  })
}

/** @param {string} file @param {number} code @returns {Counts} */
function readCounts(file, code) {
  const results = JSON.parse(
    readFileSync(file, 'utf8') || '{"numPassedTests":0,"numFailedTests":0,"testResults":[]}',
  )
  const tests = results.testResults.flatMap((/** @type {any} */ { assertionResults }) => assertionResults)
  const skipped = tests
    .filter((/** @type {any} */ { status }) => status !== 'passed' && status !== 'failed')
    .map((/** @type {any} */ test) => test.meta?.skipReason ?? `by the test itself (${test.fullName})`)
  // A file that does not even load has no failed test of its own, but the runner's exit code tells.
  const failed = results.numFailedTests === 0 && code !== 0 ? 1 : results.numFailedTests
  return { passed: results.numPassedTests, failed, skipped }
}

/**
 * Counts what is not run. Where the kernel says no, the suite skips its tests itself (and a list does not name them); where only the
 * build is missing, they would fail for want of it, so they are listed and not run.
 * @param {string} config
 * @param {string} reason
 * @returns {Promise<Counts>}
 */
async function skipSuite(config, reason) {
  const uid = ownerOrCaller()
  const listed = await withResultFile(uid, async (file) => {
    const code = await vitest(uid, ['list', '--config', config, `--json=${file}`])
    return code === 0 ? JSON.parse(readFileSync(file, 'utf8')).length : 0
  })
  if (listed > 0) return { passed: 0, failed: 0, skipped: Array(listed).fill(reason) }
  const counts = await runSuite('live', config, uid)
  return { ...counts, skipped: counts.skipped.map(() => reason) }
}

/** @param {number} uid @param {string[]} args */
function vitest(uid, args) {
  return spawnAs(uid, [process.execPath, VITEST, ...args]).ended
}

/**
 * @template T
 * @param {number} uid who will write the file
 * @param {(file: string) => Promise<T>} use
 */
async function withResultFile(uid, use) {
  const folder = mkdtempSync(join(tmpdir(), 'oisp-sensor-'))
  const file = join(folder, 'results.json')
  try {
    writeFileSync(file, '')
    // The other account opens this file, it does not make one.
    if (uid !== callerUid()) openFor(folder, file, uid)
    return await use(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} folder @param {string} file @param {number} uid */
function openFor(folder, file, uid) {
  if (callerUid() === 0) {
    chownSync(folder, uid, -1)
    chownSync(file, uid, -1)
  } else if (uid !== 0) {
    chmodSync(folder, 0o711)
    chmodSync(file, 0o666)
  }
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}

/** @param {string[]} words @returns {Map<string, number>} */
function countEach(words) {
  const counts = new Map()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
