// SPDX-License-Identifier: Apache-2.0
/** The queue and its law: every item ends in exactly one counter. No network; a transport that the test answers for. */
import { describe, expect, it } from 'vitest'
import { later, OK, setUpExporter, settled, spans } from '../../test/support/collector-exporter.js'
import {
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
} from '../../test/support/collector-telemetry.js'
import { type PlainObject } from '../../test/support/otlp-sink.js'
import type { Telemetry } from '../run/types.js'
import { MAX_REQUEST_BYTES } from './otlp-sink.js'
import type { SendResult } from './types.js'

describe('batching', () => {
  it('waits a second for company, then sends everything in one request per signal', async () => {
    const { exporter, clock, sent, read, counts } = setUpExporter()
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
    const { exporter, sent } = setUpExporter()
    exporter.consume(spans(1, 'x'.repeat(600_000)))
    expect(sent).toHaveLength(0)
    exporter.consume(spans(1, 'x'.repeat(600_000)))
    expect(sent).toHaveLength(1)
  })

  it('cuts requests below the limit of receivers and loses nothing', async () => {
    const { exporter, sent, read, counts } = setUpExporter({ concurrency: 100 })
    for (let index = 0; index < 9; index++) exporter.consume(spans(2, 'ä'.repeat(450_000)))
    exporter.end()
    for (const request of sent) await request.answer(OK)
    expect(sent.length).toBeGreaterThan(4)
    for (const { body } of sent) expect(body.length).toBeLessThanOrEqual(MAX_REQUEST_BYTES)
    expect(read().traces[0]!.items).toHaveLength(18)
    expect(counts()).toEqual({ exported: 18, dropped: {} })
  })

  it('keeps to its number of open requests', async () => {
    const { exporter, sent, counts } = setUpExporter({ concurrency: 2, maxRequestBytes: 2_000 })
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
    const { exporter, sent } = setUpExporter({}, ['logs'])
    exporter.consume(
      makeTelemetry({ spans: [makeSpan()], logRecords: [makeLogRecord()], metrics: makeMetrics() }),
    )
    exporter.end()
    expect(sent.map(({ signal }) => signal)).toEqual(['logs'])
  })
})

describe('the queue', () => {
  it('is bounded by bytes over all signals, requests in flight included; what does not fit is counted', async () => {
    const { exporter, sent, counts, log } = setUpExporter({ queueBytes: 100_000, concurrency: 1 })
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
    const { exporter, sent, counts, clock } = setUpExporter({ queueBytes: 20_000, concurrency: 1 }, [
      'traces',
    ])
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
    const { exporter, sent, read, counts, stats } = setUpExporter({ maxRecordBytes: 10_000 })
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
    const { exporter, sent, counts } = setUpExporter({ maxRecordBytes: 10_000 })
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
