// SPDX-License-Identifier: Apache-2.0
/**
 * The stream room turns records into each connection's two ordered byte streams with explicit gaps.
 * @module
 */
import type { ProcessRef } from '../process/types.js'
import type { Direction, GapReason } from '../receiver/types.js'

/** One TLS session. One object per connection: downstream keys its state by this object's identity. */
export interface ConnectionRef {
  /** `${pid}:${startBoottimeNs}:${ssl hex}:${generation}`: stable over live and replay. */
  readonly key: string
  readonly process: ProcessRef
}

export type StreamEvent = StreamOpen | StreamBytes | StreamGap | StreamClose

export interface StreamOpen {
  kind: 'open'
  connection: ConnectionRef
  timeUnixNano: bigint
}

/** Offsets of one direction are contiguous over `bytes` and `gap` events, starting at 0. */
export interface StreamBytes {
  kind: 'bytes'
  connection: ConnectionRef
  direction: Direction
  offset: number
  bytes: Uint8Array
  timeUnixNano: bigint
}

/** `lost` = the ring was full (seen from the next offset); the other reasons come from the kernel side. */
export interface StreamGap {
  kind: 'gap'
  connection: ConnectionRef
  direction: Direction
  offset: number
  length: number
  reason: GapReason | 'lost'
  timeUnixNano: bigint
}

export interface StreamClose {
  kind: 'close'
  connection: ConnectionRef
  timeUnixNano: bigint
  /**
   * `closed`: SSL_free or SSL_clear with final offsets, so everything that passed is accounted for;
   * `exit`: the process ended, the tail is unknown; `idle` / `limit`: we gave up; `end`: the input ended.
   */
  reason: 'closed' | 'exit' | 'idle' | 'limit' | 'end'
  /** The peer had ended the session first (as far as SSL_read showed it). */
  peerClosed: boolean
}
