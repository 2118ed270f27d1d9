// SPDX-License-Identifier: Apache-2.0
/**
 * The protocol room. In: StreamEvents. Out: ExchangeEvents, in one grammar for all protocols. Knows no provider.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { Budget, Stats } from '../stats.js'
import type { ConnectionRef, StreamEvent } from '../stream/types.js'
import { Connection } from './connection.js'
import type { ProtocolLimits } from './conversation.js'
import type { ExchangeEvent, Fingerprint } from './types.js'

export const DEFAULT_PROTOCOL_LIMITS: ProtocolLimits = {
  maxHeadBytes: 256 * 1024,
  maxLineBytes: 16 * 1024,
  maxFields: 1_000,
  maxDecodedBytes: 64 * 1024 * 1024,
}

export interface ProtocolSettings extends Partial<ProtocolLimits> {
  stats: Stats
  budget: Budget
  fingerprint: Fingerprint
}

export function createProtocol(
  settings: ProtocolSettings,
  next: Consumer<ExchangeEvent>,
): Consumer<StreamEvent> {
  const connections = new Map<ConnectionRef, Connection>()
  const { stats, budget, fingerprint } = settings
  const limits: ProtocolLimits = {
    maxHeadBytes: settings.maxHeadBytes ?? DEFAULT_PROTOCOL_LIMITS.maxHeadBytes,
    maxLineBytes: settings.maxLineBytes ?? DEFAULT_PROTOCOL_LIMITS.maxLineBytes,
    maxFields: settings.maxFields ?? DEFAULT_PROTOCOL_LIMITS.maxFields,
    maxDecodedBytes: settings.maxDecodedBytes ?? DEFAULT_PROTOCOL_LIMITS.maxDecodedBytes,
  }
  const emit = (event: ExchangeEvent): void => next.consume(event)

  return {
    consume(event) {
      switch (event.kind) {
        case 'open': {
          const { connection } = event
          connections.set(
            connection,
            new Connection({ connection, limits, stats, budget, fingerprint, emit }),
          )
          return
        }
        case 'bytes':
          return connections.get(event.connection)?.bytes(event)
        case 'gap':
          return connections.get(event.connection)?.gap(event)
        case 'close':
          connections.get(event.connection)?.close(event)
          connections.delete(event.connection)
      }
    },
    tick(now) {
      for (const connection of connections.values()) connection.tick(now)
      next.tick(now)
    },
    end() {
      // The stream room has closed what it opened; a caller without one may not have.
      for (const [connection, open] of connections)
        open.close({ kind: 'close', connection, timeUnixNano: 0n, reason: 'end', peerClosed: false })
      connections.clear()
      next.end()
    },
  }
}
