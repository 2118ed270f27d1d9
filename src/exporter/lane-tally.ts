// SPDX-License-Identifier: Apache-2.0
/**
 * One signal's share of what all signals count and hold together, for the sensor's own metrics. In: the calls that its lane makes
 * of the counters and of the queue. Out: the same calls, and the lane's own sums. Knows no record and no network.
 * @module
 */
import type { LaneHealth } from '../health/types.js'
import { createStats, type Stats } from '../stats.js'
import type { OtlpSettings, QueueSize, RequestQueue } from './types.js'

export interface LaneTally {
  /** In place of the shared ones. */
  readonly stats: Stats
  readonly queue: RequestQueue
  /** `size`: everything of the lane that is not settled. */
  read(size: QueueSize, isOff: boolean): LaneHealth
}

export function createLaneTally(stats: Stats, queue: RequestQueue, destination: OtlpSettings): LaneTally {
  const own = createStats()
  let heldItems = 0
  const { signal, protocol } = destination
  const place = toPlace(destination)
  return {
    stats: {
      get: (name, reason) => stats.get(name, reason),
      snapshot: () => stats.snapshot(),
      add(name, reason, count) {
        stats.add(name, reason, count)
        own.add(name, reason, count)
      },
    },
    queue: {
      /** It may become so: a sink that is replaced leaves what waits to the next one. */
      get isDurable() {
        return queue.isDurable
      },
      push: (request) => queue.push(request),
      size: (of) => queue.size(of),
      close: (deadlineMs) => queue.close(deadlineMs),
      take(of) {
        const held = queue.take(of)
        heldItems += held?.items ?? 0
        return held
      },
      settle(held) {
        heldItems -= held.items
        queue.settle(held)
      },
      release(held) {
        heldItems -= held.items
        queue.release(held)
      },
    },
    read({ items }, isOff) {
      const dropped = own.snapshot().filter(({ name }) => name === 'exporter.items.dropped')
      return {
        signal,
        protocol,
        ...place,
        isOff,
        waitingItems: items - heldItems,
        inFlightItems: heldItems,
        exportedItems: own.get('exporter.items.exported'),
        droppedItems: new Map(dropped.map(({ reason, count }) => [reason, count])),
      }
    },
  }
}

/** The path of a Unix socket says nothing about a server. */
function toPlace({ url, socketPath }: OtlpSettings): Pick<LaneHealth, 'serverAddress' | 'serverPort'> {
  if (socketPath !== undefined) return { serverAddress: undefined, serverPort: undefined }
  const { hostname, port, protocol } = new URL(url)
  const defaultPort = protocol === 'https:' ? 443 : 80
  return {
    serverAddress: hostname.replace(/^\[(.*)\]$/, '$1'),
    serverPort: port === '' ? defaultPort : Number(port),
  }
}
