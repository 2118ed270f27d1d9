// SPDX-License-Identifier: Apache-2.0
/**
 * Redacted telemetry → OTLP messages as objects. In: what redaction let through. Out: what every sink writes, each in its
 * own encoding. Knows no bytes and no endpoint.
 * @module
 */
import type { Redacted } from '../redaction/types.js'
import type { LogRecord, Metric, Span, SpanContext, SpanLink, SumPoint, Telemetry } from '../run/types.js'
import { toKeyValues, wellFormed } from './any-value.js'
import type { OtlpLink, OtlpLogRecord, OtlpMetric, OtlpNumberPoint, OtlpSpan, OtlpTelemetry } from './otlp.js'

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` */
const CUMULATIVE = 2
/** Bits of the flags field above the W3C byte: "we know whether the parent is remote", "it is". */
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

export function toOtlp(telemetry: Redacted<Telemetry>): OtlpTelemetry {
  const { resource, scope } = telemetry
  return {
    resource: { attributes: toKeyValues(resource.attributes, 'map'), droppedAttributesCount: 0 },
    resourceSchemaUrl: resource.schemaUrl,
    scope: { name: scope.name, version: scope.version },
    scopeSchemaUrl: scope.schemaUrl,
    spans: telemetry.spans.map(toSpan),
    logRecords: telemetry.logRecords.map(toLogRecord),
    metrics: telemetry.metrics.map(toMetric),
  }
}

function toSpan(span: Span): OtlpSpan {
  const { spanContext, parentSpanContext } = span
  return {
    traceId: spanContext.traceId,
    spanId: spanContext.spanId,
    ...(span.traceState ? { traceState: span.traceState } : {}),
    ...(parentSpanContext ? { parentSpanId: parentSpanContext.spanId } : {}),
    flags: toFlags(spanContext.traceFlags, parentSpanContext),
    name: wellFormed(span.name),
    kind: toKind(span.kind),
    startTimeUnixNano: span.startUnixNano,
    endTimeUnixNano: span.endUnixNano,
    attributes: toKeyValues(span.attributes, 'json-string'),
    droppedAttributesCount: 0,
    links: span.links.map(toLink),
    droppedLinksCount: 0,
    status: span.status.message
      ? { message: wellFormed(span.status.message), code: span.status.code }
      : { code: span.status.code },
  }
}

/** The API's SpanKind starts at INTERNAL = 0, the wire's at INTERNAL = 1. */
function toKind(kind: number): number {
  return kind + 1
}

/** A root's "parent" is known not to be remote (trace.proto, Span.flags). */
function toFlags(traceFlags: number, parent: SpanContext | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (parent?.isRemote ? IS_REMOTE : 0)
}

function toLink({ context, attributes }: SpanLink): OtlpLink {
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(context.traceState ? { traceState: context.traceState } : {}),
    attributes: toKeyValues(attributes, 'json-string'),
    droppedAttributesCount: 0,
    flags: toFlags(context.traceFlags, context),
  }
}

function toLogRecord(record: LogRecord): OtlpLogRecord {
  const context = record.spanContext
  return {
    timeUnixNano: record.timeUnixNano,
    observedTimeUnixNano: record.observedTimeUnixNano,
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    attributes: toKeyValues(record.attributes, 'map'),
    droppedAttributesCount: 0,
    // A log record's flags are the W3C byte alone (logs.proto, LogRecordFlags).
    flags: context ? context.traceFlags & 0xff : 0,
    ...(context ? { traceId: context.traceId, spanId: context.spanId } : {}),
    eventName: record.eventName,
  }
}

function toMetric(metric: Metric): OtlpMetric {
  const { name, description, unit } = metric
  if (metric.kind === 'sum') {
    // UCUM annotations such as {token} count things; every other unit measures. One series never changes its number type.
    const isCount = unit.startsWith('{')
    const dataPoints = metric.points.map((point) => toNumberPoint(point, isCount))
    return {
      name,
      description,
      unit,
      sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true },
    }
  }
  const dataPoints = metric.points.map((point) => ({
    attributes: toKeyValues(point.attributes, 'json-string'),
    startTimeUnixNano: point.startUnixNano,
    timeUnixNano: point.timeUnixNano,
    count: BigInt(point.count),
    sum: point.sum,
    bucketCounts: point.counts.map(BigInt),
    explicitBounds: point.boundaries,
    min: point.min,
    max: point.max,
  }))
  return { name, description, unit, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } }
}

function toNumberPoint(point: SumPoint, isCount: boolean): OtlpNumberPoint {
  return {
    attributes: toKeyValues(point.attributes, 'json-string'),
    startTimeUnixNano: point.startUnixNano,
    timeUnixNano: point.timeUnixNano,
    ...(isCount && Number.isSafeInteger(point.value)
      ? { asInt: BigInt(point.value) }
      : { asDouble: point.value }),
  }
}
