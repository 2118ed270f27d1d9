// SPDX-License-Identifier: Apache-2.0
/**
 * The Collector is killed under load and stays away for a minute of real time. What fits the queue arrives, once it is back; what does
 * not fit is counted. The one test of this folder that takes as long as what it shows.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../live/support/until.js'
import { killCollectors, makeFolder, startPlainCollector, type PlainCollector } from './support/collector.js'
import { describeCollector } from './support/describe.js'
import { createFeed, type Feed } from './support/feed.js'
import { readWritten } from './support/written.js'

const OUTAGE_MS = 60_000
const PLAY_EVERY_MS = 500
/** Back-off reaches 30 s; with the last attempt just before the Collector is back, that is what passes at most. */
const RECOVERY_MS = 45_000

describeCollector('the Collector is away for 60 s', () => {
  let folder: ReturnType<typeof makeFolder>
  let collector: PlainCollector
  beforeEach(async () => {
    folder = makeFolder()
    collector = await startPlainCollector({ folder: folder.path })
  })
  afterEach(async () => {
    await killCollectors()
    folder.remove()
  })

  it(
    'nothing is lost within the queue, and what is beyond it is counted',
    async () => {
      const overGrpc = createFeed({ ...endpoint(collector.grpcUrl, 'grpc') })
      const overHttp = createFeed({ ...endpoint(collector.httpUrl, 'http/protobuf') })
      const withSmallQueue = createFeed({ ...endpoint(collector.grpcUrl, 'grpc') }, { queueBytes: '1MiB' })
      const feeds = [overGrpc, overHttp, withSmallQueue]
      const load = setInterval(() => feeds.forEach((feed) => feed.play()), PLAY_EVERY_MS)
      try {
        await until('traffic', () => overGrpc.exported('traces') > 100 || undefined)
        await collector.kill()
        const killedAt = performance.now()
        await until(
          'the minute to pass',
          () => performance.now() - killedAt >= OUTAGE_MS || undefined,
          OUTAGE_MS + 5_000,
        )
      } finally {
        clearInterval(load)
      }
      await collector.start()
      for (const feed of feeds)
        await until(
          'the queue to be empty',
          () => feed.settled() === feed.offered() || undefined,
          RECOVERY_MS,
        )
      await Promise.all(feeds.map((feed) => feed.shutdown()))
      await collector.stop()

      const received = new Set(readWritten(folder.path).spanIds)
      for (const feed of [overGrpc, overHttp]) {
        expect(feed.dropped()).toEqual({})
        expect(feed.spanIds.filter((id) => !received.has(id))).toEqual([])
        expect(feed.stats.get('exporter.requests.retried')).toBeGreaterThan(0)
      }
      expect(Object.keys(withSmallQueue.dropped())).toEqual(['queue_full'])
      expectOnlyCountedLosses(withSmallQueue, received)
    },
    OUTAGE_MS + 3 * RECOVERY_MS,
  )
})

function endpoint(url: string, protocol: string): Record<string, string> {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol }
}

/** Spans that are missing at the Collector are as many as the sensor says it did not get accepted. */
function expectOnlyCountedLosses(feed: Feed, received: ReadonlySet<string>): void {
  const missing = feed.spanIds.filter((id) => !received.has(id))
  expect(missing.length).toBe(feed.spanIds.length - feed.exported('traces'))
  expect(missing.length).toBeGreaterThan(0)
  expect(missing.length).toBeLessThan(feed.spanIds.length)
}
