// SPDX-License-Identifier: Apache-2.0
/** Answers that mean "later", "not all of it" or "never": every item ends in one counter, and the Collector has the accepted ones. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../live/support/until.js'
import {
  startGrpcProxy,
  startHttpProxy,
  type Fault,
  type FaultProxy,
  type LedgerEntry,
} from './fault-proxy.js'
import { killCollectors, makeFolder, startPlainCollector, type PlainCollector } from './support/collector.js'
import { describeCollector } from './support/describe.js'
import { createFeed, type Feed } from './support/feed.js'
import { readWritten, type Written } from './support/written.js'

const SIGNALS = ['traces', 'logs', 'metrics'] as const
const RESOURCE_EXHAUSTED = 8
const INVALID_ARGUMENT = 3

let folder: ReturnType<typeof makeFolder>
let collector: PlainCollector
let proxy: FaultProxy

async function startProxy(protocol: 'grpc' | 'http'): Promise<Feed> {
  proxy =
    protocol === 'grpc' ? await startGrpcProxy(collector.grpcUrl) : await startHttpProxy(collector.httpUrl)
  return createFeed(
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol === 'grpc' ? 'grpc' : 'http/protobuf',
    },
    { flushInterval: '100' },
  )
}

describeCollector('through a proxy with faults', () => {
  beforeEach(async () => {
    folder = makeFolder()
    collector = await startPlainCollector({ folder: folder.path })
  })
  afterEach(async () => {
    await proxy.stop()
    await killCollectors()
    folder.remove()
  })

  it.each<[string, 'grpc' | 'http', () => Fault, number]>([
    [
      'RESOURCE_EXHAUSTED + RetryInfo of 2.5 s',
      'grpc',
      () => ({ kind: 'refuse', status: RESOURCE_EXHAUSTED, retryDelayMs: 2_500 }),
      2_500,
    ],
    ['UNAVAILABLE', 'grpc', () => ({ kind: 'refuse', status: 14 }), 500],
    [
      '503 + Retry-After: 2',
      'http',
      () => ({ kind: 'refuse', status: 503, headers: () => ({ 'retry-after': '2' }) }),
      2_000,
    ],
    [
      '503 + Retry-After with a date 3 s ahead',
      'http',
      () => ({
        kind: 'refuse',
        status: 503,
        // A date has whole seconds: up to one of the three is cut off.
        headers: () => ({ 'retry-after': new Date(Date.now() + 3_000).toUTCString() }),
      }),
      2_000,
    ],
    ['429 without Retry-After', 'http', () => ({ kind: 'refuse', status: 429 }), 500],
  ])('%s: waits as long as asked, then everything is there once', async (_name, protocol, fault, waitMs) => {
    const feed = await startProxy(protocol)
    for (const signal of SIGNALS) proxy.plan(signal, fault())
    feed.play()
    const written = await everythingSettled(feed)
    for (const signal of SIGNALS) {
      const [refused, next] = proxy.ledger.filter((entry) => entry.signal === signal) as [
        LedgerEntry,
        LedgerEntry,
      ]
      expect(refused.outcome).toBe('refuse')
      // The proxy's clock and the sensor's timer are rounded apart.
      expect(next.arrivedAt - refused.arrivedAt).toBeGreaterThanOrEqual(waitMs - 20)
      expect(next.arrivedAt - refused.arrivedAt).toBeLessThan(waitMs + 2_000)
    }
    expect(feed.dropped()).toEqual({})
    expect(feed.stats.get('exporter.requests.retried')).toBe(3)
    expect(written.spanIds.sort()).toEqual(feed.spanIds.sort())
  })

  it.each(['grpc', 'http'] as const)(
    'partial success over %s: what was rejected is counted and never sent again',
    async (protocol) => {
      const feed = await startProxy(protocol)
      proxy.plan('traces', { kind: 'partial', items: 5 })
      proxy.plan('logs', { kind: 'partial', items: 7 })
      proxy.plan('metrics', { kind: 'warn' })
      feed.play()
      const written = await everythingSettled(feed)
      expect(feed.dropped()).toEqual({ rejected: 12 })
      expect(written.items.traces).toBe(feed.spanIds.length - 5)
      expect(written.items.logs).toBe(feed.spanIds.length - 7)
      expect(feed.stats.get('exporter.requests.retried')).toBe(0)
      expect(feed.warnings.join('\n')).toContain('too old')
      expect(feed.warnings.join('\n')).toContain('deprecated')
    },
  )

  it.each<[string, 'grpc' | 'http', Fault]>([
    ['RESOURCE_EXHAUSTED without RetryInfo', 'grpc', { kind: 'refuse', status: RESOURCE_EXHAUSTED }],
    ['INVALID_ARGUMENT', 'grpc', { kind: 'refuse', status: INVALID_ARGUMENT }],
    ['400', 'http', { kind: 'refuse', status: 400 }],
    ['500, which is not retryable', 'http', { kind: 'refuse', status: 500 }],
  ])('%s: dropped and counted, the next request goes', async (_name, protocol, fault) => {
    const feed = await startProxy(protocol)
    proxy.plan('traces', fault)
    feed.play()
    await until('the refusal', () => feed.stats.get('exporter.items.dropped') || undefined)
    const before = feed.spanIds.length
    feed.play()
    const written = await everythingSettled(feed)
    const refused = proxy.ledger.find(({ outcome }) => outcome === 'refuse')!
    expect(feed.stats.get('exporter.items.dropped')).toBe(refused.items)
    expect(refused.items).toBeLessThanOrEqual(before)
    expect(feed.spanIds).toEqual(expect.arrayContaining(written.spanIds))
    expect(new Set(written.spanIds).size).toBe(feed.spanIds.length - refused.items)
  })

  it('404 on one signal: that signal is off with one warning, the others go on', async () => {
    const feed = await startProxy('http')
    proxy.plan('metrics', { kind: 'refuse', status: 404 })
    feed.play()
    await until('the refusal', () => feed.stats.get('exporter.items.dropped') || undefined)
    feed.play()
    const written = await everythingSettled(feed)
    expect(written.items.metrics).toBe(0)
    expect(written.spanIds.sort()).toEqual(feed.spanIds.sort())
    expect(Object.keys(feed.dropped()).sort()).toEqual(['rejected', 'signal_off'])
    expect(feed.warnings.filter((text) => text.includes('metrics'))).toHaveLength(1)
  })

  it.each(['grpc', 'http'] as const)(
    'an answer that is lost over %s: sent again with the same ids, counted once',
    async (protocol) => {
      const feed = await startProxy(protocol)
      proxy.plan('traces', { kind: 'lose-answer' })
      feed.play()
      const written = await everythingSettled(feed, ['traces'])
      const [lost] = proxy.ledger.filter(({ outcome }) => outcome === 'lose-answer')
      expect(feed.exported('traces')).toBe(feed.spanIds.length)
      expect(feed.dropped()).toEqual({})
      expect(written.items.traces).toBe(feed.spanIds.length + lost!.items)
      expect(new Set(written.spanIds)).toEqual(new Set(feed.spanIds))
    },
  )

  /**
   * Ends the feed and stops the Collector, so that all of it is on the files. Then offered = accepted + dropped, and what counts as
   * accepted is what the Collector wrote, for every signal but those that are `repeated` on purpose.
   */
  async function everythingSettled(feed: Feed, repeated: readonly string[] = []): Promise<Written> {
    await until('every item to be settled', () => feed.settled() === feed.offered() || undefined)
    expect(await feed.shutdown()).toMatchObject({ unsentItems: 0 })
    await collector.stop()
    const written = readWritten(folder.path)
    for (const signal of SIGNALS.filter((name) => !repeated.includes(name)))
      expect(feed.exported(signal), signal).toBe(written.items[signal])
    expect(feed.settled()).toBe(feed.offered())
    return written
  }
})
