// SPDX-License-Identifier: Apache-2.0
/**
 * Trace and span ids. In: what names an exchange for good. Out: ids that are the same live, in replay and after a resend.
 * Knows no randomness.
 * @module
 */
import { hash } from 'node:crypto'
import type { ExchangeRef } from '../protocol/types.js'

export interface Ids {
  traceId: string
  spanId: string
}

/** The boot id keeps two boots apart, on which pid, start time and SSL* may all be equal. */
export function createIds(bootId: string, exchange: ExchangeRef): Ids {
  const { connection, number } = exchange
  const name = `${bootId}\n${connection.process.key}\n${connection.key}\n${number}`
  const digest = hash('sha256', name, 'hex')
  return { traceId: toId(digest.slice(0, 32)), spanId: toId(digest.slice(32, 48)) }
}

/** All zeros means "no id" (W3C Trace Context 3.2.2.3, 3.2.2.4). */
export function toId(hex: string): string {
  return /^0+$/.test(hex) ? `${hex.slice(1)}1` : hex
}
