// SPDX-License-Identifier: Apache-2.0
/** The Collector's size limit: it refuses what is over 4 MiB, and the sensor stays below it, or finds a lower one by itself. */
import grpc from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../live/support/until.js'
import { messageType } from '../support/otlp-sink.js'
import { pathOf } from './fault-proxy.js'
import { killCollectors, makeFolder, startPlainCollector, type PlainCollector } from './support/collector.js'
import { describeCollector } from './support/describe.js'
import { createFeed } from './support/feed.js'
import { readWritten } from './support/written.js'

const MIB = 1024 * 1024
const RESOURCE_EXHAUSTED = 8
const asIs = (bytes: Buffer): Buffer => bytes

/** A request with one span of about that size. */
function makeRequest(bytes: number): Buffer {
  const span = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1), name: 'x'.repeat(bytes) }
  const request = { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }
  return Buffer.from(messageType('traces', 'Request').encode(request).finish())
}

/** The gRPC status that the Collector answers with. */
function send({ grpcUrl }: PlainCollector, body: Buffer): Promise<number> {
  const client = new grpc.Client(new URL(grpcUrl).host, grpc.credentials.createInsecure())
  return new Promise((resolve) => {
    client.makeUnaryRequest(pathOf('traces'), asIs, asIs, body, (error) => {
      client.close()
      resolve(error?.code ?? 0)
    })
  })
}

describeCollector('the size of requests', () => {
  let folder: ReturnType<typeof makeFolder>
  beforeEach(() => (folder = makeFolder()) && undefined)
  afterEach(async () => {
    await killCollectors()
    folder.remove()
  })

  it('over 4 MiB is refused by the Collector', async () => {
    const collector = await startPlainCollector({ folder: folder.path })
    expect(await send(collector, makeRequest(4 * MIB + 1))).toBe(RESOURCE_EXHAUSTED)
    expect(await send(collector, makeRequest(3.9 * MIB))).toBe(0)
  })

  it('never reaches the 4 MiB that a Collector takes by default; what is larger is cut, and says so', async () => {
    const { feed, written } = await deliver({}, [...repeat(12, 0.9), ...repeat(3, 2.9), 3.8])
    expect(feed.dropped()).toEqual({})
    expect(feed.stats.get('exporter.contents.cut')).toBeGreaterThanOrEqual(2)
    expect(feed.stats.get('exporter.requests.split')).toBe(0)
    expect(written.spanIds.sort()).toEqual(feed.spanIds.sort())
    const largest = Math.max(...written.requests.map((request) => JSON.stringify(request).length))
    expect(largest).toBeGreaterThan(2.5 * MIB)
  })

  it('is halved where an operator allows only 1 MiB', async () => {
    const { feed, written } = await deliver({ max_recv_msg_size_mib: 1 }, repeat(12, 0.7))
    expect(feed.dropped()).toEqual({})
    expect(feed.stats.get('exporter.requests.split')).toBeGreaterThan(0)
    expect(written.spanIds.sort()).toEqual(feed.spanIds.sort())
  })

  it('cannot be halved when it is one record: that one is dropped and counted, the others arrive', async () => {
    const { feed, written } = await deliver({ max_recv_msg_size_mib: 1 }, [0.2, 2, 0.2])
    expect(feed.dropped()).toEqual({ too_large: 2 })
    expect(written.items.traces).toBe(2)
    expect(written.items.logs).toBe(2)
  })

  async function deliver(grpcConfig: object, exchangeMib: number[]) {
    const collector = await startPlainCollector({ folder: folder.path, grpc: grpcConfig })
    const feed = createFeed(
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      { redactionMode: 'full', queueBytes: '256MiB' },
    )
    for (const mib of exchangeMib) feed.ask(mib * MIB)
    await until('every item to be settled', () => feed.settled() === feed.offered() || undefined)
    await feed.shutdown()
    await collector.stop()
    return { feed, written: readWritten(folder.path) }
  }
})

const repeat = (count: number, value: number): number[] => Array.from({ length: count }, () => value)
