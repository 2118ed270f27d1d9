// SPDX-License-Identifier: Apache-2.0
/**
 * What the sensor says of itself → OTLP messages. In: OwnTelemetry. Out: the objects that every sink encodes. It does not pass
 * redaction, and need not: nothing in its type comes from captured traffic (health/types.ts). Knows no bytes and no endpoint.
 * @module
 */
import type { OwnAttributes, OwnLogRecord, OwnMetric, OwnTelemetry } from '../health/types.js'
import { toKeyValues } from './any-value.js'
import type { KeyValue, OtlpLogRecord, OtlpMetric, OtlpNumberPoint, OtlpTelemetry } from './otlp.js'

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` */
const CUMULATIVE = 2

export function toOwnOtlp(own: OwnTelemetry): OtlpTelemetry {
  const { resource, scope } = own
  return {
    resource: { attributes: toKeyValues(resource.attributes, 'map'), droppedAttributesCount: 0 },
    resourceSchemaUrl: resource.schemaUrl,
    scope: { name: scope.name, version: scope.version },
    scopeSchemaUrl: scope.schemaUrl,
    spans: [],
    logRecords: own.logRecords.map(toLogRecord),
    metrics: own.metrics.map((metric) => toMetric(metric, own)),
  }
}

function toLogRecord({
  timeUnixNano,
  severityNumber,
  severityText,
  body,
  attributes,
}: OwnLogRecord): OtlpLogRecord {
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber,
    severityText,
    body: { stringValue: body },
    attributes: toAttributes(attributes),
    droppedAttributesCount: 0,
    flags: 0,
    eventName: '',
  }
}

function toMetric({ name, unit, description, instrument, points }: OwnMetric, own: OwnTelemetry): OtlpMetric {
  const { startUnixNano: startTimeUnixNano, timeUnixNano } = own
  // Seconds measure; everything else counts. One series never changes its number type.
  const isDouble = unit === 's'
  const dataPoints = points.map(({ attributes, value }): OtlpNumberPoint => ({
    attributes: toAttributes(attributes),
    startTimeUnixNano,
    timeUnixNano,
    ...(isDouble ? { asDouble: value } : { asInt: BigInt(value) }),
  }))
  const base = { name, unit, description }
  if (instrument === 'gauge') return { ...base, gauge: { dataPoints } }
  const isMonotonic = instrument === 'counter'
  return { ...base, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic } }
}

function toAttributes(attributes: OwnAttributes): KeyValue[] {
  return toKeyValues(attributes, 'map')
}
