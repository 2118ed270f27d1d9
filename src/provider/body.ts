// SPDX-License-Identifier: Apache-2.0
/**
 * A body that is read as a whole. In: its chunks and gaps. Out: one JSON object, or the members of it that arrived whole. Holds at
 * most its reservation and only the bytes before the first gap; knows no API.
 * @module
 */
import type { Stats } from '../stats.js'
import { ByteBuffer } from './byte-buffer.js'
import { readObject, type JsonObject } from './fields.js'
import { parseJson, parseObjectPrefix } from './json.js'
import type { Reservation } from './reservation.js'
import { decodeUtf8 } from './utf8.js'

export interface JsonBody {
  /** All members of the object, or with `isWhole` false those that could be saved. */
  object: JsonObject | undefined
  /** The body is one JSON value from start to end. */
  isWhole: boolean
}

export class Body {
  readonly #kept: ByteBuffer
  readonly #stats: Stats
  #isCut = false
  #droppedBytes = 0

  constructor(reservation: Reservation, stats: Stats) {
    this.#kept = new ByteBuffer(reservation)
    this.#stats = stats
  }

  /** Bytes that a limit took; not those of a gap. */
  get droppedBytes(): number {
    return this.#droppedBytes
  }

  get isCut(): boolean {
    return this.#isCut
  }

  /** The `content-length` of an uncoded body: saves growing step by step. Only a hint, a peer can claim anything. */
  expect(bytes: number): void {
    this.#kept.expect(bytes)
  }

  push(bytes: Uint8Array): void {
    if (this.#droppedBytes > 0) this.#droppedBytes += bytes.length
    if (this.#isCut) return
    const before = this.#kept.length
    const refusal = this.#kept.append(bytes)
    if (refusal === undefined) return
    this.#stats.add('bodies.cut', refusal)
    this.#droppedBytes += bytes.length - (this.#kept.length - before)
    this.#isCut = true
  }

  gap(): void {
    if (!this.#isCut) this.#stats.add('bodies.cut', 'gap')
    this.#isCut = true
  }

  /** Reads it once: its memory is given back. */
  read(): JsonBody {
    const body = this.#decode()
    this.#kept.clear()
    return body
  }

  #decode(): JsonBody {
    const bytes = this.#kept.view
    if (bytes.length === 0) return { object: undefined, isWhole: false }
    const { text, isValid } = decodeUtf8(bytes)
    if (!isValid && !this.#isCut) this.#stats.add('bodies.damaged', 'invalid_utf8')
    const value = parseJson(text)
    if (value !== undefined) return { object: readObject(value), isWhole: true }
    if (!this.#isCut) this.#stats.add('bodies.damaged', 'not_json')
    return { object: parseObjectPrefix(text), isWhole: false }
  }
}
