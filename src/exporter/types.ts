// SPDX-License-Identifier: Apache-2.0
/**
 * The exporter's own shapes: what one signal's destination is, and what a sink must do.
 * @module
 */
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

/** How one request ended. `retry` keeps it in the queue; the others take it out and are counted. */
export type SendResult =
  | { outcome: 'accepted'; rejectedItems: number; message: string | undefined }
  | { outcome: 'retry'; reason: string; retryAfterMs: number | undefined; message: string }
  | { outcome: 'rejected'; reason: string; message: string }

/** A transport: sends one encoded Export…ServiceRequest. Never throws; always settles within the timeout. */
export interface Transport {
  send(signal: Signal, body: Uint8Array): Promise<SendResult>
  close(): Promise<void>
}
