// SPDX-License-Identifier: Apache-2.0
/**
 * The response side of one exchange. In: head, body chunks and gaps. Out: what the API's own reader understood, streamed or not.
 * Knows how a body is framed (one JSON object, or server-sent events), never what is in it.
 * @module
 */
import type { ResponseHead } from '../protocol/types.js'
import type { Budget, Stats } from '../stats.js'
import { Assembly } from './assembly.js'
import { Body } from './body.js'
import { findHeader, isReadable } from './detect.js'
import type { AnswerReader, Dialect } from './dialect.js'
import { parseObject } from './json.js'
import { Reservation, type Refusal } from './reservation.js'
import { SseDecoder } from './sse.js'

/** First bytes that only JSON and only an event stream (`data`, `event`, `id`, `retry`, a comment) can have. */
const SSE_STARTS = Buffer.from('deir:')
const SPACES = new Set([0x20, 0x0a, 0x0d, 0x09, 0xef, 0xbb, 0xbf])

export class Answer {
  readonly reader: AnswerReader
  /** When the first output of a stream came; a body that comes as a whole has no first chunk. */
  firstOutputUnixNano: bigint | undefined
  head: ResponseHead | undefined
  bodyBytes = 0
  isStream = false
  isFinished = false
  /** Something is missing or could not be read. */
  isDamaged = false
  /** There was something to read: a body, or data of an event. */
  hasContent = false
  #droppedBytes = 0
  readonly #dialect: Dialect
  readonly #stats: Stats
  readonly #body: Body
  readonly #sse: SseDecoder
  readonly #reservations: Reservation[]
  #isStarted = false
  #nowUnixNano = 0n

  constructor(dialect: Dialect, stats: Stats, budget: Budget, maxBytes: number) {
    this.#dialect = dialect
    this.#stats = stats
    // Apart from each other: content that hit its limit must not keep the usage at the end of the stream from being read.
    const framing = new Reservation(budget, maxBytes)
    const content = new Reservation(budget, maxBytes)
    this.#reservations = [framing, content]
    this.#body = new Body(framing, stats)
    this.#sse = new SseDecoder(framing, {
      onEvent: (data) => this.#readEvent(data),
      onDrop: (reason) => this.#drop(reason),
    })
    this.reader = dialect.openAnswer(
      () => new Assembly(content, (reason, chars) => this.#refuse(reason, chars)),
    )
  }

  /** Bytes that this room's limits took. */
  get droppedBytes(): number {
    return this.#droppedBytes + this.#body.droppedBytes
  }

  get isHtml(): boolean {
    return /html/i.test(this.#header('content-type'))
  }

  push(bytes: Uint8Array, timeUnixNano: bigint): void {
    this.bodyBytes += bytes.length
    this.#nowUnixNano = timeUnixNano
    const rest = this.#isStarted ? bytes : this.#start(bytes)
    if (this.isStream) this.#sse.push(rest)
    else this.#body.push(rest)
  }

  gap(): void {
    this.isDamaged = true
    // A stream whose very start is missing can only be told by its type; a JSON body is of no use without it.
    if (!this.#isStarted) this.isStream = /event-stream/i.test(this.#header('content-type'))
    this.#isStarted = true
    if (!this.isStream) return this.#body.gap()
    this.#sse.gap()
    if (!this.isFinished) this.reader.markGap()
  }

  /** Reads what could only be read as a whole. `release` must follow. */
  end(): void {
    this.#sse.end()
    if (!this.isStream) this.#readBody()
    if (this.isCoded) this.isDamaged = true
  }

  /** A body came, and its content coding is none that the protocol room can take off. */
  get isCoded(): boolean {
    return this.bodyBytes > 0 && this.head !== undefined && !isReadable(this.head.headers)
  }

  release(): void {
    for (const reservation of this.#reservations) reservation.release()
  }

  #header(name: string): string {
    return this.head === undefined ? '' : (findHeader(this.head.headers, name) ?? '')
  }

  /** Decided by the first byte that is no space, so that it does not depend on chunks; types are wrong often enough. */
  #start(bytes: Uint8Array): Uint8Array {
    const at = bytes.findIndex((byte) => !SPACES.has(byte))
    if (at === -1) return bytes.subarray(bytes.length)
    this.#isStarted = true
    const saysStream = /event-stream/i.test(this.#header('content-type'))
    const isError = (this.head?.status ?? 200) >= 400
    this.isStream = SSE_STARTS.includes(bytes[at]!) && (saysStream || !(isError || this.isHtml))
    return bytes.subarray(at)
  }

  #readBody(): void {
    this.hasContent = this.#isStarted
    const { object, isWhole } = this.#body.read()
    if (this.#body.isCut) this.isDamaged = true
    if (object === undefined) return
    this.reader.readBody(object, (this.head?.status ?? 200) >= 400)
    this.isFinished = isWhole
  }

  #readEvent(data: string): void {
    this.hasContent = true
    const { streamEnd } = this.#dialect
    if (streamEnd !== undefined && data.startsWith(streamEnd) && data.trimEnd() === streamEnd) {
      this.isFinished = true
      return
    }
    const event = parseObject(data)
    if (event === undefined) {
      this.#stats.add('events.dropped', 'not_json')
      this.isDamaged = true
      return
    }
    const effect = this.reader.readEvent(event, data.length)
    if (effect === 'output') this.firstOutputUnixNano ??= this.#nowUnixNano
    if (effect === 'end') this.isFinished = true
  }

  #drop(reason: Refusal | 'gap'): void {
    this.#stats.add('events.dropped', reason)
    this.isDamaged = true
    if (reason === 'gap') return
    // How long the event would have been is not known: at least the one byte that did not fit.
    this.#droppedBytes += 1
    this.reader.markGap()
  }

  #refuse(reason: Refusal, chars: number): void {
    this.#stats.add('content.dropped', reason)
    this.#droppedBytes += chars
  }
}
