// SPDX-License-Identifier: Apache-2.0
/** The conformance check itself: telemetry of every profile and mode passes, and each rule fires when it is broken. */
import { describe, expect, it } from 'vitest'
import type { Profile } from '../src/semconv.js'
import { createExporter } from '../src/exporter/index.js'
import { createRedaction } from '../src/redaction/index.js'
import type { RedactionMode } from '../src/redaction/types.js'
import { createRun } from '../src/run/index.js'
import { createStats } from '../src/stats.js'
import { checkConformance, type DecodedOtlp, type KeyValue } from './support/conformance.js'
import { makeEvent, makeFailure, makeProcess } from './support/inference-event.js'
import { createMemoryCollector, decodeRequest } from './support/otlp-sink.js'

async function exportEvents(profile: Profile, mode: RedactionMode): Promise<DecodedOtlp> {
  const stats = createStats()
  const collector = createMemoryCollector(stats)
  const exporter = createExporter({ sinks: [collector.sink] })
  const redaction = createRedaction({ stats, mode, key: new Uint8Array(32).fill(7) }, exporter)
  const run = createRun({ stats, bootId: 'boot', version: '1.2.3', profile }, redaction)
  run.consume(makeEvent())
  run.consume(makeFailure({ completeness: 'gap', missingBytes: 12 }))
  run.consume(
    makeEvent({ providerName: 'anthropic', serverAddress: undefined }, makeProcess({ isKnown: false }), 2),
  )
  run.end()
  await exporter.shutdown(1_000)
  const decoded = collector.requests.map(({ signal, body }) => decodeRequest(signal, body))
  return Object.assign({}, ...decoded) as DecodedOtlp
}

const PROFILES: Profile[] = ['genai-dev-1.42', 'genai-dev-1.42+aliases', 'legacy-1.41']
const otlp = await exportEvents('genai-dev-1.42', 'safe')

const span = (at: DecodedOtlp) => at.resourceSpans![0]!.scopeSpans![0]!.spans![0]!
const record = (at: DecodedOtlp) => at.resourceLogs![0]!.scopeLogs![0]!.logRecords![0]!
const metric = (at: DecodedOtlp, name: string) =>
  at.resourceMetrics![0]!.scopeMetrics![0]!.metrics!.find((item) => item.name === name)!
const histogram = (at: DecodedOtlp) => metric(at, 'gen_ai.client.inference.duration')
const counter = (at: DecodedOtlp) => metric(at, 'gen_ai.client.inference.usage.input_tokens')

function put(list: KeyValue[] | undefined, key: string, value: KeyValue['value']): void {
  remove(list, key)
  list!.push({ key, value: value! })
}
function remove(list: KeyValue[] | undefined, key: string): void {
  const at = list!.findIndex((item) => item.key === key)
  if (at >= 0) list!.splice(at, 1)
}

describe('what the rooms make conforms', () => {
  for (const profile of PROFILES)
    it.each(['safe', 'full'] as const)(`${profile}, %s`, async (mode) => {
      const made = await exportEvents(profile, mode)
      expect(checkConformance(made, { profile })).toEqual([])
      expect([made.resourceSpans, made.resourceLogs, made.resourceMetrics].map(Boolean)).toEqual([
        true,
        true,
        true,
      ])
    })
})

