// SPDX-License-Identifier: Apache-2.0
/**
 * A queue emptied without sending. In: a queue, and why. Out: how many items were dropped; they are counted. Reads no request.
 * @module
 */
import type { RequestQueue, Signal } from '../exporter/index.js'
import type { Stats } from '../stats.js'

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics']

/** Requests that a lane holds are not in reach. */
export function dropWaiting(
  queue: RequestQueue,
  stats: Stats,
  reason: 'shutdown' | 'redaction_changed',
): number {
  let items = 0
  for (const signal of SIGNALS)
    for (let held = queue.take(signal); held !== undefined; held = queue.take(signal)) {
      queue.settle(held)
      items += held.items
    }
  if (items > 0) stats.add('exporter.items.dropped', reason, items)
  return items
}
