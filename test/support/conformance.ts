// SPDX-License-Identifier: Apache-2.0
/**
 * Holds decoded OTLP against the machine-readable table in semconv/. In: what a receiver decoded from the protobuf bytes, and the
 * profile it was made under. Out: every violation. Uses none of the code that makes the telemetry.
 * @module
 */
import {
  DEFAULT_PROFILE,
  ENTITIES,
  EVENTS,
  SCHEMA_URL_CORE,
  SCHEMA_URL_GEN_AI,
  SPANS,
  type Profile,
  type SpanRow,
} from '../../src/semconv.js'
import {
  checkAttributes,
  toBigInt,
  type AnyValue,
  type AttributeMap,
  type Expectation,
  type KeyValue,
  type Report,
  type Violation,
} from './conformance-attributes.js'
import { checkMetric, type DecodedMetric } from './conformance-metrics.js'

export type { AnyValue, KeyValue, Violation } from './conformance-attributes.js'

interface DecodedSpan {
  traceId?: string
  spanId?: string
  parentSpanId?: string
  name?: string
  kind?: number
  startTimeUnixNano?: unknown
  endTimeUnixNano?: unknown
  attributes?: KeyValue[]
  status?: { code?: number; message?: string }
}
interface DecodedLogRecord {
  traceId?: string
  spanId?: string
  timeUnixNano?: unknown
  eventName?: string
  severityNumber?: number
  severityText?: string
  body?: unknown
  attributes?: KeyValue[]
}
interface ByResource {
  resource?: { attributes?: KeyValue[] }
  schemaUrl?: string
}
interface ByScope {
  scope?: { name?: string; version?: string }
  schemaUrl?: string
}

/** The content of Export…ServiceRequests; any of the three may be absent. */
export interface DecodedOtlp {
  resourceSpans?: (ByResource & { scopeSpans?: (ByScope & { spans?: DecodedSpan[] })[] })[]
  resourceLogs?: (ByResource & { scopeLogs?: (ByScope & { logRecords?: DecodedLogRecord[] })[] })[]
  resourceMetrics?: (ByResource & { scopeMetrics?: (ByScope & { metrics?: DecodedMetric[] })[] })[]
}

export interface ConformanceSettings {
  profile?: Profile
  /** From OTEL_RESOURCE_ATTRIBUTES: on resources, these may have any name. */
  operatorKeys?: readonly string[]
}

const OBSERVED_PROCESS = ENTITIES.get('oisp.observed_process')!
const SENSOR = ENTITIES.get('oisp.sensor')!
/** The wire's SpanKind (trace.proto). */
const WIRE_KIND = { internal: 1, client: 3 } as const
const STATUS_OK = 1
const STATUS_ERROR = 2
/** SeverityNumber (logs.proto) of the levels that the sensor logs. */
const SEVERITIES = new Map([
  ['ERROR', 17],
  ['WARN', 13],
  ['INFO', 9],
  ['DEBUG', 5],
])

