// SPDX-License-Identifier: Apache-2.0
/**
 * What the user may say, resolved: one frozen value that everything else is built from.
 * @module
 */
import type { OtlpSettings } from '../exporter/types.js'
import type { RedactionMode } from '../redaction/types.js'
import type { Profile } from '../semconv.js'
import type { ModuleSettings } from './values.js'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface Config {
  /** Where settings came from; read again on SIGHUP. */
  readonly configFile: string | undefined
  readonly logLevel: LogLevel
  /** OTLP, one per exported signal; empty: nothing leaves the machine. */
  readonly destinations: readonly OtlpSettings[]
  /** One readable line per exchange. */
  readonly hasConsole: boolean
  readonly isColored: boolean
  readonly flushMs: number
  /** Requests under way at once, per signal. */
  readonly concurrency: number
  /** What may wait in memory. */
  readonly queueBytes: number
  /** Undefined: what waits is in memory only. */
  readonly diskQueue: DiskQueueSettings | undefined
  /** Third parties' processors and exporters, in order. */
  readonly modules: readonly ModuleSettings[]
  /** The sensor's own log and counters go along over OTLP; never true without a destination. */
  readonly hasOwnTelemetry: boolean
  readonly metricIntervalMs: number
  readonly redactionMode: RedactionMode
  readonly traceparent: 'link' | 'parent'
  readonly profile: Profile
  readonly ringBytes: number
  /** Everything buffered together; `bodyBytes` is one body's share at most. */
  readonly budgetBytes: number
  readonly maxBodyBytes: number
  readonly stateDirectory: string
  /** Where `oisp-sensor health` asks; undefined: nowhere. */
  readonly healthSocket: string | undefined
  /** The sensor's own resource (observed processes have theirs). */
  readonly resourceAttributes: Readonly<Record<string, string>>
  /** What was said but is not done, or is done only for compatibility: one sentence each, for the log at start. */
  readonly warnings: readonly string[]
}

export interface DiskQueueSettings {
  readonly directory: string
  readonly maxBytes: number
}

export type Environment = Readonly<Record<string, string | undefined>>

/** As commander's `opts()` gives them: present only when the user wrote them. */
export type Flags = Readonly<Record<string, unknown>>

export interface ConfigInput {
  flags: Flags
  env: Environment
  /** Effective user id; decides the default state folder, and whom a configuration file must belong to. */
  userId: number
  /** Whether standard output is a terminal. */
  isTerminal: boolean
}
