// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench [-- --json]`: what the pipeline costs, as ratios and rates of one run on one machine. In: the build in dist/.
 * Out: a table, or one JSON object per line {name, value, unit, limit, isOk}. Fails only beyond three times a limit: machines
 * are noisy, and a shared one more so.
 * @module
 */
import { fork } from 'node:child_process'
import { createExporter, createOtlpSink } from '../../dist/exporter/index.js'
import { createPipeline } from '../../dist/pipeline.js'
import { createProcessTable } from '../../dist/process/index.js'
import { decodeBatch } from '../../dist/receiver/decode.js'
import { createBudget, createStats } from '../../dist/stats.js'
import { createStream } from '../../dist/stream/index.js'
import { benchExports } from './export.mjs'
import { pipelineSettings } from './settings.mjs'
import { exchangeBatch, requestBody, ssePayloads } from './synthetic.mjs'

const EVENTS = 200
const CLOCK = { boottimeToUnixNano: 1_700_000_000_000_000_000n }
const NOWHERE = { consume() {}, tick() {}, end() {} }

const results = []
function report(name, value, unit, limit, isUpper = true) {
  const isOk = limit === undefined || (isUpper ? value <= limit : value >= limit)
  const isFailed = limit !== undefined && (isUpper ? value > 3 * limit : value < limit / 3)
  results.push({ name, value: Number(value.toPrecision(4)), unit, limit, isOk, isFailed })
}

const WARM_UP_CALLS = 2_000
const ROUNDS = 60
const CALLS_PER_ROUND = 40
/** Inputs, each in memory of its own; a round takes the next ones. */
const INPUTS = 400
/** Of the rounds, sorted by their cost: what nearly nothing else on the machine disturbed, and yet no single lucky round. */
const QUANTILE = 0.1

/**
 * CPU of this process in µs per call, for each of `works`, which take turns so that a busy machine is equally busy for all of them.
 * The warm-up lasts until V8 has compiled what it will: a sensor runs for days. Garbage collection comes when V8 wants it and
 * counts; it is not forced between rounds: a forced one also throws away hidden classes and with them the code compiled for them,
 * which a program that keeps running does not lose.
 */
function cpuPerCall(...works) {
  for (const work of works) for (let i = 0; i < WARM_UP_CALLS; i++) work(i % INPUTS)
  const costs = works.map(() => [])
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, work] of works.entries()) {
      const before = process.cpuUsage()
      for (let i = 0; i < CALLS_PER_ROUND; i++) work((round * CALLS_PER_ROUND + i) % INPUTS)
      const { user, system } = process.cpuUsage(before)
      costs[at].push((user + system) / CALLS_PER_ROUND)
    }
  return costs.map((of) => of.sort((a, b) => a - b)[Math.floor(of.length * QUANTILE)])
}

/** Each call reads bytes of its own, as the pipeline does: the same ones again would already be in the processor's cache. */
function parsing(body, payloads) {
  const exchanges = Array.from({ length: INPUTS }, () => ({
    body: Buffer.from(body),
    payloads: payloads.map(({ data }) => Buffer.from(data)),
  }))
  const decoder = new TextDecoder()
  return (i) => {
    JSON.parse(decoder.decode(exchanges[i].body))
    for (const payload of exchanges[i].payloads) JSON.parse(decoder.decode(payload))
  }
}

function benchExchanges(label, bodyBytes, limit) {
  const body = requestBody(bodyBytes)
  const payloads = ssePayloads(EVENTS)
  let spans = 0
  const stats = createStats()
  const sink = { ...NOWHERE, consume: (telemetry) => (spans += telemetry.spans.length) }
  const pipeline = createPipeline(pipelineSettings(stats, createBudget()), sink)
  // Made before the clock starts: the kernel makes them in real life.
  const batches = Array.from({ length: INPUTS }, (_, i) => exchangeBatch(body, payloads, i + 1))
  const [baseline, cost] = cpuPerCall(parsing(body, payloads), (i) =>
    decodeBatch(batches[i], CLOCK, (record) => pipeline.consume(record)),
  )
  const exchanges = WARM_UP_CALLS + CALLS_PER_ROUND * ROUNDS
  if (spans !== exchanges) throw new Error(`${spans} spans of ${exchanges} exchanges`)
  report(`exchange ${label}: CPU ÷ (decode + JSON.parse)`, cost / baseline, 'ratio', limit)
  report(`exchange ${label}: CPU`, cost, 'µs')
  report(`exchange ${label}: CPU of decode + JSON.parse`, baseline, 'µs')
}

