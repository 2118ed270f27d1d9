// SPDX-License-Identifier: Apache-2.0
/**
 * Records of one signal that wait for company. In: encoded records. Out: encoded requests within a size. Knows no clock, no
 * queue and no network; who owns it decides when a request is due.
 * @module
 */
import type { Budget } from '../stats.js'
import { encodeRequest, headBytes, RECORD_FRAME_BYTES, type Head } from './request.js'
import type { EncodedRequest, Signal } from './types.js'

export interface EncodedRecord {
  head: Head
  body: Uint8Array
  /** Spans, log records or data points in `body`: what a receiver counts. */
  items: number
  /** What it holds of the budget. */
  bytes: number
}

export class Batcher {
  readonly #signal: Signal
  readonly #budget: Budget
  #records: EncodedRecord[] = []
  #bytes = 0
  #items = 0

  constructor(signal: Signal, budget: Budget) {
    this.#signal = signal
    this.#budget = budget
  }

  get bytes(): number {
    return this.#bytes
  }

  get items(): number {
    return this.#items
  }

  /** False when there is no room, or less than `spareBytes` beside it: the caller counts it. */
  add(record: EncodedRecord, spareBytes = 0): boolean {
    const { usedBytes, limitBytes } = this.#budget
    if (usedBytes + record.bytes > limitBytes - spareBytes || !this.#budget.reserve(record.bytes))
      return false
    this.#records.push(record)
    this.#bytes += record.bytes
    this.#items += record.items
    return true
  }

  /** As many of the oldest records as fit one request, at least one; `undefined` when there is none. Gives back their room. */
  take(maxBytes: number): EncodedRequest | undefined {
    if (this.#records.length === 0) return undefined
    const batch = this.#records.splice(0, this.#countWithin(maxBytes))
    let bytes = 0
    let items = 0
    for (const record of batch) {
      bytes += record.bytes
      items += record.items
    }
    this.#bytes -= bytes
    this.#items -= items
    this.#budget.release(bytes)
    return { signal: this.#signal, body: encodeRequest(batch), items }
  }

  #countWithin(maxBytes: number): number {
    const heads = new Set<string>()
    let size = 0
    for (const [index, { head, body }] of this.#records.entries()) {
      size += body.length + RECORD_FRAME_BYTES + (heads.has(head.key) ? 0 : headBytes(head))
      if (index > 0 && size > maxBytes) return index
      heads.add(head.key)
    }
    return this.#records.length
  }
}
