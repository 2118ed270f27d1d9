// SPDX-License-Identifier: Apache-2.0
/**
 * OTLP message objects → OTLP/JSON. In: one `OtlpTelemetry`. Out: one line per signal that has something, each a TracesData,
 * LogsData or MetricsData. Hex ids, 64-bit integers as decimal strings, enums as numbers (OTLP specification, "JSON
 * Protobuf Encoding"). Pure.
 * @module
 */
import type { OtlpTelemetry } from './otlp.js'

export function toJsonLines(otlp: OtlpTelemetry): string[] {
  const { resource, scope, spans, logRecords, metrics, resourceSchemaUrl: schemaUrl, scopeSchemaUrl } = otlp
  const lines: unknown[] = []
  const scoped = { scope, schemaUrl: scopeSchemaUrl }
  if (spans.length > 0)
    lines.push({ resourceSpans: [{ resource, scopeSpans: [{ ...scoped, spans }], schemaUrl }] })
  if (logRecords.length > 0)
    lines.push({ resourceLogs: [{ resource, scopeLogs: [{ ...scoped, logRecords }], schemaUrl }] })
  if (metrics.length > 0)
    lines.push({ resourceMetrics: [{ resource, scopeMetrics: [{ ...scoped, metrics }], schemaUrl }] })
  return lines.map((line) => JSON.stringify(line, toProtobufJson))
}

/** What JSON has no form for: 64 bits, and the doubles that proto3 JSON writes as words. */
function toProtobufJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value
}