/**
 * Ring-buffer records to ordered bytes. The rooms hand on views and copy nothing; so that every byte is really read once, from
 * memory and not from a cache, the receiver of the bytes copies them to where their offset says.
 */
function benchStream() {
  const bytes = 1 << 20
  const pieces = Array.from({ length: INPUTS / 4 }, (_, i) => exchangeBatch('x'.repeat(bytes), [], i + 1))
  const target = Buffer.alloc(2 * bytes)
  let copied = 0
  const copy = (event) => {
    if (event.kind !== 'bytes') return
    target.set(event.bytes, event.offset)
    copied += event.bytes.length
  }
  const stats = createStats()
  const room = createProcessTable({ stats, ...CLOCK }, createStream({ stats }, { ...NOWHERE, consume: copy }))
  const [cost] = cpuPerCall((i) =>
    decodeBatch(pieces[i % pieces.length], CLOCK, (record) => room.consume(record)),
  )
  const perCall = copied / (WARM_UP_CALLS + CALLS_PER_ROUND * ROUNDS)
  report('stream room: records to ordered bytes, with one copy', perCall / cost, 'MB/s')
}

async function benchExporter() {
  const stats = createStats()
  const kept = []
  const pipeline = createPipeline(pipelineSettings(stats, createBudget()), {
    ...NOWHERE,
    consume: (item) => kept.push(item),
  })
  const body = requestBody(4_000)
  for (let i = 1; i <= 500; i++)
    decodeBatch(exchangeBatch(body, ssePayloads(10), i), CLOCK, (record) => pipeline.consume(record))
  const telemetry = kept.filter(({ spans }) => spans.length > 0)
  let bytes = 0
  const destinations = ['traces', 'logs'].map((signal) => ({
    signal,
    protocol: 'http/protobuf',
    url: `http://collector.test/v1/${signal}`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    insecure: true,
    tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
  }))
  const createTransport = () => ({
    async send(_, request) {
      bytes += request.length
      return { outcome: 'accepted', rejectedItems: 0, message: undefined }
    },
    async close() {},
  })
  const rounds = 20
  const before = process.cpuUsage()
  for (let round = 0; round < rounds; round++) {
    const sink = createOtlpSink({
      destinations,
      stats,
      log: { info() {}, warn() {} },
      version: '0.0.0',
      createTransport,
    })
    const exporter = createExporter({ sinks: [sink] })
    for (const item of telemetry) exporter.consume(item)
    await exporter.shutdown(5_000)
  }
  const { user, system } = process.cpuUsage(before)
  const spans = telemetry.length * rounds
  report('exporter: span with its log record', (spans / (user + system)) * 1e6, 'spans/s of CPU')
  report('exporter: bytes of one span with its log record', bytes / spans, 'B')
}

/** RSS of a process of its own, so that what this one has allocated does not count. */
function rssOf(mode) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('rss.mjs', import.meta.url), [mode], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.once('message', resolve)
    child.once('error', reject)
    child.once('exit', (code) => code !== 0 && reject(new Error(`rss.mjs ended with ${code}`)))
  })
}

benchExchanges('4 KB', 4_000)
benchExchanges('150 KB', 150_000, 2.5)
benchStream()
await benchExporter()
await benchExports(report)
report('RSS idle', await rssOf('idle'), 'MB', 90)
report('RSS at 100 exchanges/s of 150 KB', await rssOf('load'), 'MB', 170)

for (const { name, value, unit, limit, isOk } of results) {
  if (process.argv.includes('--json')) console.log(JSON.stringify({ name, value, unit, limit, isOk }))
  else
    console.log(
      `${name.padEnd(52)} ${String(value).padStart(10)} ${unit}${limit === undefined ? '' : ` (limit ${limit}: ${isOk ? 'ok' : 'BEYOND'})`}`,
    )
}
process.exitCode = results.some(({ isFailed }) => isFailed) ? 1 : 0