describe('each rule fires', () => {
  const text = { stringValue: 'x' }
  const cases: [rule: string, what: string, damage: (at: DecodedOtlp) => void][] = [
    ['attribute-unknown', 'an attribute outside the table', (at) => put(span(at).attributes, 'prompt', text)],
    ['attribute-twice', 'a key twice', (at) => span(at).attributes!.push({ ...span(at).attributes![0]! })],
    ['attribute-required', 'no provider', (at) => remove(span(at).attributes, 'gen_ai.provider.name')],
    [
      'attribute-required',
      'no modality',
      (at) => remove(counter(at).sum!.dataPoints![0]!.attributes, 'gen_ai.token.modality'),
    ],
    [
      'attribute-required',
      'no process id',
      (at) => remove(at.resourceSpans![0]!.resource!.attributes, 'process.pid'),
    ],
    [
      'attribute-misplaced',
      'a metric dimension on a span',
      (at) => put(span(at).attributes, 'gen_ai.token.modality', { stringValue: 'text' }),
    ],
    [
      'attribute-type',
      'an int as double',
      (at) => put(span(at).attributes, 'gen_ai.usage.input_tokens', { doubleValue: 1 }),
    ],
    [
      'attribute-type',
      'a double as int',
      (at) => put(span(at).attributes, 'gen_ai.request.temperature', { intValue: '1' }),
    ],
    [
      'attribute-type',
      'a string for an array',
      (at) => put(span(at).attributes, 'gen_ai.response.finish_reasons', text),
    ],
    [
      'attribute-type',
      'messages as a map on a span',
      (at) => put(span(at).attributes, 'gen_ai.input.messages', { arrayValue: {} }),
    ],
    [
      'attribute-type',
      'messages as text on an event',
      (at) => put(record(at).attributes, 'gen_ai.input.messages', { stringValue: '[]' }),
    ],
    [
      'attribute-type',
      'cut JSON on a span',
      (at) => put(span(at).attributes, 'gen_ai.input.messages', { stringValue: '[{' }),
    ],
    [
      'attribute-member',
      'an unknown completeness',
      (at) => put(span(at).attributes, 'oisp.capture.completeness', text),
    ],
    [
      'attribute-pattern',
      'a sentence as error.type',
      (at) =>
        put(histogram(at).histogram!.dataPoints![0]!.attributes, 'error.type', {
          stringValue: 'it went wrong',
        }),
    ],
    [
      'attribute-secret',
      'argv',
      (at) => put(at.resourceSpans![0]!.resource!.attributes, 'process.command_args', { arrayValue: {} }),
    ],
    ['attribute-condition', 'an address without a port', (at) => remove(span(at).attributes, 'server.port')],
    [
      'attribute-condition',
      'missing bytes of a complete capture',
      (at) => put(span(at).attributes, 'oisp.capture.missing_bytes', { intValue: '1' }),
    ],
    [
      'attribute-condition',
      'stream = false',
      (at) => put(span(at).attributes, 'gen_ai.request.stream', { boolValue: false }),
    ],
    [
      'attribute-condition',
      'one choice',
      (at) => put(span(at).attributes, 'gen_ai.request.choice.count', { intValue: '1' }),
    ],
    [
      'attribute-condition',
      'first chunk without a stream',
      (at) => remove(span(at).attributes, 'gen_ai.request.stream'),
    ],
    [
      'attribute-condition',
      'a hash without its key',
      (at) => remove(span(at).attributes, 'oisp.redaction.key_id'),
    ],
    ['span-name', 'another name', (at) => (span(at).name = 'POST /v1/chat/completions')],
    ['span-kind', 'an internal span', (at) => (span(at).kind = 1)],
    [
      'span-operation',
      'an unknown operation',
      (at) => put(span(at).attributes, 'gen_ai.operation.name', { stringValue: 'guess' }),
    ],
    [
      'usage-misplaced',
      'usage on something else',
      (at) => put(span(at).attributes, 'gen_ai.operation.name', { stringValue: 'execute_tool' }),
    ],
    ['span-time', 'an end before the start', (at) => (span(at).endTimeUnixNano = '1')],
    ['status-ok', 'status OK', (at) => (span(at).status = { code: 1 })],
    ['status-message', 'a description of a success', (at) => (span(at).status = { message: 'fine' })],
    [
      'status-message',
      'a description that repeats error.type',
      (at) => {
        span(at).status = { code: 2, message: 'timeout' }
        put(span(at).attributes, 'error.type', { stringValue: 'timeout' })
      },
    ],
    [
      'error-type',
      'error.type without ERROR',
      (at) => put(span(at).attributes, 'error.type', { stringValue: 'timeout' }),
    ],
    ['error-type', 'ERROR without error.type', (at) => (span(at).status = { code: 2 })],
    [
      'conversation-source',
      'an id of unknown origin',
      (at) => put(span(at).attributes, 'gen_ai.conversation.id', text),
    ],
    ['id', 'a zero trace id', (at) => (span(at).traceId = '0'.repeat(32))],
    ['id', 'no span id on the event', (at) => delete record(at).spanId],
    [
      'schema-url',
      'another schema of the scope',
      (at) => (at.resourceSpans![0]!.scopeSpans![0]!.schemaUrl = ''),
    ],
    ['schema-url', 'another schema of the resource', (at) => (at.resourceLogs![0]!.schemaUrl = '')],
    ['scope', 'another scope', (at) => (at.resourceSpans![0]!.scopeSpans![0]!.scope!.name = 'x')],
    ['event-unknown', 'another event', (at) => (record(at).eventName = 'gen_ai.choice')],
    ['event-severity', 'another severity', (at) => (record(at).severityNumber = 9)],
    ['event-body', 'a body', (at) => (record(at).body = text)],
    ['event-time', 'no time', (at) => delete record(at).timeUnixNano],
    ['metric-unknown', 'another metric', (at) => (histogram(at).name = 'gen_ai.calls')],
    ['profile-metric', 'a former metric', (at) => (histogram(at).name = 'gen_ai.client.operation.duration')],
    [
      'profile-alias',
      'an alias that differs',
      (at) => {
        put(span(at).attributes, 'gen_ai.system', { stringValue: 'other' })
      },
    ],
    [
      'attribute-misplaced',
      'an alias outside its profile',
      (at) => put(span(at).attributes, 'gen_ai.system', { stringValue: 'openai' }),
    ],
    ['metric-unit', 'milliseconds', (at) => (histogram(at).unit = 'ms')],
    ['metric-instrument', 'a counter for a histogram', (at) => delete histogram(at).histogram],
    ['metric-temporality', 'delta', (at) => (histogram(at).histogram!.aggregationTemporality = 1)],
    ['metric-monotonic', 'a sum that may fall', (at) => delete counter(at).sum!.isMonotonic],
    [
      'metric-series-twice',
      'one series twice',
      (at) => counter(at).sum!.dataPoints!.push({ ...counter(at).sum!.dataPoints![0]! }),
    ],
    [
      'metric-process',
      'a series per process',
      (at) => put(histogram(at).histogram!.dataPoints![0]!.attributes, 'process.pid', { intValue: '1' }),
    ],
    [
      'metric-buckets',
      'other boundaries',
      (at) => (histogram(at).histogram!.dataPoints![0]!.explicitBounds = [1]),
    ],
    [
      'metric-buckets',
      'counts that do not add up',
      (at) => (histogram(at).histogram!.dataPoints![0]!.count = '99'),
    ],
    ['metric-time', 'no start', (at) => delete histogram(at).histogram!.dataPoints![0]!.startTimeUnixNano],
  ]

  it.each(cases)('%s: %s', (rule, what, damage) => {
    const damaged = structuredClone(otlp)
    damage(damaged)
    const profile = what.includes('differs') ? 'genai-dev-1.42+aliases' : 'genai-dev-1.42'
    expect(checkConformance(damaged, { profile }).map((violation) => violation.rule)).toContain(rule)
  })

  it('lets an operator name resource attributes', () => {
    const named = structuredClone(otlp)
    put(named.resourceSpans![0]!.resource!.attributes, 'team', text)
    expect(checkConformance(named, { profile: 'genai-dev-1.42' })).toHaveLength(1)
    expect(checkConformance(named, { profile: 'genai-dev-1.42', operatorKeys: ['team'] })).toEqual([])
  })
})
