// SPDX-License-Identifier: Apache-2.0
/**
 * Redacted telemetry for exporter tests, small and complete, and a stats object with a quiet log that remembers.
 * @module
 */
import type { ExporterLog, OtlpProtocol, OtlpSettings, Signal } from '../../src/exporter/types.js'
import type { Redacted } from '../../src/redaction/types.js'
import type { Attributes, LogRecord, Metric, Span, Telemetry } from '../../src/run/types.js'

/** Not a round number of milliseconds: a double would lose its last digits. */
export const START = 1_700_000_000_123_456_789n
export const TRACE_ID = '0102030405060708090a0b0c0d0e0f10'

let spanNumber = 0

export function makeSpan(change: Partial<Span> = {}): Span {
  spanNumber += 1
  return {
    name: 'chat gpt-4o-mini',
    kind: 2,
    spanContext: { traceId: TRACE_ID, spanId: spanNumber.toString(16).padStart(16, '0'), traceFlags: 1 },
    parentSpanContext: undefined,
    startUnixNano: START,
    endUnixNano: START + 1_234_000_001n,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 34,
      'gen_ai.response.finish_reasons': ['stop'],
      'oisp.capture.completeness': 'complete',
    },
    links: [],
    status: { code: 0 },
    ...change,
  }
}

export function makeLogRecord(change: Partial<LogRecord> = {}): LogRecord {
  return {
    eventName: 'gen_ai.client.inference.operation.details',
    timeUnixNano: START + 5n,
    observedTimeUnixNano: START + 6n,
    severityNumber: 9,
    severityText: 'INFO',
    spanContext: { traceId: TRACE_ID, spanId: '00000000000000aa', traceFlags: 1 },
    attributes: { 'gen_ai.operation.name': 'chat' },
    ...change,
  }
}

export function makeMetrics(): Metric[] {
  const at = { startUnixNano: START, timeUnixNano: START + 60_000_000_000n }
  const attributes: Attributes = { 'gen_ai.operation.name': 'chat' }
  return [
    {
      kind: 'histogram',
      name: 'gen_ai.client.inference.duration',
      unit: 's',
      description: 'How long',
      points: [
        { attributes, ...at, count: 3, sum: 4, min: 1, max: 2, boundaries: [1, 2.5], counts: [1, 2, 0] },
      ],
    },
    {
      kind: 'sum',
      name: 'oisp.calls',
      unit: '{call}',
      description: 'How many',
      points: [{ attributes, ...at, value: 7 }],
    },
  ]
}

export function makeTelemetry(change: Partial<Telemetry> = {}): Redacted<Telemetry> {
  return {
    resource: {
      attributes: { 'service.name': 'app', 'process.pid': 4321, 'process.executable.name': 'node' },
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
    },
    scope: { name: 'oisp-sensor', version: '0.1.0', schemaUrl: 'https://example.test/genai' },
    spans: [],
    logRecords: [],
    metrics: [],
    ...change,
  } as Redacted<Telemetry>
}

export function makeDestination(url: string, change: Partial<OtlpSettings> = {}): OtlpSettings {
  const signal: Signal = change.signal ?? 'traces'
  const protocol: OtlpProtocol = change.protocol ?? 'http/protobuf'
  return {
    signal,
    protocol,
    url: protocol === 'grpc' ? url : `${url}/v1/${signal}`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    insecure: url.startsWith('http:'),
    tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
    ...change,
  }
}

export interface MemoryLog extends ExporterLog {
  lines: string[]
}

export function createMemoryLog(): MemoryLog {
  const lines: string[] = []
  return {
    lines,
    info: (message) => lines.push(`info ${message}`),
    warn: (message) => lines.push(`warn ${message}`),
  }
}
