// SPDX-License-Identifier: Apache-2.0
/**
 * One signal's requests in the disk queue, in order: those that wait to be taken and those that wait to be written. In: requests
 * and what becomes of them. Out: the next of either kind, and exact sizes. Knows no file and no time.
 * @module
 */
import type { EncodedRequest, HeldRequest, QueueSize, Signal } from '../types.js'
import { ENTRY_HEADER_BYTES } from './format.js'
import type { Segment } from './segment.js'

/** Where a request is on disk. */
export interface Place {
  segment: Segment
  offset: number
}

export interface Entry extends HeldRequest {
  /** Grows in the order of arrival. */
  readonly order: number
  readonly bodyBytes: number
  /** In memory until it is written and nobody holds it. */
  body: Uint8Array | undefined
  /** Undefined while it is in memory only. */
  place: Place | undefined
  isHeld: boolean
  isSettled: boolean
}

/** In memory for sure. */
export type UnwrittenEntry = Entry & { body: Uint8Array }

export type FoundRequest = Pick<Entry, 'items' | 'bodyBytes'> & { place: Place }

export const entryBytes = ({ bodyBytes }: Pick<Entry, 'bodyBytes'>): number => ENTRY_HEADER_BYTES + bodyBytes

export class Line {
  readonly size: QueueSize = { requests: 0, items: 0, bytes: 0 }
  /** What is in memory only, in bytes as it will have on disk. */
  unwrittenBytes = 0
  /** The one that requests are appended to. */
  active: Segment | undefined
  readonly segments = new Set<Segment>()
  #waiting: Entry[] = []
  #unwritten: Entry[] = []
  #firstOrder = 0
  #lastOrder = 0

  constructor(
    readonly signal: Signal,
    readonly readBack: (entry: Entry) => Promise<Uint8Array | undefined>,
  ) {}

  /** Everything that counts against the queue's bound. */
  get usedBytes(): number {
    let sum = this.unwrittenBytes
    for (const { size } of this.segments) sum += size
    return sum
  }

  push({ body, items }: EncodedRequest): void {
    const entry = this.#create(this.#lastOrder++, { items, bodyBytes: body.length }, body)
    this.unwrittenBytes += entryBytes(entry)
    this.#unwritten.push(entry)
    this.#waiting.push(entry)
  }

  /** Requests of an earlier process go before whatever waits already. */
  prepend(found: readonly FoundRequest[]): void {
    this.#firstOrder -= found.length
    const entries = found.map((request, index) => this.#create(this.#firstOrder + index, request))
    this.#waiting = [...entries, ...this.#waiting]
  }

  take(): Entry | undefined {
    const entry = this.#waiting.shift()
    if (entry) entry.isHeld = true
    return entry
  }

  /** Back to its place in the order. */
  release(entry: Entry): void {
    entry.isHeld = false
    if (entry.place) entry.body = undefined
    const behind = this.#waiting.findIndex(({ order }) => order > entry.order)
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, entry)
  }

  settle(entry: Entry): void {
    entry.isSettled = true
    entry.isHeld = false
    entry.body = undefined
    this.#account(entry, -1)
    if (entry.place === undefined) this.unwrittenBytes -= entryBytes(entry)
    while (this.#unwritten[0]?.isSettled) this.#unwritten.shift()
  }

  /** The end came before they could be written: gives up all of them and says how many items that is. */
  giveUpUnwritten(): number {
    const lost = this.#unwritten.filter(({ isSettled }) => !isSettled)
    this.#waiting = this.#waiting.filter(({ place }) => place !== undefined)
    for (const entry of lost) this.settle(entry)
    return lost.reduce((sum, { items }) => sum + items, 0)
  }

  get hasUnwritten(): boolean {
    return this.#unwritten.some(hasBody)
  }

  /** The oldest that are in memory only: one, and more while they stay within `maxBytes`. They stay until `written`. */
  nextUnwritten(maxBytes: number): UnwrittenEntry[] {
    const batch: UnwrittenEntry[] = []
    let bytes = 0
    for (const entry of this.#unwritten) {
      if (!hasBody(entry)) continue
      bytes += entryBytes(entry)
      if (batch.length > 0 && bytes > maxBytes) break
      batch.push(entry)
    }
    return batch
  }

  /** Those of them that were settled in the meantime are on disk all the same, and to be marked there. */
  written(batch: readonly Entry[], places: readonly Place[]): void {
    for (const [index, entry] of batch.entries()) {
      entry.place = places[index]!
      if (entry.isSettled) continue
      this.unwrittenBytes -= entryBytes(entry)
      if (!entry.isHeld) entry.body = undefined
    }
    this.#unwritten = this.#unwritten.filter(({ place, isSettled }) => place === undefined && !isSettled)
  }

  #create(order: number, request: Omit<FoundRequest, 'place'> & { place?: Place }, body?: Uint8Array): Entry {
    const { items, bodyBytes, place } = request
    const { signal, readBack } = this
    const entry: Entry = {
      order,
      signal,
      items,
      bodyBytes,
      body,
      place,
      isHeld: false,
      isSettled: false,
      read: () => entry.body ?? readBack(entry),
    }
    this.#account(entry, 1)
    return entry
  }

  #account({ items, bodyBytes }: Entry, sign: 1 | -1): void {
    this.size.requests += sign
    this.size.items += sign * items
    this.size.bytes += sign * bodyBytes
  }
}

/** Not so once it is settled. */
function hasBody(entry: Entry): entry is UnwrittenEntry {
  return entry.body !== undefined
}
