// SPDX-License-Identifier: Apache-2.0
/**
 * What a lane is made of: its signal, what it shares with the others, and its limits.
 * @module
 */
import type { Budget, Stats } from '../stats.js'
import type { RetrySettings } from './retry.js'
import type { Clock, ExporterLog, RequestQueue, Signal, Transport } from './types.js'

export interface LaneSettings {
  signal: Signal
  transport: Transport
  /** Where requests wait; shared with the other signals. */
  queue: RequestQueue
  /** For records that are not yet in a request; shared with the other signals. */
  budget: Budget
  stats: Stats
  clock: Clock
  random: () => number
  log: ExporterLog
  retry: RetrySettings
  /** A record waits this long for company. */
  flushMs: number
  /** A request is at most this large before compression; this much waiting is sent at once. */
  maxRequestBytes: number
  targetRequestBytes: number
  /** Requests under way at once. */
  concurrency: number
}
