// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * `npm run test:compose` (root, or a user of Docker): the image and both compose files of otel-config/ in a real Docker engine. In: the
 * checkout as committed. Out: checks; the last line says how many passed. Without an engine it says why and ends with 0, or with 1
 * where LIVE_REQUIRED=1.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { buildCollector } from '../collector/build.mjs'
import { check, counts, until } from './checks.mjs'
import { ensureBaseImage, startEngine } from './engine.mjs'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const CACHE = join(CHECKOUT, '.cache/compose')
const SENSOR = 'oisp-sensor:test'
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
/** Bits of CapEff (linux/capability.h). */
const CAPABILITY_BITS = {
  DAC_READ_SEARCH: 2n,
  SYS_PTRACE: 19n,
  PERFMON: 38n,
  BPF: 39n,
  CHECKPOINT_RESTORE: 40n,
}
/** Capture does not begin without these; without the others it says what stays blind. */
const REQUIRED = ['BPF', 'PERFMON']

mkdirSync(CACHE, { recursive: true })
const engine = await startEngine(CACHE)
if (typeof engine === 'string') {
  console.log(`skipped: ${engine}`)
  process.exit(process.env['LIVE_REQUIRED'] === '1' ? 1 : 0)
}
const { docker } = engine
const shared = mkdtempSync(join(tmpdir(), 'oisp-compose-'))
// As committed: nothing that lies about here gets into the image, or is missing in it unnoticed.
const checkout = join(shared, 'checkout')
try {
  const capabilities = prepare()
  await testCompose('host', capabilities)
  await testCompose('sidecar', capabilities)
  for (const missing of capabilities) await testWithout(missing, capabilities)
  testUnit()
} finally {
  for (const kind of ['host', 'sidecar']) compose(kind, ['down', '--volumes', '--timeout', '10'])
  await engine.stop()
  rmSync(shared, { recursive: true, force: true })
}
const { passed, failed } = counts()
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** Builds the images. @returns {string[]} the capabilities that the compose files list */
function prepare() {
  mkdirSync(checkout)
  const git = [
    '-c',
    `safe.directory=${CHECKOUT}`,
    '-C',
    CHECKOUT,
    'archive',
    '-o',
    join(shared, 'head.tar'),
    'HEAD',
  ]
  mustRun('git', git)
  mustRun('tar', ['-C', checkout, '-xf', join(shared, 'head.tar')])
  ensureBaseImage(/** @type {import('./engine.mjs').Engine} */ (engine), CACHE)
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim()
  const secret = existsSync(AUTHORITIES) ? ['--secret', `id=ca,src=${AUTHORITIES}`] : []
  const from = ['--build-arg', `NPM_REGISTRY=${registry.replace(/\/$/, '')}`, ...secret]
  build('the sensor', ['-f', join(checkout, 'otel-config/Dockerfile'), '-t', SENSOR, ...from, checkout])
  const beside = join(shared, 'beside')
  mkdirSync(beside)
  copyFileSync(buildCollector(), join(beside, 'otelcol'))
  for (const target of ['app', 'collector', 'systemd']) {
    const file = join(checkout, 'test/compose/Dockerfile')
    const args = ['--build-arg', `SENSOR=${SENSOR}`, '--target', target, '-t', `oisp-test-${target}`, beside]
    build(target, ['-f', file, ...args])
  }
  const tools = ['cc', 'gcc', 'g++', 'clang', 'make', 'bpftool', 'npm', 'curl', 'python3']
  const found = docker([
    'run',
    '--rm',
    '--network=none',
    '--entrypoint=sh',
    SENSOR,
    '-c',
    `command -v ${tools.join(' ')}`,
  ])
  check('the image holds no compiler and no package manager of Node', found.stdout === '', found.stdout)
  const [host = [], sidecar = []] = ['host', 'sidecar'].map((kind) => services(kind).sensor.cap_add.sort())
  check(
    'both compose files list the same capabilities',
    String(host) === String(sidecar),
    `${host} ${sidecar}`,
  )
  return host
}

