// SPDX-License-Identifier: Apache-2.0
/**
 * Server-sent events, decoded from bytes. In: the chunks of a `text/event-stream` body, cut anywhere, and its gaps. Out: the data
 * of each event. Refuses to know `event`, `id` and `retry`: the APIs read here say what an event is inside its data.
 *
 * Rules: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation (seen 2026-11). Lines are
 * found as bytes and only whole values become text: line ends are ASCII, so a chunk that ends inside a UTF-8 character needs no
 * decoder state.
 * @module
 */
import { ByteBuffer } from './byte-buffer.js'
import type { Refusal, Reservation } from './reservation.js'

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const SPACE = 0x20
const DATA = Buffer.from('data')
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** What a string costs beyond its characters, so that a million empty `data` lines are not free. */
const LINE_OVERHEAD_BYTES = 64

export interface SseHandler {
  /** One event, its `data` lines joined by line feeds. */
  onEvent(data: string): void
  /** One event was given up, because of a limit or because bytes of it are missing. */
  onDrop(reason: Refusal | 'gap'): void
}

export class SseDecoder {
  readonly #handler: SseHandler
  readonly #reservation: Reservation
  /** Start of a line whose end has not come yet; stays empty while skipping. */
  readonly #held: ByteBuffer
  /** Also while skipping: the end of a line that began in an earlier chunk is no blank line. */
  #isInsideLine = false
  #data: string | undefined
  #dataCost = 0
  #isFirstLine = true
  #endedWithCr = false
  /** Lines are ignored up to the next blank one: after a gap, and in an event that hit a limit. */
  #isSkipping = false

  constructor(reservation: Reservation, handler: SseHandler) {
    this.#reservation = reservation
    this.#handler = handler
    this.#held = new ByteBuffer(reservation)
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const chunk = asBuffer(bytes)
    let start = this.#endedWithCr && chunk[0] === LF ? 1 : 0
    this.#endedWithCr = false
    let lf = chunk.indexOf(LF, start)
    // Nearly always there is none, and then it is looked for once.
    let cr = chunk.indexOf(CR, start)
    while (lf !== -1 || cr !== -1) {
      const isCr = lf === -1 || (cr !== -1 && cr < lf)
      const end = isCr ? cr : lf
      this.#endLine(chunk, start, end)
      start = end + 1
      if (isCr) {
        if (start === chunk.length) this.#endedWithCr = true
        else if (chunk[start] === LF) start++
        cr = chunk.indexOf(CR, start)
      }
      if (lf !== -1 && lf < start) lf = chunk.indexOf(LF, start)
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start))
  }

  /** Bytes are missing here: what stands before and after them is not one event. */
  gap(): void {
    if (this.#data !== undefined || this.#held.length > 0) this.#handler.onDrop('gap')
    this.#forget()
    this.#isSkipping = true
    this.#isInsideLine = false
    this.#isFirstLine = false
    this.#endedWithCr = false
  }

  /** An event without its blank line is not one (the specification discards it). */
  end(): void {
    this.#forget()
  }

  #hold(bytes: Buffer): void {
    this.#isInsideLine = true
    if (this.#isSkipping) return
    const refusal = this.#held.append(bytes)
    if (refusal !== undefined) this.#skip(refusal)
  }

  #endLine(chunk: Buffer, start: number, end: number): void {
    if (!this.#isInsideLine) return this.#readLine(chunk, start, end)
    this.#hold(chunk.subarray(start, end))
    this.#isInsideLine = false
    if (this.#isSkipping) return
    const line = this.#held.view
    this.#readLine(line, 0, line.length)
    this.#held.clear()
  }

  #readLine(line: Buffer, from: number, end: number): void {
    let start = from
    if (this.#isFirstLine) {
      this.#isFirstLine = false
      if (startsWith(line, BYTE_ORDER_MARK, start, end)) start += BYTE_ORDER_MARK.length
    }
    if (start === end) return this.#endEvent()
    if (this.#isSkipping || !startsWith(line, DATA, start, end)) return
    let value = start + DATA.length
    if (value < end && line[value++] !== COLON) return
    if (value < end && line[value] === SPACE) value++
    this.#addData(line, value, end)
  }

  #addData(line: Buffer, start: number, end: number): void {
    const cost = end - start + LINE_OVERHEAD_BYTES
    const refusal = this.#reservation.take(cost)
    if (refusal !== undefined) return this.#skip(refusal)
    this.#dataCost += cost
    const value = line.toString('utf8', start, end)
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
  }

  #endEvent(): void {
    const data = this.#data
    this.#isSkipping = false
    this.#forget()
    if (data !== undefined && data !== '') this.#handler.onEvent(data)
  }

  #skip(reason: Refusal): void {
    this.#handler.onDrop(reason)
    this.#forget()
    this.#isSkipping = true
  }

  #forget(): void {
    this.#held.clear()
    this.#dropData()
  }

  #dropData(): void {
    if (this.#dataCost > 0) this.#reservation.give(this.#dataCost)
    this.#data = undefined
    this.#dataCost = 0
  }
}

/** A view costs as much as reading a line through it. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function startsWith(line: Buffer, prefix: Buffer, start: number, end: number): boolean {
  if (end - start < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (line[start + i] !== prefix[i]) return false
  return true
}
