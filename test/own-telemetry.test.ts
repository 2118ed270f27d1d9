// SPDX-License-Identifier: Apache-2.0
/**
 * Whatever is lost is seen: the same receiver that misses items is told how many, why and where. From the counters of the rooms
 * through the exporter to a real gRPC server, decoded by reflection.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { createExporter, createOtlpSink, type OtlpSinkSettings } from '../src/exporter/index.js'
import { createHealth, toSensorResource } from '../src/health/index.js'
import { copyLog } from '../src/commands/own.js'
import { createLog } from '../src/log.js'
import { createBudget, createStats, type Stats } from '../src/stats.js'
import { createStream } from '../src/stream/index.js'
import { startGrpcCollector, startHttpCollector, type Collector } from './support/collector.js'
import { createMemoryLog, makeDestination, makeSpan, makeTelemetry } from './support/collector-telemetry.js'
import { checkConformance } from './support/conformance.js'
import { decodeRequest, type PlainObject } from './support/otlp-sink.js'

const SECOND = 1_000_000_000n
const START = 1_700_000_000n * SECOND
const INVALID_ARGUMENT = 3
const RESOURCE = toSensorResource({
  version: '1.2.3',
  instanceId: '9d3c9f7e-0000-4000-8000-000000000000',
  pid: 7,
  hostName: 'box',
  architecture: 'x64',
  kernelRelease: '6.18.0',
  operatorAttributes: { 'service.name': 'oisp-sensor' },
})

let collector: Collector | undefined
afterEach(() => collector?.stop())

/** The rooms around the counters; the network is real. */
async function setUp(change: Partial<OtlpSinkSettings> = {}) {
  const to = (collector = await startGrpcCollector())
  const inner = createStats()
  const watchers = new Map<string, () => void>()
  const stats: Stats = {
    ...inner,
    add(name, ...rest) {
      inner.add(name, ...rest)
      watchers.get(name)?.()
    },
  }
  const sink = createOtlpSink({
    destinations: (['traces', 'logs', 'metrics'] as const).map((signal) =>
      makeDestination(to.url, { signal, protocol: 'grpc' }),
    ),
    stats,
    log: createMemoryLog(),
    version: '1.2.3',
    flushMs: 0,
    ...change,
  })
  const exporter = createExporter({ sinks: [sink] })
  const health = createHealth<Parameters<typeof exporter.consume>[0]>(
    {
      resource: RESOURCE,
      version: '1.2.3',
      intervalMs: 10_000,
      startUnixNano: START,
      read: () => ({
        counters: stats.snapshot(),
        budget: createBudget(),
        sinks: exporter.readHealth(),
        capture: {
          transfers: 9,
          bytes: 900,
          probeHits: 20,
          repeatedCalls: 0,
          orphanedReturns: 1,
          attachedFiles: 2,
          hookedProcesses: 3,
          blindProcesses: 1,
        },
        usage: { userCpuMicros: 1, systemCpuMicros: 2, residentBytes: 3, uptimeSeconds: 4 },
      }),
    },
    exporter,
  )
  const end = async (): Promise<void> => {
    health.end()
    await exporter.shutdown(5000)
  }
  const counted = (name: string): Promise<void> => new Promise((resolve) => watchers.set(name, resolve))
  return { health, stats, end, collector: to, counted }
}

/** What the receiver knows at the end: `name{reason or error.type}` → value of the latest point. */
function latest(to: Collector): Map<string, number> {
  const out = new Map<string, number>()
  const times = new Map<string, bigint>()
  for (const metric of to.read().metrics.flatMap(({ items }) => items)) {
    const data = (metric.sum ?? metric.gauge) as { dataPoints: PlainObject[] }
    for (const point of data.dataPoints) {
      const attributes = point.attributes as Record<string, { stringValue: string }> | undefined
      const why = attributes?.['reason'] ?? attributes?.['error.type']
      const key = `${String(metric.name)}${why === undefined ? '' : `{${why.stringValue}}`}`
      const time = BigInt(String(point.timeUnixNano))
      if ((times.get(key) ?? 0n) > time) continue
      times.set(key, time)
      out.set(key, Number(point.asInt ?? point.asDouble))
    }
  }
  return out
}

function violations({ requests }: Collector): unknown[] {
  return requests
    .filter(({ signal }) => signal === 'metrics')
    .flatMap(({ signal, body }) => checkConformance(decodeRequest(signal, body)))
}