/** @param {string} what @param {string[]} args */
function build(what, args) {
  const begin = performance.now()
  const { status, stderr } = docker(['build', '--network=host', ...args])
  console.log(`        ${((performance.now() - begin) / 1000).toFixed(1)} s  build ${what}`)
  if (status !== 0) throw new Error(`docker build of ${what}:\n${stderr}`)
}

/** @param {string} kind @param {string[]} args */
function compose(kind, args) {
  const files = [
    join(checkout, `otel-config/compose.${kind}.yaml`),
    join(checkout, `test/compose/${kind}.yaml`),
  ]
  const env = {
    ...environment(),
    ...{ OISP_SENSOR_IMAGE: SENSOR, OISP_COLLECTOR_IMAGE: 'oisp-test-collector', APP_IMAGE: 'oisp-test-app' },
    ...{ AGENT_GATEWAY_INSECURE: 'true', CHECKOUT: checkout, SHARED: join(shared, kind) },
  }
  const named = ['compose', '-p', `oisp-test-${kind}`, ...files.flatMap((file) => ['-f', file])]
  return docker([...named, ...args], { env })
}

/** The client's own, with the socket of the engine. */
function environment() {
  return /** @type {import('./engine.mjs').Engine} */ (engine).env
}

/** @param {string} kind @returns {Record<string, any>} */
function services(kind) {
  const { status, stdout, stderr } = compose(kind, ['config', '--format', 'json'])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout).services
}

/** @param {string} kind @param {string[]} capabilities */
async function testCompose(kind, capabilities) {
  console.log(`\n== compose.${kind}.yaml ==`)
  mkdirSync(join(shared, kind))
  const up = compose(kind, ['up', '-d', '--no-build'])
  check(`${kind}: starts`, up.status === 0, up.stderr)
  const id = (/** @type {string} */ service) =>
    compose(kind, ['ps', '-aq', '--no-trunc', service]).stdout.trim()
  const [sensor, app] = [id('sensor'), id('app')]
  const seen = await until(() => resourcesOf(kind).find((resource) => resource['container.id'] === app))
  const logs = docker(['logs', sensor])
  const said = logs.stdout + logs.stderr
  check(
    `${kind}: the application's calls arrive at the gateway with its container.id`,
    seen !== undefined,
    said,
  )
  const name = seen?.['service.name']
  check(`${kind}: and under its name`, name === 'calls.py', JSON.stringify(resourcesOf(kind)[0]))
  const health = docker(['exec', sensor, 'oisp-sensor', 'health', '--json'])
  check(`${kind}: health says ok and exits with 0`, health.status === 0, health.stdout + health.stderr)
  const signal = JSON.parse(health.stdout || '{"signals":[]}').signals.find(
    (/** @type {any} */ { signal }) => signal === 'traces',
  )
  check(`${kind}: health knows what was sent`, signal?.exportedItems > 0, health.stdout)
  checkConfinement(kind, sensor, capabilities)
  if (kind === 'sidecar')
    check('sidecar: says that it sees one pid namespace only', /nested pid namespace/.test(said), said)
  const stop = compose(kind, ['stop', '--timeout', '10', 'sensor'])
  const [code] = docker(['inspect', '-f', '{{.State.ExitCode}}', sensor]).stdout.split('\n')
  const last = docker(['logs', '--tail', '20', sensor]).stdout
  check(
    `${kind}: SIGTERM to process 1 ends it in good order`,
    code === '0' && /has stopped/.test(last),
    `${code} ${last}${stop.stderr}`,
  )
  compose(kind, ['down', '--volumes', '--timeout', '10'])
}

