// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTP/1 connection as a client sees it: requests and responses in pairs (RFC 9112 9.3). In: bytes and gaps of both
 * directions, in any interleaving (capture rule 8: the response may come first). Out: ExchangeEvents. A response that belongs
 * to no request we saw is counted, never guessed at.
 * @module
 */
import type { StreamClose } from '../../stream/types.js'
import { createBodyDecoder } from '../coding.js'
import { cleanFields } from '../credentials.js'
import type { ConversationSettings, ProtocolConversation } from '../conversation.js'
import type { Side } from '../types.js'
import { Exchange } from './exchange.js'
import {
  fieldValue,
  parseRequestLine,
  parseStatusLine,
  requestFraming,
  responseFraming,
  type Framing,
  type RawHead,
} from './head.js'
import { HeldPieces, type HeldPiece } from './held.js'
import type { LossReason, MessageHandler } from './message.js'
import { MessageParser } from './message-parser.js'
import { readRequestHead } from './request.js'

/** Pipelined requests without an answer. */
const MAX_PENDING = 256

export class Http1Conversation implements ProtocolConversation {
  readonly #settings: ConversationSettings
  readonly #requests: MessageParser
  readonly #responses: MessageParser
  /** Whose response is not over, oldest first. */
  readonly #pending: Exchange[] = []
  /** Whose response is over and whose request is not. */
  #uploading: Exchange | undefined
  /** Gets the request's body. */
  #current: Exchange | undefined
  readonly #held: HeldPieces
  /** Of the piece of the response direction that is being read. */
  #responseTime = 0n
  /** A response whose request was not seen is being read. */
  #isOrphan = false
  /** Since the last response head, whole answers may have passed unseen. */
  #hasLostResponses = false
  #hasSeenResponse = false
  #isHandedOff = false
  #number = 0

  /** `isJoined`: the sides that begin in the middle of something. */
  constructor(settings: ConversationSettings, isJoined: Record<Side, boolean>) {
    this.#settings = settings
    this.#held = new HeldPieces(settings.budget)
    this.#requests = new MessageParser('request', this.#requestHandler(), settings, isJoined.request)
    this.#responses = new MessageParser('response', this.#responseHandler(), settings, isJoined.response)
  }

