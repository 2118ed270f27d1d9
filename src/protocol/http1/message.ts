// SPDX-License-Identifier: Apache-2.0
/**
 * What a message parser finds and what it is allowed to hold: the interface between parser and conversation.
 * @module
 */
import type { Framing, RawHead } from './head.js'
import type { HeadLimits } from './head-reader.js'

export interface ParserLimits extends HeadLimits {
  /** Of a chunk-size line and of each trailer field. */
  maxLineBytes: number
}

/** `gap`: bytes are missing; `rubbish`: no start line here; `invalid`: a head or a body that breaks the rules. */
export type LossReason = 'gap' | 'rubbish' | 'invalid' | 'limit'

export interface MessageHandler {
  /** A whole head; the answer says how its body is framed. */
  head(head: RawHead, timeUnixNano: bigint): Framing
  body(bytes: Uint8Array, timeUnixNano: bigint): void
  /** Bytes of the current message's body are missing; the message goes on. */
  gap(length: number, timeUnixNano: bigint): void
  complete(timeUnixNano: bigint): void
  /** The current message, whose head was passed on, cannot be followed to its end. */
  broken(reason: LossReason, missingBytes: number): void
  /** Not inside a message that was passed on: a head was lost or was none, and whole messages may be missing. */
  lost(reason: LossReason, missingBytes: number): void
  /** While searching, bytes were dropped that no message began with. */
  skipped(timeUnixNano: bigint): void
  /** What follows is another protocol. */
  tunnel(timeUnixNano: bigint): void
}

/** `search`: for the next message start. `over`: another protocol, or nothing, follows. */
export type State =
  | 'start'
  | 'start-line'
  | 'fields'
  | 'length'
  | 'close'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailers'
  | 'search'
  | 'over'

/** The head has been passed on and the end has not. */
export const IN_MESSAGE = new Set<State>([
  'length',
  'close',
  'chunk-size',
  'chunk-data',
  'chunk-end',
  'trailers',
])
