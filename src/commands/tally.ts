// SPDX-License-Identifier: Apache-2.0
/**
 * Counts what leaves, for the summary. In: redacted telemetry. Out: the same, and exchanges by completeness.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { Telemetry } from '../run/types.js'
import { ATTR_OISP_CAPTURE_COMPLETENESS } from '../semconv.js'

export interface Tally<T> extends Consumer<T> {
  exchanges(): ReadonlyMap<string, number>
}

export function createTally<T extends Telemetry>(next: Consumer<T>): Tally<T> {
  const counts = new Map<string, number>()
  return {
    consume(telemetry) {
      for (const { attributes } of telemetry.spans) {
        const completeness = attributes[ATTR_OISP_CAPTURE_COMPLETENESS]
        if (typeof completeness === 'string') counts.set(completeness, (counts.get(completeness) ?? 0) + 1)
      }
      next.consume(telemetry)
    },
    tick: (now) => next.tick(now),
    end: () => next.end(),
    exchanges: () => counts,
  }
}
