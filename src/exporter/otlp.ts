// SPDX-License-Identifier: Apache-2.0
/**
 * OTLP messages as plain objects with the field names of OTLP/JSON. Ids stay hex and 64-bit integers stay bigint until a
 * sink writes them as protobuf bytes or JSON text. Types only.
 * @module
 */
export type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: bigint }
  | { doubleValue: number }
  | { arrayValue: { values: AnyValue[] } }
  | { kvlistValue: { values: KeyValue[] } }
  /** JSON null: the empty AnyValue. */
  | { readonly [none: string]: never }

export interface KeyValue {
  key: string
  value: AnyValue
}

export interface OtlpResource {
  attributes: KeyValue[]
  droppedAttributesCount: number
}

export interface OtlpScope {
  name: string
  version: string
}

export interface OtlpStatus {
  message?: string
  code: number
}

export interface OtlpLink {
  traceId: string
  spanId: string
  traceState?: string
  attributes: KeyValue[]
  droppedAttributesCount: number
  flags: number
}

export interface OtlpSpan {
  traceId: string
  spanId: string
  traceState?: string
  parentSpanId?: string
  flags: number
  name: string
  kind: number
  startTimeUnixNano: bigint
  endTimeUnixNano: bigint
  attributes: KeyValue[]
  droppedAttributesCount: number
  links: OtlpLink[]
  droppedLinksCount: number
  status: OtlpStatus
}

export interface OtlpLogRecord {
  timeUnixNano: bigint
  observedTimeUnixNano: bigint
  severityNumber: number
  severityText: string
  /** Only of a line of text; the data of an event stands in its attributes. */
  body?: AnyValue
  attributes: KeyValue[]
  droppedAttributesCount: number
  flags: number
  traceId?: string
  spanId?: string
  eventName: string
}

export interface OtlpNumberPoint {
  attributes: KeyValue[]
  startTimeUnixNano: bigint
  timeUnixNano: bigint
  asInt?: bigint
  asDouble?: number
}

export interface OtlpHistogramPoint {
  attributes: KeyValue[]
  startTimeUnixNano: bigint
  timeUnixNano: bigint
  count: bigint
  sum: number
  bucketCounts: bigint[]
  explicitBounds: readonly number[]
  min: number
  max: number
}

export interface OtlpMetric {
  name: string
  description: string
  unit: string
  gauge?: { dataPoints: OtlpNumberPoint[] }
  sum?: { dataPoints: OtlpNumberPoint[]; aggregationTemporality: number; isMonotonic: boolean }
  histogram?: { dataPoints: OtlpHistogramPoint[]; aggregationTemporality: number }
}

/** One `Telemetry` in OTLP's words: one resource, one scope, any mix of signals. */
export interface OtlpTelemetry {
  resource: OtlpResource
  resourceSchemaUrl: string
  scope: OtlpScope
  scopeSchemaUrl: string
  spans: OtlpSpan[]
  logRecords: OtlpLogRecord[]
  metrics: OtlpMetric[]
}
