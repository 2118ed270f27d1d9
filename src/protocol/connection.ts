// SPDX-License-Identifier: Apache-2.0
/**
 * One connection until and after its protocol is known. In: StreamEvents of it. Out: calls on its conversation. A process that
 * answers requests is a server: what it says is seen at its client, so both ends on one host make one exchange.
 * @module
 */
import type { Direction } from '../receiver/types.js'
import type { StreamBytes, StreamClose, StreamGap } from '../stream/types.js'
import { ByteQueue } from './byte-queue.js'
import type { ConversationSettings, ProtocolConversation } from './conversation.js'
import { detectBeginning, type Beginning } from './detect.js'
import { Http1Conversation } from './http1/conversation.js'
import { findStart } from './http1/start.js'
import type { Side } from './types.js'

/** More than a start line, less than anybody needs to say hello. */
const MAX_BEGINNING_BYTES = 16_384
/** Joined in the middle of something: given up when no message began in this many bytes. */
const MAX_SCANNED_BYTES = 4 << 20

/** One direction before the protocol is known. */
interface Opening {
  queue: ByteQueue
  timeUnixNano: bigint
  /** Its beginning was not seen, or is none: the next message start is searched. */
  isJoined: boolean
}

export class Connection {
  readonly #settings: ConversationSettings
  readonly #openings: Record<Direction, Opening>
  #conversation: ProtocolConversation | undefined
  #isIgnored = false
  #scannedBytes = 0

  constructor(settings: ConversationSettings) {
    this.#settings = settings
    const opening = (): Opening => ({
      queue: new ByteQueue(settings.budget, MAX_BEGINNING_BYTES),
      timeUnixNano: 0n,
      isJoined: false,
    })
    this.#openings = { transmit: opening(), receive: opening() }
  }

  bytes({ direction, bytes, timeUnixNano }: StreamBytes): void {
    if (this.#conversation !== undefined)
      return this.#conversation.bytes(sideOf(direction), bytes, timeUnixNano)
    if (this.#isIgnored) return
    const opening = this.#openings[direction]
    if (opening.queue.length === 0) opening.timeUnixNano = timeUnixNano
    const view = opening.queue.length === 0 ? asBuffer(bytes) : Buffer.concat([opening.queue.take(), bytes])
    if (!opening.isJoined && this.#detect(direction, view, timeUnixNano)) return
    if (opening.isJoined) this.#scan(direction, view, bytes.length, timeUnixNano)
  }

  gap({ direction, length, timeUnixNano }: StreamGap): void {
    if (this.#conversation !== undefined)
      return this.#conversation.gap(sideOf(direction), length, timeUnixNano)
    if (!this.#isIgnored) this.#join(direction, 'gap')
  }

  tick(nowUnixNano: bigint): void {
    this.#conversation?.tick(nowUnixNano)
  }

  close(event: StreamClose): void {
    this.#conversation?.close(event)
    this.#conversation = undefined
    this.#ignore(undefined)
  }

  /** False when these are not the first bytes of anything. */
  #detect(direction: Direction, view: Buffer, time: bigint): boolean {
    const beginning = detectBeginning(view)
    if (beginning === 'none') {
      this.#join(direction, 'attached_mid')
      return false
    }
    if (beginning === 'need-more') {
      if (!this.#openings[direction].queue.append(view)) this.#ignore('limit')
    } else this.#decide(direction, beginning, view, time)
    return true
  }

  #scan(direction: Direction, view: Buffer, newBytes: number, time: bigint): void {
    const start = findStart('request', view)
    // A body may quote a status line; where it is received, the process is a client in any case.
    const answer = direction === 'receive' ? findStart('response', view) : undefined
    if (answer?.isFound === true && !(start.isFound && start.at < answer.at))
      return this.#speak(direction, view.subarray(answer.at), time)
    if (start.isFound) return this.#decide(direction, 'request', view.subarray(start.at), time)
    this.#scannedBytes += newBytes
    if (this.#scannedBytes > MAX_SCANNED_BYTES) return this.#ignore('unknown_protocol')
    const kept = view.subarray(Math.min(start.at, answer?.at ?? start.at))
    if (!this.#openings[direction].queue.append(kept)) this.#ignore('limit')
  }

  #decide(direction: Direction, beginning: Beginning, view: Buffer, time: bigint): void {
    if (beginning === 'http2') return this.#ignore('http2')
    const isClient = (beginning === 'request') === (direction === 'transmit')
    if (isClient) return this.#speak(direction, view, time)
    this.#settings.stats.add('exchanges.ignored', 'server_side')
    this.#ignore('server_side')
  }

  /** `view`: all there is of `direction`; the other one waits in its queue. */
  #speak(direction: Direction, view: Buffer, time: bigint): void {
    const { transmit, receive } = this.#openings
    const other = direction === 'transmit' ? 'receive' : 'transmit'
    const { queue, timeUnixNano } = this.#openings[other]
    const conversation = new Http1Conversation(this.#settings, {
      request: transmit.isJoined,
      response: receive.isJoined,
    })
    this.#conversation = conversation
    if (queue.length > 0) conversation.bytes(sideOf(other), queue.take(), timeUnixNano)
    conversation.bytes(sideOf(direction), view, time)
  }

  #join(direction: Direction, reason: 'gap' | 'attached_mid'): void {
    const opening = this.#openings[direction]
    opening.queue.clear()
    if (!opening.isJoined) this.#settings.stats.add('streams.joined', reason)
    opening.isJoined = true
  }

  #ignore(reason: string | undefined): void {
    for (const { queue } of Object.values(this.#openings)) queue.clear()
    if (reason !== undefined) this.#settings.stats.add('connections.ignored', reason)
    this.#isIgnored = true
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** For a client, which is all that speaks here. */
function sideOf(direction: Direction): Side {
  return direction === 'transmit' ? 'request' : 'response'
}
