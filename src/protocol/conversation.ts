// SPDX-License-Identifier: Apache-2.0
/**
 * The inner interface of this room: one protocol spoken on one connection. Adding a protocol (HTTP/2, WebSocket) = one folder
 * that implements it + its beginning in `detect.ts` + one line in `connection.ts`.
 * @module
 */
import type { Budget, Stats } from '../stats.js'
import type { ConnectionRef, StreamClose } from '../stream/types.js'
import type { ExchangeEvent, Fingerprint, Side } from './types.js'

export interface ProtocolLimits {
  maxHeadBytes: number
  maxLineBytes: number
  maxFields: number
  /** Of one body, after its content codings are undone. */
  maxDecodedBytes: number
}

export interface ConversationSettings {
  connection: ConnectionRef
  limits: ProtocolLimits
  stats: Stats
  budget: Budget
  fingerprint: Fingerprint
  emit(event: ExchangeEvent): void
}

/** Sides, not directions: who asks has been settled before. */
export interface ProtocolConversation {
  bytes(side: Side, bytes: Uint8Array, timeUnixNano: bigint): void
  gap(side: Side, length: number, timeUnixNano: bigint): void
  tick(nowUnixNano: bigint): void
  /** Ends every open exchange and frees everything. */
  close(event: StreamClose): void
}
