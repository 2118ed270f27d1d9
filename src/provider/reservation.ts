// SPDX-License-Identifier: Apache-2.0
/**
 * A share of the one byte budget. In: how many bytes somebody wants to hold. Out: yes, or which limit said no. Knows nothing of
 * what is held.
 * @module
 */
import type { Budget } from '../stats.js'

/** The limit that was hit; also the `reason` of the counters. */
export type Refusal = 'max_body_bytes' | 'budget'

/** Owned by one side of one exchange until `release`, which must be called on every path. */
export class Reservation {
  readonly #budget: Budget
  readonly #maxBytes: number
  #usedBytes = 0

  constructor(budget: Budget, maxBytes: number) {
    this.#budget = budget
    this.#maxBytes = maxBytes
  }

  /** How much more the own limit permits; the budget may permit less. */
  get roomBytes(): number {
    return this.#maxBytes - this.#usedBytes
  }

  /** Takes `bytes` or nothing. */
  take(bytes: number): Refusal | undefined {
    if (bytes > this.roomBytes) return 'max_body_bytes'
    if (!this.#budget.reserve(bytes)) return 'budget'
    this.#usedBytes += bytes
    return undefined
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes
    this.#budget.release(bytes)
  }

  release(): void {
    this.give(this.#usedBytes)
  }
}