export function checkConformance(otlp: DecodedOtlp, settings: ConformanceSettings = {}): Violation[] {
  const violations: Violation[] = []
  const { profile = DEFAULT_PROFILE } = settings
  const operatorKeys = new Set(settings.operatorKeys)
  const reportAt =
    (where: string): Report =>
    (rule, message) =>
      void violations.push({ rule, where, message })
  const checkResource = (at: ByResource, levels: Expectation['levels'], where: string): void => {
    const report = reportAt(`${where} resource`)
    if (at.schemaUrl !== SCHEMA_URL_CORE) report('schema-url', `${at.schemaUrl}`)
    checkAttributes(at.resource?.attributes, { levels, profile, structuredAs: 'map', operatorKeys }, report)
  }

  for (const group of otlp.resourceSpans ?? []) {
    checkResource(group, OBSERVED_PROCESS, 'spans')
    for (const scope of group.scopeSpans ?? []) {
      checkScope(scope, false, reportAt('spans scope'))
      for (const span of scope.spans ?? []) checkSpan(span, profile, reportAt(`span ${span.name}`))
    }
  }
  for (const group of otlp.resourceLogs ?? []) {
    const isOwn = (group.scopeLogs ?? []).every(({ schemaUrl }) => schemaUrl === SCHEMA_URL_CORE)
    checkResource(group, isOwn ? SENSOR : OBSERVED_PROCESS, 'logs')
    for (const scope of group.scopeLogs ?? []) {
      checkScope(scope, isOwn, reportAt('logs scope'))
      for (const record of scope.logRecords ?? [])
        if (isOwn) checkOwnLogRecord(record, profile, reportAt('own log record'))
        else checkLogRecord(record, profile, reportAt(`event ${record.eventName}`))
    }
  }
  for (const group of otlp.resourceMetrics ?? []) {
    checkResource(group, SENSOR, 'metrics')
    for (const scope of group.scopeMetrics ?? []) {
      const isOwn = scope.schemaUrl === SCHEMA_URL_CORE
      checkScope(scope, isOwn, reportAt('metrics scope'))
      for (const metric of scope.metrics ?? [])
        checkMetric(metric, { profile, isOwn }, reportAt(`metric ${metric.name}`))
    }
  }
  return violations
}

/** What the sensor says of itself uses no name of the GenAI conventions. */
function checkScope({ scope, schemaUrl }: ByScope, isOwn: boolean, report: Report): void {
  if (scope?.name !== 'oisp-sensor' || !scope.version) report('scope', `${scope?.name} ${scope?.version}`)
  if (schemaUrl !== (isOwn ? SCHEMA_URL_CORE : SCHEMA_URL_GEN_AI)) report('schema-url', `${schemaUrl}`)
}

function checkSpan(span: DecodedSpan, profile: Profile, report: Report): void {
  checkIds(span.traceId, span.spanId, report)
  if (
    toBigInt(span.startTimeUnixNano) <= 0n ||
    toBigInt(span.endTimeUnixNano) < toBigInt(span.startTimeUnixNano)
  )
    report('span-time', `${String(span.startTimeUnixNano)} to ${String(span.endTimeUnixNano)}`)
  const operation = textOf(span.attributes, 'gen_ai.operation.name')
  const row = [...SPANS.values()].find(({ operations }) => operations.includes(operation ?? ''))
  const attributes = checkAttributes(
    span.attributes,
    { levels: row?.attributes ?? {}, profile, structuredAs: 'json-string' },
    report,
  )
  checkStatus(span, attributes, report)
  checkConversation(attributes, report)
  if (row === undefined) {
    report('span-operation', `unknown operation ${operation}`)
    for (const key of attributes.keys()) if (key.startsWith('gen_ai.usage.')) report('usage-misplaced', key)
    return
  }
  if (span.kind !== WIRE_KIND[row.kind]) report('span-kind', `${span.kind}, must be ${row.kind}`)
  checkName(span.name, operation!, row, attributes, report)
  checkCompanions(attributes, report)
}

function checkName(
  name: string | undefined,
  operation: string,
  row: SpanRow,
  attributes: AttributeMap,
  report: Report,
): void {
  const target = attributes.get(row.nameAttribute)?.stringValue
  const expected = target === undefined ? operation : `${operation} ${target}`
  if (name !== expected) report('span-name', `must be "${expected}"`)
}

function checkStatus({ status }: DecodedSpan, attributes: AttributeMap, report: Report): void {
  const code = status?.code ?? 0
  if (code === STATUS_OK) report('status-ok', 'an instrumentation leaves success UNSET')
  if ((code === STATUS_ERROR) !== attributes.has('error.type'))
    report('error-type', `status ${code}, error.type ${attributes.get('error.type')?.stringValue}`)
  if (code !== STATUS_ERROR && status?.message) report('status-message', 'only an error has a description')
  if (status?.message && status.message === attributes.get('error.type')?.stringValue)
    report('status-message', 'repeats error.type')
}

