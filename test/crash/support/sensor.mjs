// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * A sensor without a kernel: the real pipeline, redaction, exporter and disk queue under synthetic exchanges, in a process that can
 * be killed. In: JSON in argv. Out, on descriptor 1, each line in one write:
 *
 *     ready                  the queue is open
 *     ended ID MS            the exchange with this response id has ended, and the exporter has it
 *     alive MS               at this time the event loop and the thread pool were at work
 *     log TEXT               what the sensor says
 *     closed JSON            after SIGTERM: its counters
 *
 * Times are CLOCK_MONOTONIC, which all processes share.
 * @module
 */
import { stat, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const MAIN = process.env['OISP_TEST_MAIN']
const DIST = MAIN === undefined ? join(import.meta.dirname, '../../../dist') : dirname(MAIN)
const load = (/** @type {string} */ path) => import(pathToFileURL(join(DIST, path)).href)
const { createExporter, createOtlpSink, openDiskQueue } = await load('exporter/index.js')
const { createPipeline } = await load('pipeline.js')
const { decodeBatch } = await load('receiver/decode.js')
const { createBudget, createStats } = await load('stats.js')
const { pipelineSettings } = await import('../../bench/settings.mjs')
const { exchangeBatch, requestBody, ssePayloads } = await import('../../bench/synthetic.mjs')

/** @type {{directory: string, url: string, generation: number, flushMs: number, maxBytes: number, memoryBytes: number, isIdle: boolean}} */
const options = JSON.parse(process.argv[2] ?? '')
const CLOCK = { boottimeToUnixNano: 1_700_000_000_000_000_000n }
const TICK_MS = 5
const EXCHANGES_PER_TICK = 2
/** More exchanges than one process makes: ids never meet. */
const PER_GENERATION = 1_000_000

const nowMs = () => Number(process.hrtime.bigint()) / 1e6

/** A line is on its way before anything else happens, so that a kill cannot take it back. @param {string} line */
function say(line) {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0;)
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      // The reader is behind.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') throw error
    }
}

const log = {
  info: (/** @type {string} */ text) => say(`log ${text}`),
  warn: (/** @type {string} */ text) => say(`log ${text}`),
}

const stats = createStats()
const queue = await openDiskQueue({ ...options, stats, log })
const signals = ['traces', 'logs', 'metrics']
const exporter = createExporter({
  sinks: [
    createOtlpSink({
      destinations: signals.map((signal) => ({
        signal,
        protocol: 'http/protobuf',
        url: `${options.url}/v1/${signal}`,
        headers: {},
        timeoutMs: 2_000,
        compression: 'none',
        insecure: true,
        tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
      })),
      stats,
      log,
      version: '0.0.0',
      flushMs: options.flushMs,
      retry: { initialBackoffMs: 20, maxBackoffMs: 200, maxElapsedMs: 300_000 },
      queue,
    }),
  ],
})
const pipeline = createPipeline(pipelineSettings(stats, createBudget()), exporter)
const body = requestBody(2_000)
let made = 0

function makeExchange() {
  const number = options.generation * PER_GENERATION + made++
  const id = `msg_${number}`
  const payloads = ssePayloads(5).map(({ event, data }) => ({ event, data: data.replace('msg_01', id) }))
  decodeBatch(exchangeBatch(body, payloads, number), CLOCK, (/** @type {any} */ record) =>
    pipeline.consume(record),
  )
  say(`ended ${id} ${nowMs()}`)
}

function tick() {
  if (!options.isIdle) for (let i = 0; i < EXCHANGES_PER_TICK; i++) makeExchange()
  const at = nowMs()
  // As many turns of the thread pool as a request takes to its file: made, opened, written.
  stat('/', () => stat('/', () => stat('/', () => say(`alive ${at}`))))
}

const ticking = setInterval(tick, TICK_MS)
process.once('SIGTERM', async () => {
  clearInterval(ticking)
  const report = await exporter.shutdown(5_000)
  /** @type {{name: string, reason: string, count: number}[]} */
  const snapshot = stats.snapshot()
  const counters = Object.fromEntries(snapshot.map(({ name, reason, count }) => [`${name} ${reason}`, count]))
  say(`closed ${JSON.stringify({ ...report, counters })}`)
  process.exit(0)
})
// Not before it can be told to stop.
say('ready')
