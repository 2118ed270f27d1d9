// SPDX-License-Identifier: Apache-2.0
/**
 * The exporter's own shapes: what one signal's destination is, what a transport answers and what a sink must do.
 * @module
 */
import type { Redacted } from '../redaction/types.js'
import type { Telemetry } from '../run/types.js'
import type { OtlpTelemetry } from './otlp.js'

export type Signal = 'traces' | 'logs' | 'metrics'

export type OtlpProtocol = 'grpc' | 'http/protobuf'

/** Resolved destination of one signal (config made it from flags and OTEL_EXPORTER_OTLP_*). */
export interface OtlpSettings {
  signal: Signal
  protocol: OtlpProtocol
  /** Full URL; for http/protobuf with the signal's path. */
  url: string
  headers: Record<string, string>
  timeoutMs: number
  compression: 'gzip' | 'none'
  /** http:// or insecure gRPC. */
  insecure: boolean
  /** PEM bytes of the CA, when one was configured. */
  certificate: Uint8Array | undefined
}

/**
 * How one request ended. `retry` keeps it in the queue; the others take it out and are counted. `too_large`: in halves it may
 * pass. `unsupported` also switches the signal off: this endpoint does not take it (404, 405, 415; UNIMPLEMENTED).
 */
export type SendResult =
  | { outcome: 'accepted'; rejectedItems: number; message: string | undefined }
  | { outcome: 'retry'; reason: string; retryAfterMs: number | undefined; message: string }
  | { outcome: 'rejected'; reason: string; message: string }
  | { outcome: 'too_large'; reason: string; message: string }
  | { outcome: 'unsupported'; reason: string; message: string }

/** A transport: sends one encoded Export…ServiceRequest. Never throws; always settles within the timeout. */
export interface Transport {
  send(signal: Signal, body: Uint8Array): Promise<SendResult>
  /** Ends every open request at once; each settles as `retry`. */
  close(): Promise<void>
}

/** Where redacted telemetry goes. `consume` is synchronous, bounded and never throws; everything slow is behind it. */
export interface Sink {
  readonly name: string
  consume(telemetry: Redacted<Telemetry>, otlp: OtlpTelemetry): void
  /** No more input will come: send what waits, now. */
  end(): void
  /** Settles within the deadline; says how many items did not get out. */
  shutdown(deadlineMs: number): Promise<ShutdownReport>
}

export interface ShutdownReport {
  unsentItems: number
}

/** Time as the exporter sees it, injected so that tests need no sleep. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  setTimer(callback: () => void, delayMs: number): unknown
  clearTimer(timer: unknown): void
}

/** The few words the exporter says in the operational log. Never content, never a header's value. */
export interface ExporterLog {
  info(message: string): void
  warn(message: string): void
}