/** An id that the wire did not carry must not be made up: the rule that found it is named beside it. */
function checkConversation(attributes: AttributeMap, report: Report): void {
  if (attributes.has('gen_ai.conversation.id') && !attributes.has('oisp.conversation.source'))
    report('conversation-source', 'gen_ai.conversation.id without oisp.conversation.source')
}

/** Conditions between attributes (semconv/registry/spans.yaml, conditionally_required). */
function checkCompanions(attributes: AttributeMap, report: Report): void {
  if (attributes.has('server.address') !== attributes.has('server.port'))
    report('attribute-condition', 'server.address and server.port come together')
  const completeness = attributes.get('oisp.capture.completeness')?.stringValue ?? ''
  if (['gap', 'limit'].includes(completeness) !== attributes.has('oisp.capture.missing_bytes'))
    report('attribute-condition', `oisp.capture.missing_bytes with ${completeness}`)
  if (attributes.get('gen_ai.request.stream')?.boolValue === false)
    report('attribute-condition', 'gen_ai.request.stream is only ever true')
  if (toBigInt(attributes.get('gen_ai.request.choice.count')?.intValue) === 1n)
    report('attribute-condition', 'gen_ai.request.choice.count is 1')
  if (attributes.has('gen_ai.response.time_to_first_chunk') && !attributes.has('gen_ai.request.stream'))
    report('attribute-condition', 'gen_ai.response.time_to_first_chunk without a stream')
  const isHashed = attributes.has('oisp.content.input.hmac') || attributes.has('oisp.content.output.hmac')
  if (isHashed !== attributes.has('oisp.redaction.key_id'))
    report('attribute-condition', 'oisp.redaction.key_id stands with a content hash')
}

function checkLogRecord(record: DecodedLogRecord, profile: Profile, report: Report): void {
  checkIds(record.traceId, record.spanId, report)
  if (toBigInt(record.timeUnixNano) <= 0n) report('event-time', `${String(record.timeUnixNano)}`)
  if (record.body !== undefined) report('event-body', 'the data of an event stands in attributes')
  const row = EVENTS.get(record.eventName ?? '')
  if (row === undefined) return report('event-unknown', `${record.eventName}`)
  if (record.severityNumber !== row.severityNumber || record.severityText !== row.severityText)
    report('event-severity', `${record.severityNumber} ${record.severityText}`)
  const attributes = checkAttributes(
    record.attributes,
    { levels: row.attributes, profile, structuredAs: 'map' },
    report,
  )
  checkConversation(attributes, report)
  checkCompanions(attributes, report)
}

/** A line of the operational log: a sentence of ours, no event, in no trace. */
function checkOwnLogRecord(record: DecodedLogRecord, profile: Profile, report: Report): void {
  const { body, severityNumber, severityText } = record
  if (typeof (body as AnyValue | undefined)?.stringValue !== 'string') report('log-body', 'must be text')
  if (record.eventName || record.traceId || record.spanId) report('log-event', `${record.eventName}`)
  if (SEVERITIES.get(severityText ?? '') !== severityNumber)
    report('log-severity', `${severityNumber} ${severityText}`)
  if (toBigInt(record.timeUnixNano) <= 0n) report('log-time', `${String(record.timeUnixNano)}`)
  checkAttributes(record.attributes, { levels: {}, profile, structuredAs: 'map' }, report)
}

function checkIds(traceId: string | undefined, spanId: string | undefined, report: Report): void {
  if (!/^(?!0+$)[0-9a-f]{32}$/.test(traceId ?? '')) report('id', `trace id ${traceId}`)
  if (!/^(?!0+$)[0-9a-f]{16}$/.test(spanId ?? '')) report('id', `span id ${spanId}`)
}

function textOf(attributes: KeyValue[] | undefined, key: string): string | undefined {
  return attributes?.find((attribute) => attribute.key === key)?.value?.stringValue
}
