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
import { detectBeginning } from './detect.js'
import { Http1Conversation } from './http1/conversation.js'
import { findStart } from './http1/start.js'
import type { Side } from './types.js'

/** More than a start line, less than anybody needs to say hello. */
const MAX_BEGINNING_BYTES = 16_384
/** Joined in the middle of something: given up when no request began in this many bytes. */
const MAX_SCANNED_BYTES = 4 << 20

/** `detecting`: from the first byte. `scanning`: joined in the middle or behind a gap, looking for the next request. */
type Phase = 'detecting' | 'scanning' | 'speaking' | 'ignored'

interface Beginning {
  queue: ByteQueue
  timeUnixNano: bigint
}

export class Connection {
  readonly #settings: ConversationSettings
  readonly #beginnings: Record<Direction, Beginning>
  #phase: Phase = 'detecting'
  #conversation: ProtocolConversation | undefined
  #scannedBytes = 0

  constructor(settings: ConversationSettings) {
    this.#settings = settings
    const beginning = (): Beginning => ({
      queue: new ByteQueue(settings.budget, MAX_BEGINNING_BYTES),
      timeUnixNano: 0n,
    })
    this.#beginnings = { transmit: beginning(), receive: beginning() }
  }

  bytes({ direction, bytes, timeUnixNano }: StreamBytes): void {
    if (this.#conversation !== undefined)
      return this.#conversation.bytes(sideOf(direction), bytes, timeUnixNano)
    if (this.#phase === 'detecting') return this.#detect(direction, bytes, timeUnixNano)
    if (this.#phase === 'scanning') this.#scan(direction, bytes, timeUnixNano)
  }

  gap({ direction, length, timeUnixNano }: StreamGap): void {
    if (this.#conversation !== undefined)
      return this.#conversation.gap(sideOf(direction), length, timeUnixNano)
    if (this.#phase !== 'ignored') this.#startScanning('gap')
  }

  tick(nowUnixNano: bigint): void {
    this.#conversation?.tick(nowUnixNano)
  }

  close(event: StreamClose): void {
    this.#conversation?.close(event)
    this.#conversation = undefined
    this.#ignore(undefined)
  }

  #detect(direction: Direction, bytes: Uint8Array, time: bigint): void {
    const beginning = this.#beginnings[direction]
    if (beginning.queue.length === 0) beginning.timeUnixNano = time
    // A long first write is judged by its beginning; the rest follows it into the conversation.
    const held = bytes.subarray(0, MAX_BEGINNING_BYTES - beginning.queue.length)
    const rest = bytes.subarray(held.length)
    if (!beginning.queue.append(held)) return this.#ignore('limit')
    switch (detectBeginning(beginning.queue.view)) {
      case 'http2':
        return this.#ignore('http2')
      case 'request':
        return direction === 'transmit' ? this.#speak(direction, rest, time) : this.#ignore('server_side')
      case 'response':
        return direction === 'receive' ? this.#speak(direction, rest, time) : this.#ignore('server_side')
      case 'none':
        this.#startScanning('attached_mid')
        return this.#scan(direction, bytes, time)
      case 'need-more':
        if (rest.length > 0) this.#ignore('unknown_protocol')
    }
  }

  #speak(direction: Direction, rest: Uint8Array, time: bigint): void {
    this.#phase = 'speaking'
    this.#conversation = new Http1Conversation(this.#settings)
    for (const each of ['transmit', 'receive'] as const) {
      const { queue, timeUnixNano } = this.#beginnings[each]
      if (queue.length > 0) this.#conversation.bytes(sideOf(each), queue.take(), timeUnixNano)
    }
    if (rest.length > 0) this.#conversation.bytes(sideOf(direction), rest, time)
  }

  #startScanning(reason: string): void {
    for (const { queue } of Object.values(this.#beginnings)) queue.clear()
    if (this.#phase === 'detecting') this.#settings.stats.add('connections.joined', reason)
    this.#phase = 'scanning'
  }

  #scan(direction: Direction, bytes: Uint8Array, time: bigint): void {
    const { queue } = this.#beginnings[direction]
    const view = Buffer.concat([queue.take(), bytes])
    const start = findStart('request', view)
    this.#scannedBytes += bytes.length
    if (start.isFound && direction === 'receive') return this.#ignore('server_side')
    if (start.isFound) return this.#speak(direction, view.subarray(start.at), time)
    if (this.#scannedBytes > MAX_SCANNED_BYTES) return this.#ignore('unknown_protocol')
    queue.append(view.subarray(start.at))
  }

  #ignore(reason: string | undefined): void {
    for (const { queue } of Object.values(this.#beginnings)) queue.clear()
    if (reason !== undefined) this.#settings.stats.add('connections.ignored', reason)
    this.#phase = 'ignored'
  }
}

/** For a client, which is all that speaks here. */
function sideOf(direction: Direction): Side {
  return direction === 'transmit' ? 'request' : 'response'
}
