// SPDX-License-Identifier: Apache-2.0
/** Retry and the end: every item is counted once, whatever the receiver does. No network; the test answers. */
import { describe, expect, it } from 'vitest'
import { later, OK, setUpExporter, settled, spans } from '../../test/support/collector-exporter.js'
import {
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
} from '../../test/support/collector-telemetry.js'
import { createBudget } from '../stats.js'
import { createMemoryQueue } from './memory-queue.js'
import type { EncodedRequest, RequestQueue, SendResult } from './types.js'

const NOT_TAKEN: SendResult = { outcome: 'unsupported', reason: 'http_404', message: 'answered 404' }

describe('retry', () => {
  it('sends the same bytes again after each back-off, then counts them once', async () => {
    const { exporter, sent, clock, counts, stats, log } = setUpExporter({}, ['traces'])
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
    const { exporter, sent, clock } = setUpExporter({}, ['traces'])
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

  it('holds on through an outage of any length, which does not hold up another signal', async () => {
    const { exporter, sent, clock, counts, log } = setUpExporter({}, ['traces', 'logs'])
    exporter.consume(makeTelemetry({ spans: [makeSpan()], logRecords: [makeLogRecord()] }))
    exporter.end()
    await sent.find(({ signal }) => signal === 'logs')!.answer(OK)
    await sent.find(({ signal }) => signal === 'traces')!.answer(later())
    for (let round = 0; round < 100; round++) {
      clock.advance(30_000)
      await settled()
      await sent.at(-1)!.answer(round < 99 ? later() : OK)
    }
    expect(counts()).toEqual({ exported: 2, dropped: {} })
    expect(log.lines).toEqual(['warn traces: busy; retrying', 'info traces: export works again'])
  })

  it('gives up a request that fails for five minutes while others get through', async () => {
    const { exporter, sent, clock, counts, log } = setUpExporter({}, ['traces'])
    exporter.consume(spans(1, 'poison'))
    exporter.end()
    await sent.at(-1)!.answer(later())
    for (let round = 0; round < 100 && clock.delays().length > 0; round++) {
      exporter.consume(spans(1))
      exporter.end()
      const before = sent.length
      clock.advance(30_000)
      await settled()
      for (const request of sent.slice(before)) {
        const isPoison = Buffer.from(request.body).includes('poison')
        await request.answer(isPoison ? later() : OK)
      }
    }
    const { exported, dropped } = counts()
    expect(dropped).toEqual({ retry_exhausted: 1 })
    expect(exported).toBeGreaterThan(8)
    expect(log.lines).toContain(
      'warn traces: one request was refused for 300 s while others got through; dropped',
    )
  })

  it('keeps its times when somebody sets the clock', async () => {
    const { exporter, sent, clock } = setUpExporter({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer(later(7_000))
    clock.jump(-86_400_000)
    clock.advance(6_999)
    await settled()
    expect(sent).toHaveLength(1)
    clock.jump(10 * 86_400_000)
    clock.advance(1)
    await settled()
    expect(sent).toHaveLength(2)
  })

  it('sends in halves what is too large for the receiver, and remembers its limit', async () => {
    const limit = 5_000
    const { exporter, sent, counts, stats, read } = setUpExporter({ concurrency: 1 }, ['traces'])
    for (let round = 0; round < 2; round++) {
      exporter.consume(spans(10, 'x'.repeat(1_000)))
      exporter.end()
      for (let next = sent.length - 1; next < sent.length; next++) {
        const isTooLarge = sent[next]!.body.length > limit
        await sent[next]!.answer(
          isTooLarge ? { outcome: 'too_large', reason: 'http_413', message: '413' } : OK,
        )
      }
    }
    expect(counts()).toEqual({ exported: 20, dropped: {} })
    expect(stats.get('exporter.requests.split', 'too_large')).toBe(1)
    const ids = read().traces[0]!.items.map(({ spanId }) => spanId)
    expect(new Set(ids).size).toBe(20)
  })

  it('gives up a single record that is too large for the receiver', async () => {
    const { exporter, sent, counts } = setUpExporter({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer({ outcome: 'too_large', reason: 'http_413', message: '413' })
    expect(counts()).toEqual({ exported: 0, dropped: { too_large: 1 } })
  })

  it('counts partial success, warns once and never sends it again', async () => {
    const { exporter, sent, clock, counts, log } = setUpExporter({}, ['traces'])
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
    const { exporter, sent, counts } = setUpExporter({}, ['traces'])
    exporter.consume(spans(2))
    exporter.end()
    await sent[0]!.answer({ outcome: 'accepted', rejectedItems: 9e15, message: undefined })
    expect(counts()).toEqual({ exported: 0, dropped: { rejected: 2 } })
  })

  it('switches a signal off, with one warning, when the endpoint does not take it', async () => {
    const { exporter, sent, counts, log } = setUpExporter({ concurrency: 1, maxRequestBytes: 2_000 }, [
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
    const { exporter, sent, counts } = setUpExporter()
    exporter.consume(spans(3))
    const shutdown = exporter.shutdown(5_000)
    await sent[0]!.answer(OK)
    expect(await shutdown).toEqual({ unsentItems: 0 })
    exporter.consume(spans(1))
    expect(counts()).toEqual({ exported: 3, dropped: { shutdown: 1 } })
  })

  it('gives up at the deadline and says how much it lost', async () => {
    const { exporter, clock, counts } = setUpExporter({ concurrency: 1, maxRequestBytes: 2_000 }, ['traces'])
    exporter.consume(spans(4, 'x'.repeat(1_000)))
    const shutdown = exporter.shutdown(5_000)
    clock.advance(5_000)
    expect(await shutdown).toEqual({ unsentItems: 4 })
    expect(counts()).toEqual({ exported: 0, dropped: { shutdown: 4 } })
    expect(clock.delays()).toEqual([])
  })

  it('tries once more out of a back-off', async () => {
    const { exporter, sent, counts } = setUpExporter({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer(later())
    const shutdown = exporter.shutdown(5_000)
    await settled()
    await sent[1]!.answer(OK)
    expect(await shutdown).toEqual({ unsentItems: 0 })
    expect(counts().exported).toBe(1)
  })

  it('keeps a hold that the receiver asked for, though another request failed since without one', async () => {
    const { exporter, sent, clock, counts } = setUpExporter({}, ['traces'])
    for (let index = 0; index < 2; index++) {
      exporter.consume(spans(1))
      exporter.end()
    }
    await sent[0]!.answer(later(3_000))
    await sent[1]!.answer(later())
    const shutdown = exporter.shutdown(5_000)
    clock.advance(2_999)
    await settled()
    expect(sent).toHaveLength(2)
    clock.advance(1)
    await settled()
    expect(sent).toHaveLength(4)
    for (const request of sent.slice(2)) await request.answer(OK)
    expect(await shutdown).toEqual({ unsentItems: 0 })
    expect(counts()).toEqual({ exported: 2, dropped: {} })
  })

  it('ends a long back-off, though the receiver has asked for a short hold since', async () => {
    const { exporter, sent, clock, counts } = setUpExporter({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    for (let round = 0; round < 6; round++) {
      await sent[round]!.answer(later())
      clock.advance(30_000)
      await settled()
    }
    exporter.consume(spans(1))
    exporter.end()
    await sent[6]!.answer(later())
    await sent[7]!.answer(later(1_000))
    const shutdown = exporter.shutdown(5_000)
    clock.advance(1_000)
    await settled()
    for (const request of sent.slice(8)) await request.answer(OK)
    expect(await shutdown).toEqual({ unsentItems: 0 })
    expect(counts()).toEqual({ exported: 2, dropped: {} })
  })

  it('does not wait for a receiver that asked for more time than is left', async () => {
    const { exporter, sent, clock } = setUpExporter({}, ['traces'])
    exporter.consume(spans(1))
    exporter.end()
    await sent[0]!.answer(later(60_000))
    const shutdown = exporter.shutdown(5_000)
    expect(await shutdown).toEqual({ unsentItems: 1 })
    expect(clock.delays()).toEqual([])
  })

  it('settles at once when there is nothing', async () => {
    const { exporter } = setUpExporter()
    expect(await exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
  })
})

describe('a queue that outlives the process', () => {
  it('is sent from at the next start, before anything new; what is not sent at the end stays', async () => {
    const queue = createDurableQueue()
    const first = setUpExporter({ queue, concurrency: 1, flushMs: 1 }, ['traces'])
    first.exporter.consume(spans(2))
    first.clock.advance(1)
    await settled()
    await first.sent[0]!.answer(later())
    first.exporter.consume(spans(3))
    const shutdown = first.exporter.shutdown(5_000)
    first.clock.advance(5_000)
    expect(await shutdown).toEqual({ unsentItems: 0, keptItems: 5 })
    expect(first.counts()).toEqual({ exported: 0, dropped: {} })

    const second = setUpExporter({ queue, concurrency: 1 }, ['traces'])
    second.exporter.consume(spans(1))
    second.exporter.end()
    await settled()
    for (let index = 0; index < 3; index++) await second.sent[index]!.answer(OK)
    expect(second.sent[0]!.body).toEqual(first.sent[0]!.body)
    expect(second.counts()).toEqual({ exported: 6, dropped: {} })
    expect(await second.exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
  })

  it('settles nothing twice and counts what it lost', async () => {
    const queue = createDurableQueue()
    queue.push({ signal: 'traces', body: new Uint8Array(), items: 4 })
    queue.push({ signal: 'logs', body: Buffer.from('0a00', 'hex'), items: 2 })
    const { counts, log, sink } = setUpExporter({ queue }, ['traces'])
    await settled()
    expect(counts()).toEqual({ exported: 0, dropped: { damaged: 4, signal_off: 2 } })
    expect(log.lines).toEqual([
      'warn logs: 2 items of an earlier run are dropped: the signal is no longer exported',
    ])
    expect(sink.queueSize('traces')).toEqual({ requests: 0, items: 0, bytes: 0 })
  })

  it('keeps what an endpoint does not take for the next start, and what comes while there is room', async () => {
    const queue = createDurableQueue(8_000)
    const first = setUpExporter({ queue, concurrency: 2, maxRequestBytes: 2_000 }, ['traces'])
    first.exporter.consume(spans(3, 'x'.repeat(1_000)))
    first.exporter.end()
    await settled()
    await first.sent[0]!.answer(NOT_TAKEN)
    await first.sent[1]!.answer(later())
    expect(first.sink.readHealth!().lanes[0]!.isOff).toBe(true)
    for (let index = 0; index < 6; index++) {
      first.exporter.consume(spans(1, 'x'.repeat(1_000)))
      first.exporter.end()
    }
    await settled()
    expect(first.sent).toHaveLength(2)
    const kept = first.sink.queueSize('traces').items
    expect(kept).toBeGreaterThan(3)
    expect(first.counts()).toEqual({ exported: 0, dropped: { signal_off: 9 - kept } })
    expect(await first.exporter.shutdown(5_000)).toEqual({ unsentItems: 0, keptItems: kept })
    expect(first.log.lines.filter((line) => line.includes('does not take'))).toEqual([
      'warn traces: answered 404; this endpoint does not take traces, which are off from here on; ' +
        'what waits is kept for the next start or reload',
    ])

    const second = setUpExporter({ queue, concurrency: 1 }, ['traces'])
    await settled()
    for (let index = 0; index < second.sent.length; index++) await second.sent[index]!.answer(OK)
    expect(second.sent[0]!.body).toEqual(first.sent[0]!.body)
    expect(second.counts()).toEqual({ exported: kept, dropped: {} })
  })

  it('gets back only the parts that were not sent', async () => {
    const queue = createDurableQueue()
    const first = setUpExporter({ queue, concurrency: 1 }, ['traces'])
    first.exporter.consume(spans(4, 'x'.repeat(100)))
    first.exporter.end()
    await settled()
    await first.sent[0]!.answer({ outcome: 'too_large', reason: 'http_413', message: '413' })
    await first.sent[1]!.answer(OK)
    const shutdown = first.exporter.shutdown(5_000)
    first.clock.advance(5_000)
    expect(await shutdown).toEqual({ unsentItems: 0, keptItems: 3 })
    expect(first.counts()).toEqual({ exported: 1, dropped: {} })

    const second = setUpExporter({ queue }, ['traces'])
    await settled()
    for (const request of second.sent) await request.answer(OK)
    expect(second.sent[0]!.body).toEqual(first.sent[2]!.body)
    expect(second.counts()).toEqual({ exported: 3, dropped: {} })
  })

  it('counts a request that cannot be read, and goes on', async () => {
    const queue = createDurableQueue()
    queue.push({ signal: 'traces', body: Buffer.from('0aff01', 'hex'), items: 1 })
    queue.push({ signal: 'traces', body: Buffer.from('0a00', 'hex'), items: 1 })
    const { sent, counts, stats } = setUpExporter({ queue, concurrency: 1 }, ['traces'])
    await settled()
    await sent[0]!.answer({ outcome: 'too_large', reason: 'http_413', message: '413' })
    await sent[1]!.answer(OK)
    expect(counts()).toEqual({ exported: 1, dropped: { too_large: 1 } })
    expect(stats.get('exporter.requests.rejected', 'internal')).toBe(1)
  })

  it('that refuses is said once and counted', () => {
    const queue = { ...createDurableQueue(), push: () => 'disk_failed' as const }
    const { exporter, counts, log } = setUpExporter({ queue }, ['traces'])
    for (let round = 0; round < 2; round++) {
      exporter.consume(spans(3))
      exporter.end()
    }
    expect(counts()).toEqual({ exported: 0, dropped: { disk_failed: 6 } })
    expect(log.lines).toEqual(['warn traces: the disk queue cannot write: dropping what comes'])
  })
})

/** A disk without a disk: reads come later, and an empty body stands for a damaged one. */
function createDurableQueue(bytes?: number): RequestQueue {
  const memory = createMemoryQueue(createBudget(bytes))
  return {
    ...memory,
    isDurable: true,
    take(signal) {
      const held = memory.take(signal)
      return held && Object.assign(held, { read: async () => nonEmpty(held as unknown as EncodedRequest) })
    },
  }
}

function nonEmpty({ body }: EncodedRequest): Uint8Array | undefined {
  return body.length > 0 ? body : undefined
}
