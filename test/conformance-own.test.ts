// SPDX-License-Identifier: Apache-2.0
/** The conformance check over what the sensor says of itself: it passes as made, and each rule fires when it is broken. */
import { describe, expect, it } from 'vitest'
import { createExporter } from '../src/exporter/index.js'
import { createHealth, toOwnScope, toSensorResource } from '../src/health/index.js'
import { createBudget, createStats } from '../src/stats.js'
import { checkConformance, type DecodedOtlp } from './support/conformance.js'
import { createMemoryCollector, decodeRequest } from './support/otlp-sink.js'

const NOW = 1_700_000_000_000_000_000n
const RESOURCE = toSensorResource({
  version: '1.2.3',
  instanceId: '9d3c9f7e-0000-4000-8000-000000000000',
  pid: 7,
  hostName: 'box',
  architecture: 'arm64',
  kernelRelease: '6.1.0-44-cloud-amd64',
  operatorAttributes: { 'service.name': 'oisp-sensor' },
})

async function exportOwn(): Promise<DecodedOtlp> {
  const stats = createStats()
  stats.add('records.lost', 'ring_full', 3)
  const collector = createMemoryCollector(stats)
  const exporter = createExporter({ sinks: [collector.sink] })
  const usage = { userCpuMicros: 1, systemCpuMicros: 2, residentBytes: 3, uptimeSeconds: 4 }
  const read = () => ({
    counters: stats.snapshot(),
    budget: createBudget(),
    sinks: exporter.readHealth(),
    capture: undefined,
    usage,
  })
  const own = { resource: RESOURCE, startUnixNano: NOW }
  createHealth({ read, version: '1.2.3', intervalMs: 1000, ...own }, exporter).tick(NOW + 1n)
  const line = { timeUnixNano: NOW, severityNumber: 13, severityText: 'WARN', body: 'odd', attributes: {} }
  const scope = toOwnScope('1.2.3')
  exporter.consumeOwn({ ...own, scope, timeUnixNano: NOW, metrics: [], logRecords: [line] })
  await exporter.shutdown(1000)
  const decoded = collector.requests.map(({ signal, body }) => decodeRequest(signal, body))
  return Object.assign({}, ...decoded) as DecodedOtlp
}

const otlp = await exportOwn()

const scopes = (at: DecodedOtlp) => at.resourceMetrics![0]!.scopeMetrics!
const metric = (at: DecodedOtlp, name: string) => scopes(at)[0]!.metrics!.find((item) => item.name === name)!
const record = (at: DecodedOtlp) => at.resourceLogs![0]!.scopeLogs![0]!.logRecords![0]!

describe('own telemetry', () => {
  it('conforms as it is made', () => {
    expect(checkConformance(otlp)).toEqual([])
    expect(scopes(otlp)[0]!.metrics!.length).toBeGreaterThan(10)
    expect(record(otlp).body).toEqual({ stringValue: 'odd' })
  })

  const cases: [rule: string, what: string, damage: (at: DecodedOtlp) => void][] = [
    ['log-body', 'a line without text', (at) => delete record(at).body],
    ['log-event', 'a line that claims to be an event', (at) => (record(at).eventName = 'x')],
    ['log-event', 'a line in a trace', (at) => (record(at).traceId = '1'.repeat(32))],
    ['log-severity', 'a number of another level', (at) => (record(at).severityNumber = 9)],
    ['log-time', 'no time', (at) => delete record(at).timeUnixNano],
    [
      'attribute-unknown',
      'a fact that the table does not know',
      (at) => (record(at).attributes = [{ key: 'lost', value: { intValue: '3' } }]),
    ],
    ['metric-unknown', 'a counter without entry', (at) => (metric(at, 'oisp.records.lost').name = 'oisp.x')],
    [
      'metric-monotonic',
      'a counter that may fall',
      (at) => (metric(at, 'oisp.records.lost').sum!.isMonotonic = false),
    ],
    [
      'metric-monotonic',
      'a level that only grows',
      (at) => (metric(at, 'process.memory.usage').sum!.isMonotonic = true),
    ],
    ['metric-instrument', 'a gauge without its data', (at) => delete metric(at, 'process.uptime').gauge],
    [
      'metric-scope',
      'a metric of the sensor among those of model calls',
      (at) => (scopes(at)[0]!.schemaUrl = 'https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev'),
    ],
    [
      'attribute-pattern',
      'a sentence as reason',
      (at) =>
        (metric(at, 'oisp.records.lost').sum!.dataPoints![0]!.attributes = [
          { key: 'reason', value: { stringValue: 'it went wrong' } },
        ]),
    ],
    [
      'attribute-misplaced',
      'an observed process on the resource of the sensor',
      (at) =>
        at.resourceMetrics![0]!.resource!.attributes!.push({
          key: 'process.parent_pid',
          value: { intValue: '1' },
        }),
    ],
  ]
  it.each(cases)('%s: %s', (rule, _what, damage) => {
    const copy = structuredClone(otlp)
    damage(copy)
    expect(checkConformance(copy).map((violation) => violation.rule)).toContain(rule)
  })
})
