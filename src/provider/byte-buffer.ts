// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes that arrive in pieces, kept in one growing piece of memory. In: chunks. Out: what fitted, as one view. Knows no format.
 *
 * Chunks are copied: a chunk is often a small view of a large batch and would keep all of it alive, and a list of a million
 * one-byte chunks costs far more memory than the budget would see.
 * @module
 */
import type { Refusal, Reservation } from './reservation.js'

const MIN_CAPACITY_BYTES = 1024
/** What a mere claim of a length may reserve. */
const MAX_EXPECTED_BYTES = 256 * 1024
const EMPTY = Buffer.alloc(0)
const MIN_SPARE_BYTES = 16 * 1024
const MAX_SPARE_BYTES = 256 * 1024

/** Memory of a body that was read, for the next one: the kernel's work for fresh pages costs more than the copy into them. */
let spare: Buffer = EMPTY

function takeMemory(bytes: number): Buffer {
  if (spare.length < bytes) return Buffer.allocUnsafe(bytes)
  const memory = spare
  spare = EMPTY
  return memory
}

function giveMemory(memory: Buffer): void {
  const isUseful = memory.length >= MIN_SPARE_BYTES && memory.length <= MAX_SPARE_BYTES
  if (isUseful && memory.length > spare.length) spare = memory
}

export class ByteBuffer {
  readonly #reservation: Reservation
  /** May be longer than `#capacity`, which is what was reserved. */
  #memory: Buffer = EMPTY
  #capacity = 0
  #length = 0
  #expectedBytes = 0

  constructor(reservation: Reservation) {
    this.#reservation = reservation
  }

  get length(): number {
    return this.#length
  }

  /** Valid until the next `append` or `clear`. */
  get view(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  /** How long it will probably be; memory is taken with the first bytes. */
  expect(bytes: number): void {
    this.#expectedBytes = Math.min(bytes, MAX_EXPECTED_BYTES)
  }

  /** Keeps as much of `bytes` as the own limit permits, so that where a body is cut does not depend on its chunks. */
  append(bytes: Uint8Array): Refusal | undefined {
    const room = this.#capacity - this.#length + this.#reservation.roomBytes
    const kept = bytes.length <= room ? bytes : bytes.subarray(0, room)
    const refusal = this.#grow(this.#length + kept.length)
    if (refusal !== undefined) return refusal
    this.#memory.set(kept, this.#length)
    this.#length += kept.length
    return kept.length < bytes.length ? 'max_body_bytes' : undefined
  }

  /** Forgets the content and gives the memory back. */
  clear(): void {
    if (this.#capacity === 0) return
    this.#reservation.give(this.#capacity)
    giveMemory(this.#memory)
    this.#memory = EMPTY
    this.#capacity = 0
    this.#length = 0
  }

  #grow(needed: number): Refusal | undefined {
    const capacity = this.#capacity
    if (needed <= capacity) return undefined
    const best = Math.max(needed, 2 * capacity, this.#expectedBytes, MIN_CAPACITY_BYTES)
    const wanted = Math.min(best, capacity + this.#reservation.roomBytes)
    let next = wanted
    let refusal = this.#reservation.take(wanted - capacity)
    if (refusal === 'budget') refusal = this.#reservation.take((next = needed) - capacity)
    if (refusal !== undefined) return refusal
    const memory = takeMemory(next)
    this.#memory.copy(memory, 0, 0, this.#length)
    giveMemory(this.#memory)
    this.#memory = memory
    this.#capacity = next
    return undefined
  }
}
