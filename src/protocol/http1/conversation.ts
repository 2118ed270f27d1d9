// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTP/1 connection as a client sees it: requests and responses in pairs (RFC 9112 9.3). In: bytes and gaps of both
 * directions, in any interleaving (capture rule 8: the response may come first). Out: ExchangeEvents. A response that belongs
 * to no request we saw is counted, never guessed at.
 * @module
 */
import type { StreamClose } from '../../stream/types.js'
import { createBodyDecoder } from '../coding.js'
import { cleanFields, cleanTarget } from '../credentials.js'
import type { ConversationSettings, ProtocolConversation } from '../conversation.js'
import type { RequestHead, Side } from '../types.js'
import { ByteQueue } from '../byte-queue.js'
import { Exchange } from './exchange.js'
import {
  fieldValue,
  parseHead,
  parseRequestLine,
  parseStatusLine,
  requestFraming,
  responseFraming,
  type Framing,
  type RawHead,
} from './head.js'
import { MessageParser, type MessageHandler } from './message-parser.js'

/** Answers held until their request shows up; more, or longer, and they belong to a request that was lost. */
const MAX_HELD_BYTES = 1 << 20
const MAX_HELD_NS = 5_000_000_000n
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
  /** A response whose request was not seen is being read. */
  #isOrphan = false
  readonly #held: ByteQueue
  #heldSince: bigint | undefined
  #heldTime = 0n
  #number = 0
  #handedOff: string | undefined

  constructor(settings: ConversationSettings) {
    this.#settings = settings
    const { limits, budget, stats } = settings
    this.#held = new ByteQueue(budget, MAX_HELD_BYTES)
    this.#requests = new MessageParser('request', this.#requestHandler(), limits, budget, stats)
    this.#responses = new MessageParser('response', this.#responseHandler(), limits, budget, stats)
  }

  bytes(side: Side, bytes: Uint8Array, time: bigint): void {
    if (this.#handedOff !== undefined) return
    if (side === 'request') {
      this.#requests.push(bytes, time)
      return this.#releaseHeld(false)
    }
    if (!this.#mustHold()) return this.#responses.push(bytes, time)
    this.#heldSince ??= time
    this.#heldTime = time
    if (this.#held.append(bytes)) return
    this.#releaseHeld(true)
    this.#responses.push(bytes, time)
  }

  gap(side: Side, length: number, time: bigint): void {
    if (this.#handedOff !== undefined) return
    if (side === 'request') return this.#requests.gap(length, time)
    this.#releaseHeld(true)
    this.#responses.gap(length, time)
  }

  tick(now: bigint): void {
    if (this.#heldSince !== undefined && now - this.#heldSince > MAX_HELD_NS) this.#releaseHeld(true)
  }

  close(event: StreamClose): void {
    this.#releaseHeld(true)
    const isAccountedFor = event.reason === 'closed'
    if (this.#responses.isUntilClose && isAccountedFor)
      this.#pending[0]?.complete('response', event.timeUnixNano)
    for (const exchange of [this.#uploading, ...this.#pending.splice(0)]) {
      if (exchange === undefined) continue
      if (exchange.state.response === 'done') exchange.end('completed', isAccountedFor ? 'complete' : 'gap')
      else this.#cutOff(exchange, event)
    }
    this.#uploading = undefined
    this.#requests.end()
    this.#responses.end()
    this.#held.clear()
  }

  /** Without final offsets nobody knows whether the rest was lost or never sent. */
  #cutOff(exchange: Exchange, { reason, peerClosed }: StreamClose): void {
    if (reason === 'closed') return exchange.end(peerClosed ? 'truncated' : 'aborted')
    if (reason === 'exit') return exchange.end('aborted', 'gap')
    exchange.end('unknown', reason === 'end' ? 'gap' : 'limit')
  }

  /** At a response's beginning with nobody waiting for one: its request's record may be on its way. */
  #mustHold(): boolean {
    return this.#pending.length === 0 && !this.#isOrphan && this.#responses.isAtStart
  }

  #releaseHeld(isForced: boolean): void {
    if (this.#heldSince === undefined || (!isForced && this.#pending.length === 0)) return
    this.#heldSince = undefined
    this.#responses.push(this.#held.take(), this.#heldTime)
  }

  #requestHandler(): MessageHandler {
    return {
      head: (bytes, time) => this.#onRequestHead(bytes, time),
      body: (bytes, time) => this.#current?.body('request', bytes, time),
      gap: (length, time) => this.#current?.gap('request', length, time),
      complete: (time) => this.#endRequest((exchange) => exchange.complete('request', time)),
      broken: (reason) => this.#endRequest((exchange) => exchange.broken('request', reason)),
      // Requests may be in it; their responses will be orphans.
      lost: () => this.#settings.stats.add('messages.lost', 'request'),
      tunnel: () => undefined, // requests are never framed as a tunnel; the response decides
    }
  }

  #onRequestHead(bytes: Buffer, time: bigint): Framing | undefined {
    const raw = parseHead(bytes, this.#settings.limits.maxFields)
    const line = raw === undefined ? undefined : parseRequestLine(raw.startLine)
    const framing =
      raw === undefined || line === undefined ? undefined : requestFraming(raw.fields, line.method)
    if (raw === undefined || line === undefined || framing === undefined) return undefined
    if (this.#pending.length >= MAX_PENDING) this.#abandon(this.#pending.shift()!, 'limit')
    const { stats, emit, connection } = this.#settings
    const exchange = new Exchange(
      { connection, number: this.#number++ },
      {
        method: line.method,
        expectsContinue: fieldValue(raw.fields, 'expect')?.toLowerCase() === '100-continue',
      },
      time,
      emit,
      (name, reason) => stats.add(name, reason),
    )
    this.#current = exchange
    this.#pending.push(exchange)
    const head = this.#requestHead(raw, line.method, line.target, line.protocol)
    emit({ kind: 'request', exchange: exchange.ref, head, timeUnixNano: time })
    this.#prepareDecoder(exchange, 'request', raw)
    return framing
  }

  #requestHead(raw: RawHead, method: string, target: string, protocol: string): RequestHead {
    const { fingerprint } = this.#settings
    const { path, queryNames, credentials } = cleanTarget(target, fingerprint)
    const cleaned = cleanFields(raw.fields, fingerprint)
    const { host, port } = splitHost(fieldValue(raw.fields, 'host'))
    return {
      method,
      path,
      queryNames,
      protocol,
      host,
      port,
      headers: cleaned.headers,
      credentials: [...cleaned.credentials, ...credentials],
    }
  }

  #endRequest(mark: (exchange: Exchange) => void): void {
    const exchange = this.#current
    this.#current = undefined
    if (exchange === undefined) return
    mark(exchange)
    if (exchange === this.#uploading) this.#uploading = undefined
    if (exchange.isOver) exchange.end(exchange.state.response === 'done' ? 'completed' : 'unknown')
  }

  #responseHandler(): MessageHandler {
    return {
      head: (bytes, time) => this.#onResponseHead(bytes, time),
      body: (bytes, time) => this.#answered?.body('response', bytes, time),
      gap: (length, time) => this.#answered?.gap('response', length, time),
      complete: (time) => this.#onResponseEnd((exchange) => exchange.complete('response', time)),
      broken: (reason) => this.#onResponseEnd((exchange) => exchange.broken('response', reason)),
      lost: (length) => this.#onResponseLost(length),
      tunnel: () => this.#handOff(),
    }
  }

  /** The exchange that the response being read belongs to. */
  get #answered(): Exchange | undefined {
    return this.#isOrphan ? undefined : this.#pending[0]
  }

  #onResponseHead(bytes: Buffer, time: bigint): Framing | undefined {
    const raw = parseHead(bytes, this.#settings.limits.maxFields)
    const line = raw === undefined ? undefined : parseStatusLine(raw.startLine)
    if (raw === undefined || line === undefined) return undefined
    const exchange = this.#pending[0]
    const framing = responseFraming(raw.fields, line.status, exchange?.method ?? 'GET')
    if (framing === undefined) return undefined
    if (exchange === undefined) {
      this.#isOrphan = true
      this.#settings.stats.add('exchanges.ignored', 'request_not_seen')
      return framing
    }
    exchange.seen(time)
    // 1xx but 101: not the answer yet (RFC 9110 15.2).
    if (line.status < 200 && line.status !== 101) return framing
    exchange.state.response = 'open'
    const { headers } = cleanFields(raw.fields, this.#settings.fingerprint)
    this.#settings.emit({
      kind: 'response',
      exchange: exchange.ref,
      head: { status: line.status, headers },
      timeUnixNano: time,
    })
    this.#prepareDecoder(exchange, 'response', raw)
    return framing
  }

  #onResponseEnd(mark: (exchange: Exchange) => void): void {
    if (this.#isOrphan) {
      this.#isOrphan = false
      return
    }
    const exchange = this.#pending[0]
    // An interim response leaves its exchange waiting.
    if (exchange === undefined || exchange.state.response === 'none') return
    mark(exchange)
    this.#pending.shift()
    this.#settle(exchange)
  }

  #settle(exchange: Exchange): void {
    if (exchange === this.#current && exchange.expectsContinue && !exchange.hasRequestBody) {
      // Refused before the body was sent: it will not come.
      this.#requests.abandonBody()
      this.#current = undefined
      exchange.state.request = 'done'
    }
    if (exchange.isOver) return exchange.end(exchange.state.response === 'done' ? 'completed' : 'unknown')
    this.#uploading = exchange
  }

  /**
   * The response direction has a hole, or rubbish, between messages. Without pipelining a client asks again only after an
   * answer, so all but the newest waiting exchange have had theirs, inside the hole.
   */
  #onResponseLost(length: number): void {
    this.#settings.stats.add('messages.lost', 'response')
    this.#isOrphan = false
    for (const exchange of this.#pending.splice(0, Math.max(0, this.#pending.length - 1)))
      this.#abandon(exchange, length > 0 ? 'gap' : 'invalid')
    const [last] = this.#pending
    if (last === undefined) return
    if (length > 0) last.addMissing(length)
  }

  #abandon(exchange: Exchange, reason: 'gap' | 'invalid' | 'limit'): void {
    exchange.broken('response', reason)
    exchange.end('unknown')
    if (exchange === this.#current) this.#current = undefined
  }

  /** 101 or a CONNECT that succeeded: the seam where the next protocol takes over. */
  #handOff(): void {
    const exchange = this.#pending[0]
    this.#handedOff = exchange?.method === 'CONNECT' ? 'connect' : 'upgrade'
    this.#settings.stats.add('connections.ignored', this.#handedOff)
    if (exchange === undefined) return
    exchange.state.response = 'done'
    exchange.state.request = 'done'
    this.#pending.shift()
    exchange.end('completed')
  }

  #prepareDecoder(exchange: Exchange, side: Side, raw: RawHead): void {
    const { decoder, unknown } = createBodyDecoder(raw.fields, this.#settings.limits.maxDecodedBytes)
    if (unknown !== undefined) this.#settings.stats.add('bodies.undecodable', 'unknown_coding')
    if (decoder !== undefined) exchange.decodeWith(side, decoder)
  }
}

function splitHost(value: string | undefined): { host: string | undefined; port: number } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(value ?? '')
  const host = match?.[1]?.toLowerCase()
  return { host: host === '' ? undefined : host, port: Number(match?.[2] ?? 443) }
}
