// SPDX-License-Identifier: Apache-2.0
/**
 * One direction of an HTTP/1 connection (RFC 9112), incrementally. In: bytes and gaps. Out: heads, body pieces without transfer
 * coding, and how each message ended. Bodies pass through without a copy. After damage it searches the next message start.
 * @module
 */
import type { Budget, Stats } from '../../stats.js'
import { ByteQueue } from '../byte-queue.js'
import { passWholeChunks } from './chunk.js'
import { isProven, parseChunkSize, type Framing } from './head.js'
import { HeadReader, type HeadVerdict } from './head-reader.js'
import { IN_MESSAGE, type LossReason, type MessageHandler, type ParserLimits, type State } from './message.js'
import type { MessageKind } from './start.js'
import { canBecomeStartLine, findStart, isStartLine, MAX_START_LINE_BYTES } from './start.js'

const LF = 10
const CR = 13
const EMPTY: Buffer = Buffer.alloc(0)
export class MessageParser {
  readonly #kind: MessageKind
  readonly #handler: MessageHandler
  readonly #limits: ParserLimits
  readonly #stats: Stats
  readonly #head: HeadReader
  /** A line, or while searching what may be the beginning of one, that is not whole yet. */
  readonly #held: ByteQueue
  #state: State
  /** No head has been accepted since the beginning in mid-stream or the last loss. */
  #isSearching: boolean
  #hasFinished = false
  /** Of the body or the chunk. */
  #remaining = 0
  #trailerFields = 0
  #hasBodyBegun = false
  /** Of the first byte of the head that is being collected. */
  #headTime = 0n

  /** `isJoined`: the first byte will be somewhere in the middle of a message. */
  constructor(
    kind: MessageKind,
    handler: MessageHandler,
    settings: { limits: ParserLimits; budget: Budget; stats: Stats },
    isJoined: boolean,
  ) {
    this.#kind = kind
    this.#handler = handler
    this.#limits = settings.limits
    this.#stats = settings.stats
    this.#head = new HeadReader(settings.limits, settings.budget)
    const longest = Math.max(settings.limits.maxHeadBytes, settings.limits.maxLineBytes)
    this.#held = new ByteQueue(settings.budget, longest)
    this.#state = isJoined ? 'search' : 'start'
    this.#isSearching = isJoined
  }

  /** The next byte begins a message, or is dropped. */
  get isBetweenMessages(): boolean {
    return this.#state === 'start' || this.#state === 'search'
  }

  get isUntilClose(): boolean {
    return this.#state === 'close'
  }

