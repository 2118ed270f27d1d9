// SPDX-License-Identifier: Apache-2.0
/** The real SDK classes behind the door, unchanged, against the fake receiver. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchLogRecordProcessor, InMemoryLogRecordExporter } from '@opentelemetry/sdk-logs'
import { BatchSpanProcessor, InMemorySpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { createFakeClock } from '../../test/support/collector-clock.js'
import {
  createMemoryLog,
  makeLogRecord,
  makeSpan,
  makeTelemetry,
  TRACE_ID,
} from '../../test/support/collector-telemetry.js'
import { startHttpCollector } from '../../test/support/collector.js'
import { createMemoryCollector } from '../../test/support/otlp-sink.js'
import { createStats } from '../stats.js'
import { createExporter } from './exporter.js'
import { createThirdPartySink, type ThirdParties } from './third-party-sink.js'
import type { Clock } from './types.js'

function setUp(parties: ThirdParties, clock?: Clock) {
  const stats = createStats()
  const log = createMemoryLog()
  const sink = createThirdPartySink({ ...parties, stats, log, ...(clock ? { clock } : {}) })
  const own = createMemoryCollector(stats)
  return { stats, log, own, exporter: createExporter({ sinks: [sink, own.sink] }) }
}

const telemetry = makeTelemetry({
  spans: [
    makeSpan({
      traceState: 'vendor=1',
      parentSpanContext: { traceId: TRACE_ID, spanId: '00000000000000ff', traceFlags: 1, isRemote: true },
      links: [
        {
          context: { traceId: TRACE_ID, spanId: 'ee'.repeat(8), traceFlags: 1, isRemote: true },
          attributes: { a: 1 },
        },
      ],
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.input.messages': [{ role: 'user', parts: [] }],
        n: 7,
      },
    }),
    makeSpan({ status: { code: 2 } }),
  ],
  logRecords: [makeLogRecord({ attributes: { map: { deep: [1, 'x'] } } })],
})

describe('createThirdPartySink', () => {
  it('lets a BatchSpanProcessor with OTLPTraceExporter send the same as we do', async () => {
    const collector = await startHttpCollector()
    const theirs = new OTLPTraceExporter({ url: `${collector.url}/v1/traces` })
    const { exporter, own } = setUp({ spanProcessors: [new BatchSpanProcessor(theirs)] })
    exporter.consume(telemetry)
    await exporter.shutdown(5_000)
    expect(collector.requests).toHaveLength(1)
    expect(collector.read().traces).toEqual(own.read().traces)
    await collector.stop()
  })

  it('serves bare exporters and log record processors', async () => {
    const spans = new InMemorySpanExporter()
    const records = new InMemoryLogRecordExporter()
    const behindProcessor = new InMemoryLogRecordExporter()
    const processor = new BatchLogRecordProcessor({ exporter: behindProcessor })
    const { exporter, stats } = setUp({
      spanExporters: [spans],
      logRecordExporters: [records],
      logRecordProcessors: [processor],
    })
    exporter.consume(telemetry)
    await processor.forceFlush()
    const [record] = behindProcessor.getFinishedLogRecords()
    expect(spans.getFinishedSpans().map(({ startTime }) => startTime)).toEqual([
      [1_700_000_000, 123_456_789],
      [1_700_000_000, 123_456_789],
    ])
    expect(record).toMatchObject({
      eventName: 'gen_ai.client.inference.operation.details',
      attributes: { map: { deep: [1, 'x'] } },
    })
    expect(records.getFinishedLogRecords()).toHaveLength(1)
    await exporter.shutdown(5_000)
    expect(stats.get('exporter.third_party.failed')).toBe(0)
  })

  it('survives what third parties throw, counts it and says it once, without their words', async () => {
    const broken: SpanProcessor = {
      onStart() {},
      onEnd() {
        throw new TypeError('prompt text')
      },
      forceFlush: async () => {},
      shutdown: async () => {
        throw new Error('again')
      },
    }
    const { exporter, stats, log, own } = setUp({
      spanProcessors: [broken],
      spanExporters: [
        { export: (_spans, done) => done({ code: 1, error: new Error('no') }), shutdown: async () => {} },
      ],
    })
    exporter.consume(telemetry)
    await exporter.shutdown(5_000)
    expect(stats.get('exporter.third_party.failed')).toBe(2 + 1 + 1)
    expect(log.lines).toEqual(['warn third-party exporter: TypeError'])
    expect(own.read().traces[0]!.items).toHaveLength(2)
  })

  it('survives an async function that rejects in place of a plain one', async () => {
    const reject = async (): Promise<never> => {
      throw new RangeError('prompt text')
    }
    const broken = { onStart() {}, onEnd: reject, forceFlush: reject, shutdown: reject }
    const { exporter, stats, log } = setUp({
      spanProcessors: [broken as unknown as SpanProcessor],
      spanExporters: [{ export: reject as never, shutdown: async () => {} }],
    })
    exporter.consume(telemetry)
    await exporter.shutdown(5_000)
    expect(stats.get('exporter.third_party.failed')).toBe(2 + 1 + 1)
    expect(log.lines).toEqual(['warn third-party exporter: RangeError'])
  })

  it('gives no more to an exporter that never says when it is done, until it does', () => {
    const calls: ((result: { code: number }) => void)[] = []
    const { exporter, stats, log } = setUp({
      spanExporters: [{ export: (_spans, done) => void calls.push(done), shutdown: async () => {} }],
    })
    for (let round = 0; round < 40; round++) exporter.consume(telemetry)
    expect(calls).toHaveLength(32)
    expect(stats.get('exporter.third_party.dropped', 'hanging')).toBe(8 * 2)
    expect(log.lines).toHaveLength(1)
    // Twice is once.
    calls[0]!({ code: 0 })
    calls[0]!({ code: 0 })
    for (let round = 0; round < 2; round++) exporter.consume(telemetry)
    expect(calls).toHaveLength(33)
  })

  it('does not wait beyond the deadline for a processor that never ends', async () => {
    const clock = createFakeClock()
    const endless: SpanProcessor = {
      onStart() {},
      onEnd() {},
      forceFlush: async () => {},
      shutdown: () => new Promise(() => {}),
    }
    const { exporter } = setUp({ spanProcessors: [endless] }, clock)
    const shutdown = exporter.shutdown(5_000)
    await clock.untilTimer((delay) => delay === 5_000)
    clock.advance(5_000)
    expect(await shutdown).toEqual({ unsentItems: 0 })
  })
})
