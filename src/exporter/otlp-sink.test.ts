// SPDX-License-Identifier: Apache-2.0
/** The queue and its law: every item ends in exactly one counter. No network; a transport that the test answers for. */
import { describe, expect, it } from 'vitest'
import { createFakeClock } from '../../test/support/collector-clock.js'
import {
  createMemoryLog,
  makeDestination,
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
} from '../../test/support/collector-telemetry.js'
import { canonical, type PlainObject } from '../../test/support/otlp-sink.js'
import type { Redacted } from '../redaction/types.js'
import type { Telemetry } from '../run/types.js'
import { createStats } from '../stats.js'
import { createExporter } from './exporter.js'
import { createOtlpSink, MAX_REQUEST_BYTES, type OtlpSinkSettings } from './otlp-sink.js'
import type { SendResult, Signal } from './types.js'

const OK: SendResult = { outcome: 'accepted', rejectedItems: 0, message: undefined }
const later = (retryAfterMs?: number): SendResult => ({
  outcome: 'retry',
  reason: 'http_503',
  retryAfterMs,
  message: 'busy',
})

interface Sent {
  signal: Signal
  body: Uint8Array
  answer(result: SendResult): Promise<void>
}

/** Lets everything that waits for settled promises run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function setUp(change: Partial<OtlpSinkSettings> = {}, signals: Signal[] = ['traces', 'logs', 'metrics']) {
  const clock = createFakeClock()
  const stats = createStats()
  const log = createMemoryLog()
  const sent: Sent[] = []
  const open = new Set<(result: SendResult) => void>()
  const sink = createOtlpSink({
    destinations: signals.map((signal) => makeDestination('http://collector.test', { signal })),
    stats,
    log,
    version: '0',
    clock,
    random: () => 0,
    createTransport: () => ({
      send: (signal, body) =>
        new Promise((resolve) => {
          open.add(resolve)
          const answer = async (result: SendResult): Promise<void> => {
            open.delete(resolve)
            resolve(result)
            await settled()
          }
          sent.push({ signal, body, answer })
        }),
      async close() {
        for (const resolve of open) resolve(later())
      },
    }),
    ...change,
  })
  const exporter = createExporter({ sinks: [sink] })
  const read = () => canonical(sent)
  const counts = () => ({
    exported: stats.get('exporter.items.exported'),
    dropped: Object.fromEntries(
      stats
        .snapshot()
        .flatMap(({ name, reason, count }) => (name === 'exporter.items.dropped' ? [[reason, count]] : [])),
    ),
  })
  return { clock, stats, log, sent, sink, exporter, read, counts }
}

const spans = (count: number, text = ''): Redacted<Telemetry> =>
  makeTelemetry({
    spans: Array.from({ length: count }, () =>
      makeSpan({ attributes: { 'gen_ai.operation.name': 'chat', text } }),
    ),
  })

describe('batching', () => {
  it('waits a second for company, then sends everything in one request per signal', async () => {
    const { exporter, clock, sent, read, counts } = setUp()
    exporter.consume(
      makeTelemetry({ spans: [makeSpan()], logRecords: [makeLogRecord()], metrics: makeMetrics() }),
    )
    clock.advance(999)
    exporter.consume(spans(2))
    expect(sent).toHaveLength(0)
    clock.advance(1)
    expect(sent.map(({ signal }) => signal).sort()).toEqual(['logs', 'metrics', 'traces'])
    for (const request of sent) await request.answer(OK)
    expect(read().traces.flatMap(({ items }) => items)).toHaveLength(3)
    expect(counts()).toEqual({ exported: 3 + 1 + 2, dropped: {} })
    expect(clock.delays()).toEqual([])
  })

  it('sends at once when a mebibyte waits', async () => {
    const { exporter, sent } = setUp()
    exporter.consume(spans(1, 'x'.repeat(600_000)))
    expect(sent).toHaveLength(0)
    exporter.consume(spans(1, 'x'.repeat(600_000)))
    expect(sent).toHaveLength(1)
  })

  it('cuts requests below the limit of receivers and loses nothing', async () => {
    const { exporter, sent, read, counts } = setUp({ concurrency: 100 })
    for (let index = 0; index < 9; index++) exporter.consume(spans(2, 'ä'.repeat(450_000)))
    exporter.end()
    for (const request of sent) await request.answer(OK)
    expect(sent.length).toBeGreaterThan(4)
    for (const { body } of sent) expect(body.length).toBeLessThanOrEqual(MAX_REQUEST_BYTES)
    expect(read().traces[0]!.items).toHaveLength(18)
    expect(counts()).toEqual({ exported: 18, dropped: {} })
  })

  it('keeps to its number of open requests', async () => {
    const { exporter, sent, counts } = setUp({ concurrency: 2, maxRequestBytes: 2_000 })
    exporter.consume(spans(12, 'x'.repeat(1_000)))
    exporter.end()
    expect(sent).toHaveLength(2)
    for (let index = 0; index < 12; index++) {
      await sent[index]!.answer(OK)
      expect(sent.length - index - 1).toBeLessThanOrEqual(2)
    }
    expect(counts().exported).toBe(12)
  })

  it('does not encode a signal that nobody takes', async () => {
    const { exporter, sent } = setUp({}, ['logs'])
    exporter.consume(
      makeTelemetry({ spans: [makeSpan()], logRecords: [makeLogRecord()], metrics: makeMetrics() }),
    )
    exporter.end()
    expect(sent.map(({ signal }) => signal)).toEqual(['logs'])
  })
})

describe('the queue', () => {
  it('is bounded by bytes over all signals, requests in flight included; what does not fit is counted', async () => {
    const { exporter, sent, counts, log } = setUp({ queueBytes: 100_000, concurrency: 1 })
    for (let index = 0; index < 50; index++) {
      exporter.consume(spans(1, 'x'.repeat(5_000)))
      exporter.consume(
        makeTelemetry({ logRecords: [makeLogRecord({ attributes: { text: 'x'.repeat(5_000) } })] }),
      )
      if (index === 0) exporter.end()
    }
    const { dropped } = counts()
    expect(dropped.queue_full).toBeGreaterThan(78)
    expect(log.lines.filter((line) => line.includes('queue is full'))).toHaveLength(2)
    for (let index = 0; index < sent.length; index++) {
      exporter.end()
      await sent[index]!.answer(OK)
    }
    exporter.consume(spans(1, 'x'.repeat(5_000)))
    expect(counts().exported + counts().dropped.queue_full!).toBe(100)
  })

  it('has all its room back when everything is settled, in whatever way', async () => {
    const { exporter, sent, counts, clock } = setUp({ queueBytes: 20_000, concurrency: 1 }, ['traces'])
    const outcomes: SendResult[] = [
      OK,
      { outcome: 'rejected', reason: 'http_400', message: 'no' },
      { outcome: 'accepted', rejectedItems: 1, message: 'one' },
      later(),
    ]
    for (let round = 0; round < 40; round++) {
      exporter.consume(spans(1, 'x'.repeat(15_000)))
      exporter.end()
      await sent.at(-1)!.answer(outcomes[round % 4]!)
      if (round % 4 !== 3) continue
      clock.advance(500)
      await settled()
      await sent.at(-1)!.answer(OK)
    }
    expect(counts()).toEqual({ exported: 20, dropped: { rejected: 20 } })
  })
})

describe('the record cap', () => {
  const message = (bytes: number): Telemetry['spans'][0]['attributes'] => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.system_instructions': [{ type: 'text', content: 'be brief' }],
    'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'x'.repeat(bytes) }] }],
  })

  it('drops the largest content first, whole, and says so on the record', async () => {
    const { exporter, sent, read, counts, stats } = setUp({ maxRecordBytes: 10_000 })
    exporter.consume(
      makeTelemetry({
        spans: [makeSpan({ attributes: message(20_000) })],
        logRecords: [makeLogRecord({ attributes: message(20_000) })],
      }),
    )
    exporter.end()
    for (const request of sent) await request.answer(OK)
    for (const [group] of [read().traces, read().logs]) {
      const item = group!.items[0] as PlainObject
      expect(item.droppedAttributesCount).toBe(1)
      expect(item.attributes).toMatchObject({
        'gen_ai.operation.name': { stringValue: 'chat' },
        'oisp.content.dropped': { arrayValue: { values: [{ stringValue: 'gen_ai.input.messages' }] } },
      })
      expect(Object.keys(item.attributes as PlainObject)).toContain('gen_ai.system_instructions')
      expect(Object.keys(item.attributes as PlainObject)).not.toContain('gen_ai.input.messages')
    }
    expect(counts()).toEqual({ exported: 2, dropped: {} })
    expect(stats.get('exporter.contents.cut', 'too_large')).toBe(2)
  })

  it('discards and counts a record that is too large without content, and a resource that is', async () => {
    const { exporter, sent, counts } = setUp({ maxRecordBytes: 10_000 })
    exporter.consume(spans(1, 'x'.repeat(20_000)))
    exporter.consume(
      makeTelemetry({
        resource: { attributes: { big: 'x'.repeat(4 * 1024 * 1024) }, schemaUrl: '' },
        spans: [makeSpan()],
      }),
    )
    exporter.end()
    expect(sent).toHaveLength(0)
    expect(counts()).toEqual({ exported: 0, dropped: { too_large: 2 } })
  })
})

describe('retry', () => {
  it('sends the same bytes again after each back-off, then counts them once', async () => {
    const { exporter, sent, clock, counts, stats, log } = setUp({}, ['traces'])
    exporter.consume(spans(2))
    exporter.end()
    for (const delay of [500, 1_000, 2_000]) {
      await sent.at(-1)!.answer(later())
      expect(clock.delays()).toEqual([delay])
      clock.advance(delay)
      await settled()
    }
    await sent.at(-1)!.answer(OK)
    expect(sent).toHaveLength(4)
    expect(new Set(sent.map(({ body }) => Buffer.from(body).toString('hex'))).size).toBe(1)
    expect(counts()).toEqual({ exported: 2, dropped: {} })
    expect(stats.get('exporter.requests.retried', 'http_503')).toBe(3)
    expect(log.lines).toEqual(['warn traces: busy; retrying', 'info traces: export works again'])
  })

  it('waits as long as the receiver asks, with every request of the signal', async () => {
    const { exporter, sent, clock } = setUp({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer(later(7_000))
    exporter.consume(spans(1))
    exporter.end()
    await settled()
    expect(clock.delays()).toEqual([7_000, 7_000])
    clock.advance(6_999)
    await settled()
    expect(sent).toHaveLength(1)
    clock.advance(1)
    await settled()
    expect(sent).toHaveLength(3)
  })

  it('gives up after five minutes, and one signal does not hold up another', async () => {
    const { exporter, sent, clock, counts } = setUp({}, ['traces', 'logs'])
    exporter.consume(makeTelemetry({ spans: [makeSpan()], logRecords: [makeLogRecord()] }))
    exporter.end()
    await sent.find(({ signal }) => signal === 'logs')!.answer(OK)
    await sent.find(({ signal }) => signal === 'traces')!.answer(later())
    for (let round = 0; round < 100 && clock.delays().length > 0; round++) {
      clock.advance(30_000)
      await settled()
      await sent.at(-1)!.answer(later())
    }
    expect(counts()).toEqual({ exported: 1, dropped: { retry_exhausted: 1 } })
  })

  it('counts partial success, warns once and never sends it again', async () => {
    const { exporter, sent, clock, counts, log } = setUp({}, ['traces'])
    for (let round = 0; round < 2; round++) {
      exporter.consume(spans(5))
      exporter.end()
      await sent.at(-1)!.answer({ outcome: 'accepted', rejectedItems: 2, message: 'too old' })
    }
    expect(sent).toHaveLength(2)
    expect(clock.delays()).toEqual([])
    expect(counts()).toEqual({ exported: 6, dropped: { rejected: 4 } })
    expect(log.lines).toEqual(['warn traces: 2 items refused: too old'])
  })

  it('never counts more than it sent, whatever the receiver says', async () => {
    const { exporter, sent, counts } = setUp({}, ['traces'])
    exporter.consume(spans(2))
    exporter.end()
    await sent[0]!.answer({ outcome: 'accepted', rejectedItems: 9e15, message: undefined })
    expect(counts()).toEqual({ exported: 0, dropped: { rejected: 2 } })
  })

  it('switches a signal off, with one warning, when the endpoint does not take it', async () => {
    const { exporter, sent, counts, log } = setUp({ concurrency: 1, maxRequestBytes: 2_000 }, [
      'metrics',
      'traces',
    ])
    exporter.consume(makeTelemetry({ metrics: makeMetrics() }))
    exporter.end()
    exporter.consume(makeTelemetry({ metrics: makeMetrics() }))
    await sent[0]!.answer({ outcome: 'unsupported', reason: 'http_404', message: 'answered 404' })
    exporter.consume(makeTelemetry({ metrics: makeMetrics(), spans: [makeSpan()] }))
    exporter.end()
    expect(sent.map(({ signal }) => signal)).toEqual(['metrics', 'traces'])
    await sent[1]!.answer(OK)
    expect(counts()).toEqual({ exported: 1, dropped: { rejected: 2, signal_off: 4 } })
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toContain('does not take metrics')
  })
})

describe('shutdown', () => {
  it('sends what waits and settles as soon as it is in', async () => {
    const { exporter, sent, counts } = setUp()
    exporter.consume(spans(3))
    const shutdown = exporter.shutdown(5_000)
    await sent[0]!.answer(OK)
    expect(await shutdown).toEqual({ unsentItems: 0 })
    exporter.consume(spans(1))
    expect(counts()).toEqual({ exported: 3, dropped: { shutdown: 1 } })
  })

  it('gives up at the deadline and says how much it lost', async () => {
    const { exporter, clock, counts } = setUp({ concurrency: 1, maxRequestBytes: 2_000 }, ['traces'])
    exporter.consume(spans(4, 'x'.repeat(1_000)))
    const shutdown = exporter.shutdown(5_000)
    clock.advance(5_000)
    expect(await shutdown).toEqual({ unsentItems: 4 })
    expect(counts()).toEqual({ exported: 0, dropped: { shutdown: 4 } })
    expect(clock.delays()).toEqual([])
  })

  it('tries once more out of a back-off', async () => {
    const { exporter, sent, counts } = setUp({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer(later())
    const shutdown = exporter.shutdown(5_000)
    await settled()
    await sent[1]!.answer(OK)
    expect(await shutdown).toEqual({ unsentItems: 0 })
    expect(counts().exported).toBe(1)
  })

  it('does not wait for a receiver that asked for more time than is left', async () => {
    const { exporter, sent, clock } = setUp({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer(later(60_000))
    const shutdown = exporter.shutdown(5_000)
    expect(await shutdown).toEqual({ unsentItems: 1 })
    expect(clock.delays()).toEqual([])
  })

  it('settles at once when there is nothing', async () => {
    const { exporter } = setUp()
    expect(await exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
  })
})