  /** Stops behind the end of a message and returns the bytes behind it. */
  push(bytes: Uint8Array, time: bigint): Uint8Array {
    let rest = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#hasFinished = false
    while (rest.length > 0 && !this.#hasFinished) rest = this.#step(rest, time)
    return rest
  }

  gap(length: number, time: bigint): void {
    this.#hasBodyBegun = true
    switch (this.#state) {
      case 'length':
        return this.#gapInLength(length, time)
      case 'chunk-data':
        if (length > this.#remaining) return this.#breakOff('gap', length)
        this.#handler.gap(length, time)
        this.#remaining -= length
        if (this.#remaining === 0) this.#state = 'chunk-end'
        return
      case 'close':
        return this.#handler.gap(length, time)
      case 'over':
        return
      default:
        return this.#breakOff('gap', length)
    }
  }

  /** A body that will not come (417 after Expect): the next bytes are a new message. False when some of it has come. */
  abandonBody(): boolean {
    if (this.#hasBodyBegun || (this.#state !== 'length' && this.#state !== 'chunk-size')) return false
    this.#state = 'start'
    return true
  }

  /** No more input; frees what is held. */
  end(): void {
    this.#held.clear()
    this.#head.clear()
    this.#state = 'over'
  }

  /** Consumes from `bytes` what the state can use and returns the rest. */
  #step(bytes: Buffer, time: bigint): Buffer {
    switch (this.#state) {
      case 'start':
        return this.#skipEmptyLines(bytes, time)
      case 'length':
      case 'chunk-data':
        return this.#passBody(bytes, time)
      case 'chunk-size':
        return this.#passChunks(bytes, time)
      case 'close':
        this.#handler.body(bytes, time)
        return EMPTY
      case 'search':
        return this.#search(bytes, time)
      case 'over':
        return EMPTY
      default:
        return this.#readLine(bytes, time)
    }
  }

  /** RFC 9112 2.2: empty lines before a start line are ignored. */
  #skipEmptyLines(bytes: Buffer, time: bigint): Buffer {
    let at = 0
    while (at < bytes.length && (bytes[at] === CR || bytes[at] === LF)) at++
    if (at === bytes.length) return EMPTY
    this.#state = 'start-line'
    this.#headTime = time
    return bytes.subarray(at)
  }

  /** Hands on the line without its end once it is whole; a bare LF ends one too (RFC 9112 2.2). */
  #readLine(bytes: Buffer, time: bigint): Buffer {
    this.#hasBodyBegun = true
    const at = bytes.indexOf(LF)
    const piece = at < 0 ? bytes : bytes.subarray(0, at + 1)
    const length = this.#held.length + piece.length
    const room = Math.max(0, this.#longestLine - this.#held.length)
    if (piece.length > room) return this.#onTooLong(bytes.subarray(room))
    const isHeld = at < 0 || this.#held.length > 0
    if (isHeld && !this.#held.append(piece)) return this.#onTooLong(bytes.subarray(piece.length))
    if (at < 0) return this.#state === 'start-line' ? this.#judgeBeginning() : EMPTY
    const raw = isHeld ? this.#held.take() : piece
    const end = raw[length - 2] === CR ? length - 2 : length - 1
    this.#onLine(raw.toString('latin1', 0, end), length, time)
    const rest = bytes.subarray(piece.length)
    if (this.#state !== 'search') return rest
    // Rejected, but a real start line may stand in it: its own first byte excepted, that would not end.
    return isHeld ? Buffer.concat([raw.subarray(1), rest]) : bytes.subarray(1)
  }

  get #longestLine(): number {
    if (this.#state === 'start-line') return MAX_START_LINE_BYTES + 2
    return this.#state === 'fields' ? this.#head.remainingBytes : this.#limits.maxLineBytes
  }

  #onLine(line: string, bytes: number, time: bigint): void {
    switch (this.#state) {
      case 'start-line':
        if (!isStartLine(this.#kind, line)) return this.#breakOff('rubbish', 0)
        this.#state = 'fields'
        return this.#onHeadVerdict(this.#head.start(line, bytes), time)
      case 'fields':
        return this.#onHeadVerdict(this.#head.add(line, bytes), time)
      case 'chunk-size':
        return this.#onChunkSize(line)
      case 'chunk-end':
        if (line !== '') return this.#breakOff('invalid', 0)
        this.#state = 'chunk-size'
        return
      default:
        return this.#onTrailer(line, time)
    }
  }

  #onHeadVerdict(verdict: HeadVerdict, time: bigint): void {
    if (verdict === 'need-more') return
    if (verdict !== 'end') return this.#breakOff(verdict === 'rubbish' ? 'invalid' : verdict, 0)
    const head = this.#head.take()
    if (this.#isSearching && !isProven(this.#kind, head)) return this.#breakOff('rubbish', 0)
    this.#isSearching = false
    this.#hasBodyBegun = false
    this.#enterBody(this.#handler.head(head, this.#headTime), time)
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
      case 'contradiction':
        this.#state = 'chunk-size'
        return this.#breakOff('invalid', 0)
      case 'tunnel':
        this.#state = 'over'
        this.#handler.tunnel(time)
    }
  }

  #finish(time: bigint): void {
    this.#state = 'start'
    this.#hasFinished = true
    this.#handler.complete(time)
  }

  #passBody(bytes: Buffer, time: bigint): Buffer {
    this.#hasBodyBegun = true
    const piece = bytes.length <= this.#remaining ? bytes : bytes.subarray(0, this.#remaining)
    this.#remaining -= piece.length
    this.#handler.body(piece, time)
    if (this.#remaining > 0) return EMPTY
    if (this.#state === 'length') this.#finish(time)
    else this.#state = 'chunk-end'
    return bytes.subarray(piece.length)
  }

  /** Whole ones in place, the others line by line. */
  #passChunks(bytes: Buffer, time: bigint): Buffer {
    const used = this.#held.length > 0 ? 0 : passWholeChunks(bytes, (data) => this.#handler.body(data, time))
    this.#hasBodyBegun = true
    if (used === 0) return this.#readLine(bytes, time)
    return used === bytes.length ? EMPTY : bytes.subarray(used)
  }

  #onChunkSize(line: string): void {
    const size = parseChunkSize(line)
    if (size === undefined) return this.#breakOff('invalid', 0)
    this.#remaining = size
    this.#trailerFields = 0
    this.#state = size === 0 ? 'trailers' : 'chunk-data'
  }

  /** Trailer fields carry nothing we use; the empty line ends the message (RFC 9112 7.1.2). */
  #onTrailer(line: string, time: bigint): void {
    if (line === '') return this.#finish(time)
    if (++this.#trailerFields > this.#limits.maxFields) this.#breakOff('limit', 0)
  }

  #gapInLength(length: number, time: bigint): void {
    const inBody = Math.min(length, this.#remaining)
    this.#handler.gap(inBody, time)
    this.#remaining -= inBody
    if (this.#remaining > 0) return
    // The end passed inside the gap, and by its own length this message is over.
    this.#finish(time)
    if (length > inBody) this.#breakOff('gap', length - inBody)
  }

  #breakOff(reason: LossReason, missingBytes: number): void {
    const isInMessage = IN_MESSAGE.has(this.#state)
    const wasSearching = this.#isSearching
    this.#held.clear()
    this.#head.clear()
    this.#state = 'search'
    this.#isSearching = true
    // Already searching, a candidate that is none after all is no news.
    if (wasSearching && reason !== 'gap') return
    this.#stats.add('messages.broken', reason)
    if (isInMessage) this.#handler.broken(reason, missingBytes)
    else this.#handler.lost(reason, missingBytes)
  }

  /** `rest` begins where the line became longer than any may be, however it was cut: nothing before is looked at again. */
  #onTooLong(rest: Buffer): Buffer {
    this.#breakOff(this.#state === 'start-line' ? 'rubbish' : 'limit', 0)
    return rest
  }

  /** Rubbish is seen at its first bytes, not at its first line end. */
  #judgeBeginning(): Buffer {
    if (canBecomeStartLine(this.#kind, this.#held.view)) return EMPTY
    const rubbish = this.#held.take()
    this.#breakOff('rubbish', 0)
    return rubbish.subarray(1)
  }

  /** Drops everything before the next message start, and counts it. */
  #search(bytes: Buffer, time: bigint): Buffer {
    const before = this.#held.length
    const view = before === 0 ? bytes : Buffer.concat([this.#held.take(), bytes])
    const start = findStart(this.#kind, view)
    this.#stats.add('bytes.skipped', this.#kind, start.at)
    if (start.at > 0 && before > 0) this.#handler.skipped(this.#headTime)
    if (start.at > before) this.#handler.skipped(time)
    const rest = view.subarray(start.at)
    // When in doubt a question is young and an answer old: neither pairs with what it does not belong to.
    if (this.#kind === 'request' || start.at >= before) this.#headTime = time
    if (start.isFound) this.#state = 'start-line'
    else this.#held.append(rest)
    return start.isFound ? rest : EMPTY
  }
}