describe('own telemetry at a receiver', () => {
  it('tells what the kernel side lost', async () => {
    const { health, stats, end, collector: to } = await setUp()
    const stream = createStream({ stats }, { consume() {}, tick() {}, end() {} })
    stream.consume({ kind: 'lost', timeUnixNano: START, reason: 'ring_full', records: 12, bytes: 34_000 })
    health.tick(START + SECOND)
    await end()
    expect(violations(to)).toEqual([])
    const seen = latest(to)
    expect(seen.get('oisp.records.lost{ring_full}')).toBe(12)
    expect(seen.get('oisp.bytes.lost{ring_full}')).toBe(34_000)
    expect(seen.get('oisp.processes.blind')).toBe(1)
  })

  it('tells what found no room in the queue', async () => {
    const { health, end, collector: to, stats } = await setUp({ queueBytes: 512 * 1024, flushMs: 60_000 })
    for (let index = 0; index < 1000; index++) health.consume(makeTelemetry({ spans: [makeSpan()] }))
    const lost = stats.get('exporter.items.dropped', 'queue_full')
    expect(lost).toBeGreaterThan(0)
    // Nothing has left yet: the report of the loss must find room in the same queue.
    expect(to.requests).toEqual([])
    await end()
    expect(stats.get('exporter.items.dropped')).toBe(lost)
    expect(violations(to)).toEqual([])
    const seen = latest(to)
    expect(seen.get('oisp.exporter.items.dropped{queue_full}')).toBe(lost)
    expect(seen.get('otel.sdk.processor.span.processed{queue_full}')).toBe(lost)
    expect(seen.get('otel.sdk.processor.span.queue.size')).toBe(1000 - lost)
  })

  it('tells what the receiver refused', async () => {
    const { health, end, collector: to, counted } = await setUp()
    to.answer({ status: INVALID_ARGUMENT, details: 'no such tenant' })
    health.consume(makeTelemetry({ spans: [makeSpan(), makeSpan()] }))
    await counted('exporter.items.dropped')
    // The request is settled before this turn ends.
    await new Promise((resolve) => setImmediate(resolve))
    await end()
    expect(violations(to)).toEqual([])
    const seen = latest(to)
    expect(seen.get('oisp.exporter.items.dropped{rejected}')).toBe(2)
    expect(seen.get('oisp.exporter.requests.rejected{grpc_3}')).toBe(1)
    expect(seen.get('otel.sdk.exporter.span.exported{rejected}')).toBe(2)
    expect(seen.get('otel.sdk.exporter.span.exported')).toBe(0)
    expect(seen.get('otel.sdk.processor.span.processed')).toBe(2)
  })
})

describe('the operational log over HTTP', () => {
  async function setUpLog(change: Partial<OtlpSinkSettings> = {}) {
    const to = (collector = await startHttpCollector())
    const stats = createStats()
    const stderr: string[] = []
    const stream = { write: (line: string) => void stderr.push((JSON.parse(line) as { msg: string }).msg) }
    const log = createLog({ level: 'info', stream, isTerminal: false })
    const destinations = [makeDestination(to.url, { signal: 'logs' })]
    const exporter = createExporter({
      sinks: [createOtlpSink({ destinations, stats, log, version: '1.2.3', ...change })],
    })
    const settings = { config: { destinations }, log, version: '1.2.3', resource: RESOURCE, stats }
    const copied = await copyLog(settings, exporter)
    const end = async (): Promise<void> => {
      await copied.shutdown(5000)
      await exporter.shutdown(5000)
    }
    return { log, stats, stderr, end, collector: to }
  }

  it('takes the way of the metrics', async () => {
    const { log, end, collector: to } = await setUpLog()
    log.warn('odd')
    await end()
    log.warn('late')
    expect(to.requests.flatMap(({ signal, body }) => checkConformance(decodeRequest(signal, body)))).toEqual(
      [],
    )
    expect(to.read().logs.flatMap(({ items }) => items.map(({ body }) => body))).toEqual([
      { stringValue: 'odd' },
    ])
  })

  it('does not talk itself into a full queue: a line about a lost line is lost, and that is all', async () => {
    const { log, end, stats, stderr } = await setUpLog({ queueBytes: 2_000, flushMs: 60_000 })
    for (let index = 0; index < 50; index++) log.info(`line ${index}`)
    const about = stderr.filter((line) => !line.startsWith('line'))
    expect(about).toEqual([expect.stringContaining('the queue is full')])
    expect(stats.get('exporter.items.dropped', 'queue_full')).toBeGreaterThan(30)
    await end()
    expect(stats.get('exporter.items.exported') + stats.get('exporter.items.dropped')).toBe(51)
  })
})
