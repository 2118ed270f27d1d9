// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTP/1 exchange while it is open: which side has come how far, what is missing, and the events that say so. In: the
 * parsers' findings. Out: ExchangeEvents, `end` last. Knows no other exchange.
 * @module
 */
import type { Stats } from '../../stats.js'
import type { StreamClose } from '../../stream/types.js'
import type { BodyDecoder } from '../coding.js'
import type { Completeness, ExchangeEvent, ExchangeRef, Outcome, Side } from '../types.js'
import type { LossReason } from './message.js'

/** `broken`: its end was not or will not be seen. */
export type SideState = 'none' | 'open' | 'done' | 'broken'

export class Exchange {
  readonly ref: ExchangeRef
  readonly method: string
  readonly startUnixNano: bigint
  /** The client waits for a 100 before it sends the body (RFC 9110 10.1.1). */
  expectsContinue = false
  readonly state: Record<Side, SideState> = { request: 'open', response: 'none' }
  readonly #decoders: Partial<Record<Side, BodyDecoder>> = {}
  /** Sides whose coded body has a hole or is damaged: nothing behind it can be decoded. */
  readonly #stopped = new Set<Side>()
  #missingBytes = 0
  #damage: Exclude<Completeness, 'complete'> | undefined
  #isInvalid = false
  #lastUnixNano: bigint
  readonly #emit: (event: ExchangeEvent) => void
  readonly #stats: Stats

  constructor(
    ref: ExchangeRef,
    method: string,
    startUnixNano: bigint,
    emit: (event: ExchangeEvent) => void,
    stats: Stats,
  ) {
    this.ref = ref
    this.method = method
    this.startUnixNano = startUnixNano
    this.#lastUnixNano = startUnixNano
    this.#emit = emit
    this.#stats = stats
  }

  /** Both messages have come to the end that their own framing names. */
  get isWhole(): boolean {
    return this.state.request === 'done' && this.state.response === 'done'
  }

  decodeWith(side: Side, decoder: BodyDecoder): void {
    this.#decoders[side] = decoder
  }

  seen(timeUnixNano: bigint): void {
    if (timeUnixNano > this.#lastUnixNano) this.#lastUnixNano = timeUnixNano
  }

  body(side: Side, bytes: Uint8Array, timeUnixNano: bigint): void {
    this.seen(timeUnixNano)
    const decoder = this.#decoders[side]
    if (decoder === undefined) return this.#emitBody(side, bytes, timeUnixNano)
    // Damaged or over the limit: what was decoded before has been passed on.
    if (this.#stopped.has(side)) return
    const pieces = decoder.write(bytes)
    if (pieces === undefined) return this.#decodingFailed(side, decoder.failure ?? 'invalid')
    for (const piece of pieces) this.#emitBody(side, piece, timeUnixNano)
  }

  gap(side: Side, length: number, timeUnixNano: bigint): void {
    this.seen(timeUnixNano)
    this.#missingBytes += length
    this.#damage ??= 'gap'
    if (this.#decoders[side] !== undefined) this.#stopped.add(side)
    this.#emit({ kind: 'gap', exchange: this.ref, side, length, timeUnixNano })
  }

  complete(side: Side, timeUnixNano: bigint): void {
    this.seen(timeUnixNano)
    this.state[side] = 'done'
    if (!this.#stopped.has(side) && this.#decoders[side]?.finish() === false)
      this.#decodingFailed(side, 'invalid')
  }

  /** That side cannot be followed to its end. `missing`: bytes known lost with it. */
  broken(side: Side, reason: LossReason, missing: number): void {
    this.state[side] = 'broken'
    this.harm(reason === 'rubbish' ? 'invalid' : reason, missing)
  }

  /** Something went wrong where this exchange's bytes are or could have been. The first finding stands. */
  harm(damage: Exclude<Completeness, 'complete'> | 'invalid', missing: number): void {
    this.#missingBytes += missing
    if (damage === 'invalid') this.#isInvalid = true
    else this.#damage ??= damage
  }

  /** The connection ended first. Without final offsets nobody knows whether the rest was lost or never sent. */
  cutOff({
    reason,
    peerClosed,
    timeUnixNano,
  }: Pick<StreamClose, 'reason' | 'peerClosed' | 'timeUnixNano'>): void {
    // What waits in vain lasts until it is given up, not until the last byte.
    if (reason === 'closed' || reason === 'exit') this.seen(timeUnixNano)
    if (reason === 'closed') return this.end(peerClosed ? 'truncated' : 'aborted')
    if (reason === 'exit') return this.end('aborted', 'gap')
    this.end('unknown', reason === 'end' ? 'gap' : 'limit')
  }

  end(outcome: Outcome, completeness: Completeness = 'complete'): void {
    for (const decoder of Object.values(this.#decoders)) decoder.close()
    const whatWeSaw = this.#damage ?? completeness
    this.#emit({
      kind: 'end',
      exchange: this.ref,
      outcome: this.#isInvalid ? 'invalid' : outcome,
      completeness: whatWeSaw,
      missingBytes: this.#missingBytes,
      timeUnixNano: this.#lastUnixNano,
    })
    this.#stats.add('exchanges.ended', whatWeSaw)
  }

  #emitBody(side: Side, bytes: Uint8Array, timeUnixNano: bigint): void {
    if (bytes.length === 0) return
    const kind = side === 'request' ? 'request-body' : 'response-body'
    this.#emit({ kind, exchange: this.ref, bytes, timeUnixNano })
  }

  #decodingFailed(side: Side, reason: 'invalid' | 'limit'): void {
    this.#stopped.add(side)
    this.#stats.add('bodies.undecodable', reason)
    this.harm(reason, 0)
  }
}
