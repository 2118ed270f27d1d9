// SPDX-License-Identifier: Apache-2.0
/** The whole exporter on real sockets: encode, batch, send, retry, shut down. Time is the test's. */
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { startGrpcCollector, startHttpCollector, type Collector } from '../../test/support/collector.js'
import { createFakeClock } from '../../test/support/collector-clock.js'
import {
  createMemoryLog,
  makeDestination,
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
} from '../../test/support/collector-telemetry.js'
import { createStats } from '../stats.js'
import { createExporter } from './exporter.js'
import { createOtlpSink } from './otlp-sink.js'
import type { Clock, OtlpProtocol, OtlpSettings, Signal } from './types.js'

const SIGNALS: Signal[] = ['traces', 'logs', 'metrics']
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(protocol: OtlpProtocol): Promise<Collector> {
  const collector = await (protocol === 'grpc' ? startGrpcCollector() : startHttpCollector())
  closing.push(() => collector.stop())
  return collector
}

function setUp(url: string, change: Partial<OtlpSettings>, clock?: Clock, signals = SIGNALS) {
  const stats = createStats()
  const log = createMemoryLog()
  const destinations = signals.map((signal) => makeDestination(url, { ...change, signal }))
  const sink = createOtlpSink({
    destinations,
    stats,
    log,
    version: '1',
    random: () => 0,
    ...(clock ? { clock } : {}),
  })
  return { stats, log, exporter: createExporter({ sinks: [sink] }) }
}

const everything = () =>
  makeTelemetry({ spans: [makeSpan(), makeSpan()], logRecords: [makeLogRecord()], metrics: makeMetrics() })

describe.each(['grpc', 'http/protobuf'] as const)('createExporter over %s', (protocol) => {
  it.each(['none', 'gzip'] as const)('delivers all three signals (compression: %s)', async (compression) => {
    const collector = await start(protocol)
    const { exporter, stats } = setUp(collector.url, { protocol, compression })
    exporter.consume(everything())
    exporter.end()
    expect(await exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
    const { traces, logs, metrics } = collector.read()
    expect([traces, logs, metrics].map(([group]) => group!.items.length)).toEqual([2, 1, 2])
    expect(traces[0]!.items[0]).toMatchObject({ startTimeUnixNano: '1700000000123456789' })
    expect(SIGNALS.map((signal) => stats.get('exporter.items.exported', signal))).toEqual([2, 1, 2])
    expect(stats.get('exporter.items.dropped')).toBe(0)
  })

  it('delivers after the receiver was away', async () => {
    const collector = await start(protocol)
    const clock = createFakeClock()
    const { exporter, stats, log } = setUp(collector.url, { protocol }, clock, ['traces'])
    const unavailable = protocol === 'grpc' ? 14 : 503
    collector.answer({ status: unavailable, body: '' }, { status: unavailable, body: '' })
    exporter.consume(everything())
    exporter.end()
    for (const delay of [500, 1_000]) {
      await clock.untilTimer((delayMs) => delayMs === delay)
      clock.advance(delay)
    }
    await collector.received(3)
    expect(await exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
    expect(new Set(collector.requests.map(({ body }) => Buffer.from(body).toString('hex'))).size).toBe(1)
    expect(stats.get('exporter.items.exported', 'traces')).toBe(2)
    expect(log.lines.at(-1)).toBe('info traces: export works again')
  })

  it('honours the delay that the receiver asks for', async () => {
    const collector = await start(protocol)
    const clock = createFakeClock()
    const { exporter, stats } = setUp(collector.url, { protocol }, clock, ['traces'])
    collector.answer(
      protocol === 'grpc'
        ? { status: 8, retryDelayMs: 7_000 }
        : { status: 429, body: '', headers: { 'retry-after': '7' } },
    )
    exporter.consume(everything())
    exporter.end()
    await clock.untilTimer((delayMs) => delayMs === 7_000)
    clock.advance(7_000)
    await collector.received(2)
    await exporter.shutdown(5_000)
    expect(stats.get('exporter.items.exported', 'traces')).toBe(2)
  })

  it('ends at the deadline when the receiver takes everything and never answers', async () => {
    const collector = await start(protocol)
    collector.answer({ hang: true }, { hang: true }, { hang: true })
    const clock = createFakeClock()
    const { exporter, stats } = setUp(collector.url, { protocol }, clock)
    exporter.consume(everything())
    const shutdown = exporter.shutdown(5_000)
    await collector.received(3)
    clock.advance(5_000)
    expect(await shutdown).toEqual({ unsentItems: 5 })
    expect(stats.get('exporter.items.dropped', 'shutdown')).toBe(5)
    expect(clock.delays()).toEqual([])
  })

  it('ends in time, on the real clock, when a dead endpoint does not even speak', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    closing.push(async () => sockets.forEach((socket) => socket.destroy()))
    const { exporter } = setUp(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { protocol })
    exporter.consume(everything())
    const startedAt = performance.now()
    expect(await exporter.shutdown(200)).toEqual({ unsentItems: 5 })
    const took = performance.now() - startedAt
    expect(took).toBeGreaterThan(190)
    expect(took).toBeLessThan(2_000)
  })
})