  bytes(side: Side, bytes: Uint8Array, time: bigint): void {
    if (this.#isHandedOff) return
    if (side === 'response') return this.#answer({ kind: 'bytes', bytes, timeUnixNano: time })
    for (let rest = bytes; rest.length > 0;) rest = this.#requests.push(rest, time)
    this.#releaseHeld()
  }

  gap(side: Side, length: number, time: bigint): void {
    if (this.#isHandedOff) return
    if (side === 'response') return this.#answer({ kind: 'gap', length, timeUnixNano: time })
    this.#requests.gap(length, time)
  }

  tick(now: bigint): void {
    if (this.#held.isOverdue(now)) this.#giveUpHeld()
  }

  close(event: StreamClose): void {
    this.#giveUpHeld()
    // RFC 9112 9.8: without the peer's close_notify, a body that ends with the connection is not known to be whole.
    if (this.#responses.isUntilClose && event.reason === 'closed' && event.peerClosed)
      this.#onResponseEnd((exchange) => exchange.complete('response', event.timeUnixNano))
    for (const exchange of [this.#uploading, ...this.#pending.splice(0)]) exchange?.cutOff(event)
    this.#uploading = this.#current = undefined
    this.#requests.end()
    this.#responses.end()
  }

  /** One piece of the response direction; from where nobody waits for it, it is held. */
  #answer(piece: HeldPiece): void {
    if (this.#isHandedOff) return
    if (!this.#held.isEmpty || this.#mustHold) {
      if (this.#held.hold(piece)) return
      this.#giveUpHeld()
    }
    const rest = this.#read(piece, true)
    if (rest !== undefined && !this.#held.hold(rest)) this.#read(rest, false)
  }

  /** At a response's beginning with nobody waiting for one: the request's record may be on its way. */
  get #mustHold(): boolean {
    return this.#pending.length === 0 && !this.#isOrphan && this.#responses.isBetweenMessages
  }

  /** Returns what is left where the rest must be held, which is asked at each end of a message if it `canHold`. */
  #read(piece: HeldPiece, canHold: boolean): HeldPiece | undefined {
    this.#responseTime = piece.timeUnixNano
    if (piece.kind === 'gap') {
      this.#responses.gap(piece.length, piece.timeUnixNano)
      return undefined
    }
    for (let rest = piece.bytes; rest.length > 0;) {
      rest = this.#responses.push(rest, piece.timeUnixNano)
      if (rest.length > 0 && canHold && this.#mustHold) return { ...piece, bytes: rest }
    }
    return undefined
  }

  #releaseHeld(): void {
    if (this.#held.isEmpty || this.#pending.length === 0) return
    for (const piece of this.#held.take()) this.#answer(piece)
  }

  /** Nobody will ask any more for what is older than `untilUnixNano`, by default for anything. */
  #giveUpHeld(untilUnixNano?: bigint): void {
    for (const piece of this.#held.take())
      if (untilUnixNano === undefined || piece.timeUnixNano < untilUnixNano || !this.#held.hold(piece))
        this.#read(piece, false)
  }

  #requestHandler(): MessageHandler {
    return {
      head: (head, time) => this.#onRequestHead(head, time),
      body: (bytes, time) => this.#current?.body('request', bytes, time),
      gap: (length, time) => this.#current?.gap('request', length, time),
      complete: (time) => this.#endRequest((exchange) => exchange.complete('request', time)),
      broken: (reason, missing) =>
        this.#endRequest((exchange) => exchange.broken('request', reason, missing)),
      // Requests may be in it; their responses will be orphans.
      lost: () => undefined,
      skipped: () => undefined,
      tunnel: () => undefined, // requests are never framed as a tunnel; the response decides
    }
  }

  #onRequestHead(raw: RawHead, time: bigint): Framing {
    const { stats, emit, connection, fingerprint } = this.#settings
    const line = parseRequestLine(raw.startLine)!
    this.#giveUpHeld(time)
    if (this.#pending.length >= MAX_PENDING) this.#abandon(this.#pending.shift()!, 'limit')
    const exchange = new Exchange({ connection, number: this.#number++ }, line.method, time, emit, stats)
    exchange.expectsContinue = fieldValue(raw.fields, 'expect')?.toLowerCase() === '100-continue'
    // An early answer may just have handed the connection off.
    this.#current = this.#isHandedOff ? undefined : exchange
    this.#pending.push(exchange)
    const head = readRequestHead(raw, line, fingerprint)
    emit({ kind: 'request', exchange: exchange.ref, head, timeUnixNano: time })
    this.#prepareDecoder(exchange, 'request', raw)
    return requestFraming(raw.fields, line.method)
  }

  #endRequest(mark: (exchange: Exchange) => void): void {
    const exchange = this.#current
    this.#current = undefined
    if (exchange === undefined) return
    mark(exchange)
    if (exchange !== this.#uploading) return
    this.#uploading = undefined
    exchange.end(exchange.isWhole ? 'completed' : 'unknown')
  }

  #responseHandler(): MessageHandler {
    return {
      head: (head, time) => this.#onResponseHead(head, time),
      body: (bytes, time) => this.#answered?.body('response', bytes, time),
      gap: (length, time) => this.#answered?.gap('response', length, time),
      complete: (time) => this.#onResponseEnd((exchange) => exchange.complete('response', time)),
      broken: (reason, missing) => this.#onResponseBroken(reason, missing),
      lost: (reason, missing) => this.#onResponseLost(reason, missing),
      skipped: (time) => this.#waitingAt(time).forEach((exchange) => exchange.harm('attached_mid', 0)),
      tunnel: () => this.#handOff(),
    }
  }

  /** The exchange that the response being read belongs to. */
  get #answered(): Exchange | undefined {
    return this.#isOrphan ? undefined : this.#pending[0]
  }

  /** An answer is never older than its question: a write's time is taken at its entry, a read's at its return. */
  #waitingAt(time: bigint): Exchange[] {
    return this.#pending.filter((exchange) => exchange.startUnixNano <= time)
  }

  #onResponseHead(raw: RawHead, time: bigint): Framing {
    const { status } = parseStatusLine(raw.startLine)!
    const waiting = this.#waitingAt(time)
    if (this.#hasLostResponses) this.#skipAnswered(waiting)
    this.#hasLostResponses = false
    this.#hasSeenResponse = true
    const exchange = waiting.length > 0 ? this.#pending[0] : undefined
    const framing = responseFraming(raw.fields, status, exchange?.method ?? 'GET')
    this.#isOrphan = exchange === undefined
    if (exchange === undefined) {
      // It had a number all the same: ids of later exchanges do not depend on what was lost.
      if (status >= 200) this.#number++
      if (status >= 200) this.#settings.stats.add('exchanges.ignored', 'request_not_seen')
      return framing
    }
    exchange.seen(time)
    // 1xx but 101: not the answer yet (RFC 9110 15.2).
    if (status < 200 && status !== 101) return framing
    exchange.state.response = 'open'
    const { headers } = cleanFields(raw.fields, this.#settings.fingerprint)
    this.#settings.emit({
      kind: 'response',
      exchange: exchange.ref,
      head: { status, headers },
      timeUnixNano: time,
    })
    this.#prepareDecoder(exchange, 'response', raw)
    return framing
  }

  /** Without pipelining a client asks again only after an answer: all but the newest have had theirs, unseen. */
  #skipAnswered(waiting: Exchange[]): void {
    for (const exchange of waiting.slice(0, -1)) {
      this.#pending.splice(this.#pending.indexOf(exchange), 1)
      this.#abandon(exchange, 'gap')
    }
  }

  #onResponseEnd(mark: (exchange: Exchange) => void): void {
    const exchange = this.#answered
    this.#isOrphan = false
    // An interim response leaves its exchange waiting.
    if (exchange === undefined || exchange.state.response === 'none') return
    mark(exchange)
    this.#pending.shift()
    this.#settle(exchange)
  }

  #settle(exchange: Exchange): void {
    const isRefused = exchange === this.#current && exchange.expectsContinue && this.#requests.abandonBody()
    if (isRefused) {
      // Answered before the body was sent: it will not come (RFC 9110 10.1.1).
      this.#current = undefined
      exchange.state.request = 'done'
    }
    if (exchange === this.#current) this.#uploading = exchange
    else exchange.end(exchange.isWhole ? 'completed' : 'unknown')
  }

  #onResponseBroken(reason: LossReason, missing: number): void {
    this.#onResponseEnd((exchange) => exchange.broken('response', reason, missing))
    // What came behind it is in the same hole.
    if (missing > 0) this.#onResponseLost(reason, 0)
    this.#hasLostResponses = true
  }

  /** Between messages: any of those who wait may have lost its answer. */
  #onResponseLost(reason: LossReason, missing: number): void {
    this.#isOrphan = false
    this.#hasLostResponses = true
    const isJoined = reason === 'rubbish' && !this.#hasSeenResponse
    const damage = isJoined ? 'attached_mid' : reason === 'rubbish' ? 'invalid' : reason
    for (const exchange of this.#waitingAt(this.#responseTime)) exchange.harm(damage, missing)
  }

  #abandon(exchange: Exchange, reason: 'gap' | 'limit'): void {
    exchange.broken('response', reason, 0)
    exchange.end('unknown')
    if (exchange === this.#current) this.#current = undefined
  }

  /** 101 or a CONNECT that succeeded: the seam where the next protocol takes over. */
  #handOff(): void {
    const exchange = this.#answered
    this.#isHandedOff = true
    this.#settings.stats.add('connections.ignored', exchange?.method === 'CONNECT' ? 'connect' : 'upgrade')
    if (exchange === undefined) return
    exchange.complete('response', this.#responseTime)
    this.#pending.shift()
    if (exchange === this.#current) exchange.state.request = 'broken'
    this.#current = undefined
    exchange.end(exchange.isWhole ? 'completed' : 'unknown')
  }

  #prepareDecoder(exchange: Exchange, side: Side, raw: RawHead): void {
    const { limits, budget, stats } = this.#settings
    const { decoder, unknown } = createBodyDecoder(raw.fields, limits.maxDecodedBytes, budget)
    if (unknown !== undefined) stats.add('bodies.undecodable', 'unknown_coding')
    if (decoder !== undefined) exchange.decodeWith(side, decoder)
  }
}
