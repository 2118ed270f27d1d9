// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * `npm run test:privilege` (root): what happens where BPF is not permitted. In: a clean clone of HEAD, once owned by an ordinary user
 * who cannot become root, once by root without BPF, PERFMON and SYS_ADMIN. Out: checks; the last line says how many passed.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const NOBODY = '65534'
/** Kernels before 6.6 attach uprobes through perf events, which is for CAP_SYS_ADMIN only. */
const [major = 0, minor = 0] = release().split('.').map(Number)
const NEEDED = [
  'CAP_BPF',
  'CAP_PERFMON',
  ...(major > 6 || (major === 6 && minor >= 6) ? [] : ['CAP_SYS_ADMIN']),
]
const BANNER = 'RECORDED, not this machine'

/**
 * @typedef {object} Situation
 * @property {string} name
 * @property {string[]} enter a command that gives up privileges and runs the rest
 * @property {string} owner
 */

/** @type {Situation[]} */
const SITUATIONS = [
  {
    name: 'an ordinary user without sudo',
    enter: [
      'setpriv',
      '--reuid',
      NOBODY,
      '--regid',
      NOBODY,
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set=-all',
      '--inh-caps=-all',
    ],
    owner: NOBODY,
  },
  {
    name: 'root without BPF, PERFMON and SYS_ADMIN',
    enter: ['setpriv', '--bounding-set=-bpf,-perfmon,-sys_admin', '--inh-caps=-all'],
    owner: '0',
  },
]

let passed = 0
let failed = 0

if (process.getuid?.() !== 0) {
  console.error('test:privilege needs root: only root can become somebody else')
  process.exit(2)
}
for (const situation of SITUATIONS) testSituation(situation)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** @param {Situation} situation */
function testSituation({ name, enter, owner }) {
  console.log(`\n== ${name} ==`)
  const folder = mkdtempSync(join(tmpdir(), 'oisp-privilege-'))
  chmodSync(folder, 0o755)
  const checkout = join(folder, 'oisp-sensor')
  try {
    must('git', [
      '-c',
      `safe.directory=${CHECKOUT}`,
      '-c',
      `safe.directory=${CHECKOUT}/.git`,
      'clone',
      '--quiet',
      '--no-hardlinks',
      CHECKOUT,
      checkout,
    ])
    must('chown', ['-R', `${owner}:${owner}`, folder])
    const inside = (/** @type {string[]} */ command, environment = {}) =>
      runLimited([...enter, ...command], checkout, folder, environment)
    checkStart(name, inside(['npm', 'start']))
    checkRun(name, inside(['node', 'dist/main.js', 'run']))
    checkDoctor(name, inside(['node', 'dist/main.js', 'doctor', '--json']))
    checkTests(name, inside(['npm', 'test']))
    const required = inside(['npm', 'test'], { LIVE_REQUIRED: '1' })
    check(`${name}: with LIVE_REQUIRED=1 a skip is a failure`, required.code === 1, required.output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @typedef {{ code: number | null, output: string, stdout: string }} Result */

/** @param {string} name @param {Result} result */
function checkStart(name, { code, output }) {
  check(`${name}: npm start ends with 0`, code === 0, output)
  checkReasons(`${name}: npm start`, output)
  const [, played = ''] = output.split(BANNER)
  check(`${name}: npm start plays the recording under its banner`, /\bcomplete\b/.test(played), output)
  check(
    `${name}: npm start compiles no BPF for nothing`,
    !output.includes('compile the BPF programs'),
    output,
  )
}

/** @param {string} name @param {Result} result */
function checkRun(name, { code, output }) {
  check(`${name}: run ends with 3`, code === 3, output)
  checkReasons(`${name}: run`, output)
  check(`${name}: run says what is disabled`, output.includes('disables'), output)
  check(
    `${name}: run names the sudo and docker flags`,
    /\bsudo\b/.test(output) && output.includes('--cap-add=BPF'),
    output,
  )
}

/** @param {string} name @param {string} output */
function checkReasons(name, output) {
  for (const capability of NEEDED)
    check(`${name} names ${capability}`, output.includes(`${capability} is missing`), output)
}

/** @param {string} name @param {Result} result */
function checkDoctor(name, { code, stdout, output }) {
  check(`${name}: doctor ends with 3`, code === 3, output)
  check(
    `${name}: doctor --json says so too`,
    code === 3 && JSON.parse(stdout).system.isPermitted === false,
    output,
  )
}

/** @param {string} name @param {Result} result */
function checkTests(name, { code, output }) {
  check(`${name}: npm test passes`, code === 0, output)
  check(
    `${name}: npm test counts what it skipped, with the reason`,
    /^\d+ skipped: .*\S/m.test(output),
    output,
  )
}

/** @param {string} claim @param {boolean} isTrue @param {string} output shown when the claim is false */
function check(claim, isTrue, output) {
  console.log(`${isTrue ? 'passed' : 'FAILED'}  ${claim}`)
  if (isTrue) passed++
  else {
    failed++
    console.log(output.replaceAll(/^/gm, '    '))
  }
}

/**
 * @param {string[]} command
 * @param {string} cwd
 * @param {string} home
 * @param {Record<string, string>} environment
 * @returns {Result}
 */
function runLimited([program = '', ...args], cwd, home, environment) {
  const begin = performance.now()
  const { LIVE_REQUIRED: _, ...inherited } = process.env
  const env = { ...withoutNpm(inherited), HOME: home, ...environment }
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  console.log(`        ${((performance.now() - begin) / 1000).toFixed(1)} s  ${args.slice(-2).join(' ')}`)
  return { code: status, stdout, output: `${stdout}${stderr}` }
}

/** `npm run` tells its children where root's cache and configuration are. @param {NodeJS.ProcessEnv} env */
function withoutNpm(env) {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^npm_/.test(name) || /^npm_config_(registry|cafile|.*proxy)$/.test(name),
    ),
  )
}

/** @param {string} program @param {string[]} args */
function must(program, args) {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}\n${stderr}`)
}
