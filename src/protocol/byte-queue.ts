// SPDX-License-Identifier: Apache-2.0
/**
 * A bounded buffer for what must be whole before it can be read: heads, chunk sizes, held answers. In: chunks. Out: one view.
 * Grows by doubling, so that many small chunks cost no more than one; every byte it may hold is reserved in the budget.
 * @module
 */
import type { Budget } from '../stats.js'

const FIRST_CAPACITY = 1024

export class ByteQueue {
  readonly #budget: Budget
  readonly #limit: number
  #buffer: Buffer = Buffer.alloc(0)
  #length = 0

  constructor(budget: Budget, limit: number) {
    this.#budget = budget
    this.#limit = limit
  }

  get length(): number {
    return this.#length
  }

  /** Valid until the next call. */
  get view(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** False, and nothing taken, when the limit or the budget is exhausted. */
  append(bytes: Uint8Array): boolean {
    const needed = this.#length + bytes.length
    if (needed > this.#limit) return false
    if (needed > this.#buffer.length && !this.#grow(needed)) return false
    this.#buffer.set(bytes, this.#length)
    this.#length = needed
    return true
  }

  /** Takes everything out; the result belongs to the caller. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length)
    this.#budget.release(this.#buffer.length)
    this.#buffer = Buffer.alloc(0)
    this.#length = 0
    return taken
  }

  clear(): void {
    this.take()
  }

  #grow(needed: number): boolean {
    const capacity = Math.min(this.#limit, Math.max(FIRST_CAPACITY, needed, this.#buffer.length * 2))
    if (!this.#budget.reserve(capacity - this.#buffer.length)) return false
    const grown = Buffer.allocUnsafe(capacity)
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
    return true
  }
}
