// SPDX-License-Identifier: Apache-2.0
/**
 * The exporter's own shapes: what one signal's destination is, what a transport answers and what a sink must do.
 * @module
 */
import type { SinkHealth } from '../health/types.js'
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
  /** Paths of PEM files. The transport reads them, again when they are rotated. */
  tls: TlsPaths
  /** A Unix socket to connect to (`unix:` endpoints); scheme, Host header and path still come from `url`. */
  socketPath?: string | undefined
}

export interface TlsPaths {
  /** Authorities to trust instead of the system's. */
  caFile: string | undefined
  /** Our own certificate chain and its key (mTLS): both or none. */
  certFile: string | undefined
  keyFile: string | undefined
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
  /** What the sensor says of itself; a sink without it is for what was captured only. */
  consumeOwn?(otlp: OtlpTelemetry): void
  /** As things stand, for the sensor's own metrics. */
  readHealth?(): SinkHealth
  /** No more input will come: send what waits, now. */
  end(): void
  /** Settles within the deadline; says how many items did not get out. */
  shutdown(deadlineMs: number): Promise<ShutdownReport>
}

export interface ShutdownReport {
  /** Dropped because the time was up. */
  unsentItems: number
  /** Not sent, but on disk for the next start. */
  keptItems?: number
}

/** Why items leave the exporter without being accepted: the reasons of `exporter.items.dropped`. */
export type DropReason =
  | 'queue_full'
  | 'too_large'
  | 'rejected'
  /** Refused again and again while other requests got through. */
  | 'retry_exhausted'
  | 'signal_off'
  | 'shutdown'
  /** Made while message content was exported, and waiting when that was forbidden. */
  | 'redaction_changed'
  /** The disk queue could not write (full, read-only, gone) and had no memory left to hold them. */
  | 'disk_failed'
  /** The disk queue found a torn or damaged entry whose item count it could still read. */
  | 'damaged'

/** One encoded Export…ServiceRequest (protobuf, not compressed) and what a receiver will count in it. */
export interface EncodedRequest {
  signal: Signal
  body: Uint8Array
  items: number
}

/** A request that a lane has taken and not settled yet. It still counts against the queue's bound. */
export interface HeldRequest {
  readonly signal: Signal
  readonly items: number
  /** At once when the body is in memory; `undefined` when it is lost (damaged on disk): the lane then settles it as `damaged`. */
  read(): Uint8Array | Promise<Uint8Array | undefined>
}

/**
 * Where requests wait between being encoded and being settled, for all signals together: in memory, or on disk. A lane forms a
 * request when its flush interval is over (or enough records wait), pushes it, and takes requests whenever it may send:
 *
 *     push ──► waiting ──take──► held ──settle──► gone (accepted, rejected or dropped: the lane has counted it)
 *                 ▲                └───release──► waiting, at the front (the lane ends without having sent it)
 *                 └── a durable queue starts with what an earlier process left, oldest first, before anything new
 *
 * Everything but `close` and a disk read is synchronous and must not wait for a device: `push` accepts into a bounded buffer and
 * writes behind, so that a slow disk never stalls capture. Nothing here throws. Order within a signal is the order of `push`;
 * several requests may be held at once and may be settled in any order. A process that dies between `push` and `settle` finds a
 * durable request again: at least once, with the same bytes and so with the same ids.
 */
export interface RequestQueue {
  /** What is in it survives the process: then nothing is dropped at shutdown. */
  readonly isDurable: boolean
  /** `undefined` when taken over (`body` then belongs to the queue), else why not: the lane counts the items as dropped. */
  push(request: EncodedRequest): 'queue_full' | 'disk_failed' | undefined
  /** The oldest waiting request of the signal. */
  take(signal: Signal): HeldRequest | undefined
  settle(request: HeldRequest): void
  release(request: HeldRequest): void
  /** Waiting and held together. */
  size(signal: Signal): QueueSize
  /**
   * Makes what is in it as durable as it gets and closes files. Settles within the deadline. Afterwards only `size` is called: what
   * the next process will find. What could not be written is counted as `disk_failed`.
   */
  close(deadlineMs: number): Promise<void>
}

export interface QueueSize {
  requests: number
  items: number
  bytes: number
}

/** Time as the exporter sees it, injected so that tests need no sleep. */
export interface Clock {
  /** Milliseconds on a clock that only goes forward at its own pace: for holds, timeouts and deadlines. */
  now(): number
  /** Milliseconds since the epoch; jumps when somebody sets the clock. Only to compare with a date that a peer names. */
  unixMs(): number
  setTimer(callback: () => void, delayMs: number): unknown
  clearTimer(timer: unknown): void
}

/** The few words the exporter says in the operational log. Never content, never a header's value. */
export interface ExporterLog {
  info(message: string): void
  warn(message: string): void
}
