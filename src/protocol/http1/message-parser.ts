// SPDX-License-Identifier: Apache-2.0
/**
 * One direction of an HTTP/1 connection (RFC 9112), incrementally. In: bytes and gaps. Out: heads, body pieces without transfer
 * coding, and how each message ended. Bodies pass through without a copy. After damage it looks for the next message start.
 * @module
 */
import type { Budget, Stats } from '../../stats.js'
import { ByteQueue } from '../byte-queue.js'
import type { Framing } from './head.js'
import { findStart, isStartLine, type MessageKind } from './start.js'

export interface ParserLimits {
  maxHeadBytes: number
  /** Also the bound of a chunk-size line and of each trailer section. */
  maxLineBytes: number
}

export interface MessageHandler {
  /** A complete head. The framing of its body, or undefined when it is no valid head after all. */
  head(bytes: Buffer, timeUnixNano: bigint): Framing | undefined
  body(bytes: Uint8Array, timeUnixNano: bigint): void
  /** Bytes of the current message's body are missing; the message goes on. */
  gap(length: number, timeUnixNano: bigint): void
  complete(timeUnixNano: bigint): void
  /** The current message cannot be followed to its end. */
  broken(reason: 'gap' | 'invalid' | 'limit', timeUnixNano: bigint): void
  /** Between messages bytes are missing: whole messages may have passed unseen. */
  lost(length: number, timeUnixNano: bigint): void
  /** What follows is another protocol. */
  tunnel(timeUnixNano: bigint): void
}

type State =
  | 'start'
  | 'head'
  | 'length'
  | 'close'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailers'
  | 'scan'
  | 'tunnel'

const LF = 10
const CR = 13

export class MessageParser {
  readonly #kind: MessageKind
  readonly #handler: MessageHandler
  readonly #limits: ParserLimits
  readonly #stats: Stats
  readonly #pending: ByteQueue
  #state: State = 'start'
  /** Of the body or the chunk. */
  #remaining = 0
  /** Of the first byte of the head that is being collected. */
  #headTime = 0n

  constructor(
    kind: MessageKind,
    handler: MessageHandler,
    limits: ParserLimits,
    budget: Budget,
    stats: Stats,
  ) {
    this.#kind = kind
    this.#handler = handler
    this.#limits = limits
    this.#stats = stats
    this.#pending = new ByteQueue(budget, Math.max(limits.maxHeadBytes, limits.maxLineBytes))
  }

  /** At a message boundary and not one byte into the next. */
  get isAtStart(): boolean {
    return this.#state === 'start'
  }

  get isUntilClose(): boolean {
    return this.#state === 'close'
  }

  push(bytes: Uint8Array, time: bigint): void {
    let rest: Uint8Array = bytes
    while (rest.length > 0) rest = this.#step(rest, time)
  }

  gap(length: number, time: bigint): void {
    switch (this.#state) {
      case 'length':
        return this.#gapInLength(length, time)
      case 'chunk-data':
        if (length > this.#remaining) return this.#breakOff('gap', time)
        this.#handler.gap(length, time)
        this.#remaining -= length
        if (this.#remaining === 0) this.#state = 'chunk-end'
        return
      case 'close':
        return this.#handler.gap(length, time)
      case 'start':
      case 'scan':
        this.#pending.clear()
        this.#state = 'scan'
        return this.#handler.lost(length, time)
      case 'tunnel':
        return
      default:
        return this.#breakOff('gap', time)
    }
  }

  /** A request whose body will not come (417 after Expect): the next bytes are a new message. */
  abandonBody(): void {
    if (this.#state === 'length' || this.#state === 'chunk-size') this.#state = 'start'
  }

  /** No more input; frees what is held. */
  end(): void {
    this.#pending.clear()
    this.#state = 'tunnel'
  }

  /** Consumes from `bytes` what the state can use and returns the rest. */
  #step(bytes: Uint8Array, time: bigint): Uint8Array {
    switch (this.#state) {
      case 'start':
        return this.#skipEmptyLines(bytes, time)
      case 'head':
        return this.#collectHead(bytes, time)
      case 'length':
      case 'chunk-data':
        return this.#passBody(bytes, time)
      case 'close':
        this.#handler.body(bytes, time)
        return EMPTY
      case 'chunk-size':
        return this.#readLine(bytes, time, (line) => this.#onChunkSize(line, time))
      case 'chunk-end':
        return this.#readLine(bytes, time, (line) => this.#onChunkEnd(line, time))
      case 'trailers':
        return this.#readLine(bytes, time, (line) => this.#onTrailer(line, time))
      case 'scan':
        return this.#scan(bytes, time)
      case 'tunnel':
        return EMPTY
    }
  }

  /** RFC 9112 2.2: empty lines before a start line are ignored. */
  #skipEmptyLines(bytes: Uint8Array, time: bigint): Uint8Array {
    let at = 0
    while (at < bytes.length && (bytes[at] === CR || bytes[at] === LF)) at++
    if (at === bytes.length) return EMPTY
    this.#state = 'head'
    this.#headTime = time
    return bytes.subarray(at)
  }

  #collectHead(bytes: Uint8Array, time: bigint): Uint8Array {
    const before = this.#pending.length
    const piece = bytes.subarray(0, this.#limits.maxHeadBytes - before)
    if (piece.length === 0 || !this.#pending.append(piece)) return this.#tooLarge(time)
    const view = this.#pending.view
    const end = endOfHead(view, Math.max(0, before - 3))
    if (end < 0)
      return isPlausibleStart(this.#kind, view)
        ? bytes.subarray(piece.length)
        : this.#rescan(bytes, piece, time)
    const framing = this.#handler.head(view.subarray(0, end), this.#headTime)
    if (framing === undefined) return this.#rescan(bytes, piece, time)
    this.#pending.clear()
    this.#enterBody(framing, time)
    return bytes.subarray(end - before)
  }

  #enterBody(framing: Framing, time: bigint): void {
    switch (framing.kind) {
      case 'none':
        return this.#finish(time)
      case 'length':
        this.#remaining = framing.length
        this.#state = 'length'
        return
      case 'chunked':
        this.#state = 'chunk-size'
        return
      case 'close':
        this.#state = 'close'
        return
      case 'tunnel':
        this.#state = 'tunnel'
        this.#handler.tunnel(time)
    }
  }

  #finish(time: bigint): void {
    this.#state = 'start'
    this.#handler.complete(time)
  }

  #passBody(bytes: Uint8Array, time: bigint): Uint8Array {
    const piece = bytes.length <= this.#remaining ? bytes : bytes.subarray(0, this.#remaining)
    this.#remaining -= piece.length
    this.#handler.body(piece, time)
    if (this.#remaining === 0) {
      if (this.#state === 'length') this.#finish(time)
      else this.#state = 'chunk-end'
    }
    return bytes.subarray(piece.length)
  }

  /** Calls `onLine` with the line without its end once it is whole. */
  #readLine(bytes: Uint8Array, time: bigint, onLine: (line: string) => void): Uint8Array {
    const at = bytes.indexOf(LF)
    const piece = at < 0 ? bytes : bytes.subarray(0, at + 1)
    if (this.#pending.length + piece.length > this.#limits.maxLineBytes || !this.#pending.append(piece)) {
      return this.#tooLarge(time)
    }
    if (at < 0) return EMPTY
    const line = this.#pending
      .take()
      .toString('latin1')
      .replace(/\r?\n$/, '')
    onLine(line)
    return bytes.subarray(piece.length)
  }

