// SPDX-License-Identifier: Apache-2.0
/**
 * The default `RequestQueue`: requests wait in memory, bounded by bytes over all signals, and are gone with the process. In:
 * encoded requests. Out: the same, oldest first. Knows no network and no clock.
 * @module
 */
import type { Budget } from '../stats.js'
import type { EncodedRequest, HeldRequest, QueueSize, RequestQueue, Signal } from './types.js'

interface Entry extends HeldRequest {
  readonly body: Uint8Array
  /** Grows in the order of arrival. */
  readonly order: number
}

interface Line {
  waiting: Entry[]
  size: QueueSize
}

/** `budget` may be shared with whatever else holds telemetry in memory. */
export function createMemoryQueue(budget: Budget): RequestQueue {
  let lastOrder = 0
  const lines = new Map<Signal, Line>()

  function lineOf(signal: Signal): Line {
    let line = lines.get(signal)
    if (line === undefined)
      lines.set(signal, (line = { waiting: [], size: { requests: 0, items: 0, bytes: 0 } }))
    return line
  }

  function account({ signal, items, body }: EncodedRequest, sign: 1 | -1): void {
    const { size } = lineOf(signal)
    size.requests += sign
    size.items += sign * items
    size.bytes += sign * body.length
  }

  return {
    isDurable: false,
    push(request) {
      if (!budget.reserve(request.body.length)) return 'queue_full'
      account(request, 1)
      lineOf(request.signal).waiting.push({ ...request, order: lastOrder++, read: () => request.body })
      return undefined
    },
    take: (signal) => lineOf(signal).waiting.shift(),
    settle(held) {
      const entry = held as Entry
      account(entry, -1)
      budget.release(entry.body.length)
    },
    /** Back to its place in the order. */
    release(held) {
      const entry = held as Entry
      const { waiting } = lineOf(entry.signal)
      const behind = waiting.findIndex(({ order }) => order > entry.order)
      waiting.splice(behind < 0 ? waiting.length : behind, 0, entry)
    },
    size: (signal) => ({ ...lineOf(signal).size }),
    async close() {},
  }
}
