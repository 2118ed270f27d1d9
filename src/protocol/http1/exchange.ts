// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTP/1 exchange while it is open: which side has come how far, what is missing, and the events that say so. In: the
 * parsers' findings. Out: ExchangeEvents, `end` last. Knows no other exchange.
 * @module
 */
import type { BodyDecoder } from '../coding.js'
import type { Completeness, ExchangeEvent, ExchangeRef, Outcome, Side } from '../types.js'

/** `broken`: its end was not or will not be seen. */
export type SideState = 'none' | 'open' | 'done' | 'broken'

export class Exchange {
  readonly ref: ExchangeRef
  readonly method: string
  /** The client waits for a 100 before it sends the body (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean
  readonly state: Record<Side, SideState> = { request: 'open', response: 'none' }
  readonly #decoders: Partial<Record<Side, BodyDecoder>> = {}
  /** Sides whose coded body has a hole: nothing behind it can be decoded. */
  readonly #stopped = new Set<Side>()
  hasRequestBody = false
  #missingBytes = 0
  #damage: 'gap' | 'limit' | undefined
  #isInvalid = false
  #lastUnixNano: bigint
  readonly #emit: (event: ExchangeEvent) => void
  readonly #count: (name: string, reason: string) => void

  constructor(
    ref: ExchangeRef,
    head: { method: string; expectsContinue: boolean },
    startUnixNano: bigint,
    emit: (event: ExchangeEvent) => void,
    count: (name: string, reason: string) => void,
  ) {
    this.ref = ref
    this.method = head.method
    this.expectsContinue = head.expectsContinue
    this.#lastUnixNano = startUnixNano
    this.#emit = emit
    this.#count = count
  }

  get isOver(): boolean {
    const isSettled = (state: SideState): boolean => state === 'done' || state === 'broken'
    return isSettled(this.state.request) && isSettled(this.state.response)
  }

  decodeWith(side: Side, decoder: BodyDecoder): void {
    this.#decoders[side] = decoder
  }

  seen(timeUnixNano: bigint): void {
    if (timeUnixNano > this.#lastUnixNano) this.#lastUnixNano = timeUnixNano
  }

  body(side: Side, bytes: Uint8Array, timeUnixNano: bigint): void {
    this.seen(timeUnixNano)
    if (side === 'request') this.hasRequestBody = true
    const decoder = this.#decoders[side]
    if (decoder === undefined) return this.#emitBody(side, bytes, timeUnixNano)
    // Damaged or over the limit: what was decoded before has been passed on.
    if (decoder.failure !== undefined || this.#stopped.has(side)) return
    const pieces = decoder.write(bytes)
    if (pieces === undefined) return this.#decodingFailed(decoder.failure ?? 'invalid')
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
  }

  /** `missing`: bytes known lost with it. */
  broken(side: Side, reason: 'gap' | 'invalid' | 'limit'): void {
    this.state[side] = 'broken'
    if (reason === 'invalid') this.#isInvalid = true
    else this.#damage ??= reason
  }

  /** Bytes vanished where this exchange's could have been. */
  addMissing(length: number): void {
    this.#missingBytes += length
    this.#damage ??= 'gap'
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
    this.#count('exchanges.ended', whatWeSaw)
  }

  #emitBody(side: Side, bytes: Uint8Array, timeUnixNano: bigint): void {
    if (bytes.length === 0) return
    const kind = side === 'request' ? 'request-body' : 'response-body'
    this.#emit({ kind, exchange: this.ref, bytes, timeUnixNano })
  }

  #decodingFailed(reason: 'invalid' | 'limit'): void {
    this.#count('bodies.undecodable', reason)
    if (reason === 'limit') this.#damage ??= 'limit'
    else this.#isInvalid = true
  }
}