  /** RFC 9112 7.1: hexadecimal size, then extensions, which nobody uses. */
  #onChunkSize(line: string, time: bigint): void {
    const match = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(line)
    if (match === null) return this.#breakOff('invalid', time)
    this.#remaining = parseInt(match[1]!, 16)
    this.#state = this.#remaining === 0 ? 'trailers' : 'chunk-data'
  }

  #onChunkEnd(line: string, time: bigint): void {
    if (line !== '') return this.#breakOff('invalid', time)
    this.#state = 'chunk-size'
  }

  /** Trailer fields carry nothing we use; the empty line ends the message (RFC 9112 7.1.2). */
  #onTrailer(line: string, time: bigint): void {
    if (line === '') this.#finish(time)
  }

  #gapInLength(length: number, time: bigint): void {
    const inBody = Math.min(length, this.#remaining)
    this.#handler.gap(inBody, time)
    this.#remaining -= inBody
    if (this.#remaining > 0) return
    // The end passed inside the gap, and by its own length this message is over.
    this.#finish(time)
    if (length > inBody) this.gap(length - inBody, time)
  }

  #breakOff(reason: 'gap' | 'invalid' | 'limit', time: bigint): void {
    const isInMessage = this.#state !== 'head'
    this.#pending.clear()
    this.#state = 'scan'
    if (isInMessage) this.#handler.broken(reason, time)
    else this.#handler.lost(0, time)
  }

  #tooLarge(time: bigint): Uint8Array {
    this.#stats.add('messages.broken', 'limit')
    this.#breakOff('limit', time)
    return EMPTY
  }

  /** What was collected as a head is none: look for one behind its first byte. `piece` is the part of `bytes` in it. */
  #rescan(bytes: Uint8Array, piece: Uint8Array, time: bigint): Uint8Array {
    const collected = this.#pending.take()
    this.#stats.add('messages.broken', 'no_start')
    this.#state = 'scan'
    this.#handler.lost(0, time)
    return Buffer.concat([this.#scan(collected.subarray(1), time), bytes.subarray(piece.length)])
  }

  /** Drops everything before the next message start, and counts it. */
  #scan(bytes: Uint8Array, time: bigint): Uint8Array {
    const held = this.#pending.take()
    const view =
      held.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([held, bytes])
    const start = findStart(this.#kind, view)
    this.#stats.add('bytes.skipped', 'no_start', start.at)
    if (start.isFound) {
      this.#state = 'head'
      this.#headTime = time
      return view.subarray(start.at)
    }
    // The tail could be the beginning of a start line that is cut here.
    this.#pending.append(view.subarray(start.at))
    return EMPTY
  }
}

const EMPTY: Uint8Array = new Uint8Array(0)

/** Index behind the empty line that ends a head; a bare LF counts as a line end (RFC 9112 2.2). -1: not there yet. */
function endOfHead(view: Buffer, from: number): number {
  for (let at = view.indexOf(LF, from); at >= 0; at = view.indexOf(LF, at + 1)) {
    if (view[at + 1] === LF) return at + 2
    if (view[at + 1] === CR && view[at + 2] === LF) return at + 3
  }
  return -1
}

/** Judges as soon as there is a whole line, or too much for one. */
function isPlausibleStart(kind: MessageKind, view: Buffer): boolean {
  const end = view.indexOf(LF)
  if (end < 0) return isStartLine(kind, view, view.length, false)
  return isStartLine(kind, view, end, true)
}
