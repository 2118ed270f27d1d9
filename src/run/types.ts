// SPDX-License-Identifier: Apache-2.0
/**
 * What `run` makes: OpenTelemetry data in the shapes of the JS SDK where the SDK has one (plain objects, no classes).
 * Attribute values may be structured; `redaction` decides what of them leaves, the exporter types them by `semconv.ts`.
 * @module
 */
export type { Profile } from '../semconv.js'

/** OTLP AnyValue as plain JavaScript. A number is int or double by the semconv table, not by its value. */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue | undefined | null }
  | null

export type Attributes = Record<string, AttributeValue>

export interface Resource {
  attributes: Attributes
  schemaUrl: string
}

export interface Scope {
  name: string
  version: string
  schemaUrl: string
}

/** As `SpanContext` of @opentelemetry/api: ids in lower-case hex. */
export interface SpanContext {
  traceId: string
  spanId: string
  traceFlags: number
  isRemote?: boolean
}

export interface SpanLink {
  context: SpanContext & { traceState?: string }
  attributes: Attributes
}

/** `SpanKind` of @opentelemetry/api. */
export type SpanKind = 0 | 1 | 2 | 3 | 4

export interface Span {
  name: string
  kind: SpanKind
  spanContext: SpanContext
  parentSpanContext: SpanContext | undefined
  traceState?: string
  startUnixNano: bigint
  endUnixNano: bigint
  attributes: Attributes
  links: SpanLink[]
  /** `SpanStatusCode` of @opentelemetry/api: 0 UNSET, 2 ERROR. Never 1 (semconv.md 3.1). */
  status: { code: 0 | 2; message?: string }
}

export interface LogRecord {
  eventName: string
  timeUnixNano: bigint
  observedTimeUnixNano: bigint
  severityNumber: number
  severityText: string
  spanContext: SpanContext | undefined
  attributes: Attributes
}

export interface HistogramPoint {
  attributes: Attributes
  startUnixNano: bigint
  timeUnixNano: bigint
  count: number
  sum: number
  min: number
  max: number
  /** counts.length = boundaries.length + 1 */
  boundaries: readonly number[]
  counts: number[]
}

export interface SumPoint {
  attributes: Attributes
  startUnixNano: bigint
  timeUnixNano: bigint
  value: number
}

/** Cumulative temporality; sums are monotonic. */
export type Metric =
  | { kind: 'histogram'; name: string; unit: string; description: string; points: HistogramPoint[] }
  | { kind: 'sum'; name: string; unit: string; description: string; points: SumPoint[] }

/** One resource's worth. A `Telemetry` may hold any mix of the three signals. */
export interface Telemetry {
  resource: Resource
  scope: Scope
  spans: Span[]
  logRecords: LogRecord[]
  metrics: Metric[]
}
