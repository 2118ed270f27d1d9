// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * @module The real OpenTelemetry Collector for the tests: in comes a list of component modules, out goes the path of a binary built
 * from their sources under `.cache/collector`, named by a hash of that list, so an unchanged list is built once. It installs
 * nothing outside `.cache` (Go's own module and build caches apart) and knows nothing of the sensor.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSION = 'v0.161.0'
/** What the go.mod of the Collector's modules at VERSION asks for: 1.26. */
const GO_NEEDED = { major: 1, minor: 26 }
const CORE = 'go.opentelemetry.io/collector'
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib'

const COMPONENTS = {
  receivers: [`${CORE}/receiver/otlpreceiver`],
  processors: [
    `${CORE}/processor/batchprocessor`,
    `${CORE}/processor/memorylimiterprocessor`,
    `${CONTRIB}/processor/deltatocumulativeprocessor`,
    `${CONTRIB}/processor/filterprocessor`,
    `${CONTRIB}/processor/redactionprocessor`,
    `${CONTRIB}/processor/resourceprocessor`,
    `${CONTRIB}/processor/tailsamplingprocessor`,
    `${CONTRIB}/processor/transformprocessor`,
  ],
  exporters: [
    `${CORE}/exporter/debugexporter`,
    `${CORE}/exporter/otlpexporter`,
    `${CORE}/exporter/otlphttpexporter`,
    `${CONTRIB}/exporter/fileexporter`,
    `${CONTRIB}/exporter/prometheusexporter`,
  ],
  connectors: [
    `${CONTRIB}/connector/countconnector`,
    `${CONTRIB}/connector/signaltometricsconnector`,
    `${CONTRIB}/connector/spanmetricsconnector`,
  ],
  extensions: [`${CONTRIB}/extension/healthcheckextension`, `${CONTRIB}/extension/storage/filestorage`],
}

const cache = resolve(import.meta.dirname, '../../.cache/collector')

function manifest() {
  const lists = Object.entries(COMPONENTS).map(
    ([kind, modules]) => `${kind}:\n${modules.map((module) => `  - gomod: ${module} ${VERSION}\n`).join('')}`,
  )
  return `dist:\n  name: otelcol\n  description: Collector of the tests\n  version: ${VERSION.slice(1)}\n  output_path: ./source\n${lists.join('')}`
}

/** Says in one sentence why the Collector cannot be built here; undefined when it can, or is built already. */
export function missingForCollector() {
  if (existsSync(binaryPath())) return undefined
  const needed = `Go ${GO_NEEDED.major}.${GO_NEEDED.minor} or newer is needed to build the Collector (https://go.dev/dl/; Debian 12's own golang is too old)`
  const { stdout, error } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' })
  if (error) return `${needed}: there is no go command`
  const found = /^go(\d+)\.(\d+)/.exec(stdout)
  if (!found) return `${needed}: "go env GOVERSION" said ${JSON.stringify(stdout)}`
  const [major, minor] = [Number(found[1]), Number(found[2])]
  const isEnough = major > GO_NEEDED.major || (major === GO_NEEDED.major && minor >= GO_NEEDED.minor)
  return isEnough ? undefined : `${needed}: this is ${found[0]}`
}

function binaryPath() {
  return join(cache, createHash('sha256').update(manifest()).digest('hex').slice(0, 16), 'otelcol')
}

/** @param {string} step @param {string[]} args @param {string} cwd */
function go(step, args, cwd) {
  const begin = Date.now()
  process.stderr.write(`collector: ${step}\n`)
  // -mod=mod and no tidy: `go mod tidy` also asks for what the components' own tests import, which some module proxies lack.
  const { status, stderr, error } = spawnSync('go', args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOWORK: 'off' },
  })
  if (error || status !== 0) {
    throw new Error(`go ${args.join(' ')} failed in ${cwd}:\n${error?.message ?? stderr.slice(-4000)}`)
  }
  process.stderr.write(`collector: ${step}: ${Math.round((Date.now() - begin) / 1000)} s\n`)
}

/** Builds the Collector unless it is there, and returns its path. A build that was cut off leaves no binary behind. */
export function buildCollector() {
  const binary = binaryPath()
  if (existsSync(binary)) return binary
  const missing = missingForCollector()
  if (missing) throw new Error(missing)
  const folder = join(binary, '..')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'builder.yaml'), manifest())
  const builder = `${CORE}/cmd/builder@${VERSION}`
  go('write the sources (1 of 2)', ['run', builder, '--config', 'builder.yaml', '--skip-compilation'], folder)
  const flags = ['-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', '../otelcol.partial', '.']
  go('compile, about 3 minutes (2 of 2)', ['build', ...flags], join(folder, 'source'))
  renameSync(`${binary}.partial`, binary)
  return binary
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildCollector())
