// SPDX-License-Identifier: Apache-2.0
/**
 * When to try again. In: status codes, Retry-After, the attempt's number. Out: yes or no, and how long to wait.
 * OTLP specification 1.11, "Failures" of OTLP/gRPC and OTLP/HTTP. Pure.
 * @module
 */

/** gRPC codes after which the same bytes may succeed. RESOURCE_EXHAUSTED (8) is one only together with RetryInfo. */
const RETRYABLE_GRPC = new Set([1, 4, 10, 11, 14, 15])
const RESOURCE_EXHAUSTED = 8

export function isRetryableGrpc(code: number, hasRetryInfo: boolean): boolean {
  return RETRYABLE_GRPC.has(code) || (code === RESOURCE_EXHAUSTED && hasRetryInfo)
}

const RETRYABLE_HTTP = new Set([429, 502, 503, 504])

export function isRetryableHttp(status: number): boolean {
  return RETRYABLE_HTTP.has(status)
}

/** 404 no such path, 405 not by POST, 415 not protobuf: this endpoint does not take the signal. */
export function isUnsupportedHttp(status: number): boolean {
  return status === 404 || status === 405 || status === 415
}

/** RFC 9110 10.2.3: seconds, or an HTTP-date. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

export interface RetrySettings {
  initialBackoffMs: number
  maxBackoffMs: number
  /** A request that fails this long while others get through is given up. */
  maxElapsedMs: number
}

/** The Collector gives up after the same 300 s (exporterhelper, retry_on_failure.max_elapsed_time). */
export const DEFAULT_RETRY: RetrySettings = {
  initialBackoffMs: 1_000,
  maxBackoffMs: 30_000,
  maxElapsedMs: 300_000,
}

/** Exponential with jitter: between half of and the whole `initial × 2^(attempt − 1)`. `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number, settings: RetrySettings): number {
  const full = Math.min(settings.maxBackoffMs, settings.initialBackoffMs * 2 ** (attempt - 1))
  return Math.round(full * (0.5 + 0.5 * random))
}

/** A receiver may ask for no time at all or for a year: its word counts, but never hammer it and never stop for good. */
export function retryDelayMs(askedMs: number | undefined, backoff: number, settings: RetrySettings): number {
  if (askedMs === undefined) return backoff
  const shortest = Math.min(backoff, settings.initialBackoffMs)
  return Math.min(settings.maxElapsedMs, Math.max(shortest, askedMs))
}