/** @param {string} kind @param {string} sensor @param {string[]} capabilities */
function checkConfinement(kind, sensor, capabilities) {
  const pid = docker(['inspect', '-f', '{{.State.Pid}}', sensor]).stdout.trim()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (/** @type {string} */ name) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1]
  const wanted = capabilities.reduce((sum, name) => sum | (1n << bitOf(name)), 0n)
  const has = ['CapEff', 'CapPrm', 'CapBnd'].map((name) => BigInt(`0x${field(name)}`))
  check(
    `${kind}: runs with exactly ${capabilities.join(', ')}`,
    has.every((set) => set === wanted),
    status,
  )
  check(
    `${kind}: under a seccomp filter, without new privileges`,
    field('Seccomp') === '2' && field('NoNewPrivs') === '1',
    status,
  )
  const write = docker(['exec', sensor, 'touch', '/opt/oisp-sensor/x'])
  check(`${kind}: its root is read-only`, /Read-only file system/.test(write.stderr), write.stderr)
  const ports = docker(['inspect', '-f', '{{json .NetworkSettings.Ports}}', sensor]).stdout.trim()
  check(`${kind}: publishes no port`, ['{}', 'null'].includes(ports), ports)
}

/** @param {string} name */
function bitOf(name) {
  const bit = CAPABILITY_BITS[/** @type {keyof typeof CAPABILITY_BITS} */ (name)]
  if (bit === undefined) throw new Error(`unknown capability ${name}`)
  return bit
}

/** @param {string} missing @param {string[]} capabilities */
async function testWithout(missing, capabilities) {
  const added = capabilities.filter((name) => name !== missing).map((name) => `--cap-add=${name}`)
  const options = ['--network=none', '--pid=host', '--read-only', '--tmpfs=/run', '--cap-drop=ALL', ...added]
  const id = docker(['run', '-d', ...options, SENSOR]).stdout.trim()
  const output = () => {
    const { stdout, stderr } = docker(['logs', id])
    return stdout + stderr
  }
  const isOver = () => docker(['inspect', '-f', '{{.State.Running}}', id]).stdout.trim() === 'false'
  await until(() => isOver() || output().includes('npm run demo'))
  const [code, said] = [docker(['inspect', '-f', '{{.State.ExitCode}}', id]).stdout.trim(), output()]
  const isNamed = said.includes(`CAP_${missing} is missing`)
  if (REQUIRED.includes(missing))
    check(`without ${missing}: ends with 3 and names it`, code === '3' && isNamed, `${code}\n${said}`)
  else check(`without ${missing}: starts and says what stays blind`, !isOver() && isNamed, said)
  docker(['rm', '-f', id])
}

function testUnit() {
  console.log('\n== oisp-sensor.service ==')
  const unit = '/checkout/otel-config/oisp-sensor.service'
  const inside = (/** @type {string[]} */ ...command) =>
    docker([
      'run',
      '--rm',
      '--network=none',
      '-v',
      `${checkout}:/checkout:ro`,
      'oisp-test-systemd',
      ...command,
    ])
  const verify = inside('systemd-analyze', 'verify', unit)
  check(
    'systemd-analyze verify prints nothing',
    verify.status === 0 && verify.stdout + verify.stderr === '',
    verify.stdout + verify.stderr,
  )
  const security = inside(
    'systemd-analyze',
    'security',
    '--offline=true',
    '--threshold=35',
    '--no-pager',
    unit,
  )
  check(
    'systemd-analyze security: exposure of at most 3.5',
    security.status === 0,
    security.stdout + security.stderr,
  )
}

/** Of all spans that arrived. @param {string} kind @returns {Record<string, unknown>[]} */
function resourcesOf(kind) {
  const file = join(shared, kind, 'telemetry.jsonl')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  return lines
    .filter((line) => line.endsWith('}'))
    .flatMap((line) =>
      JSON.parse(line).resourceSpans.map((/** @type {any} */ { resource }) =>
        Object.fromEntries(
          resource.attributes.map((/** @type {any} */ { key, value }) => [
            key,
            value.stringValue ?? value.intValue,
          ]),
        ),
      ),
    )
}

/** @param {string} program @param {string[]} args */
function mustRun(program, args) {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}\n${stderr}`)
}
