// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { METRICS } from '../semconv.js'
import { createHealth } from './health.js'
import { toMetrics, type Readings } from './metrics.js'
import { createMonotone } from './monotone.js'
import { toSensorResource } from './resource.js'
import type { LaneHealth, OwnMetric, OwnTelemetry } from './types.js'

const SECOND = 1_000_000_000n
const RESOURCE = { attributes: { 'service.name': 'oisp-sensor' }, schemaUrl: 'https://schema.test' }
const USAGE = { userCpuMicros: 1_500_000, systemCpuMicros: 250_000, residentBytes: 4096, uptimeSeconds: 12.5 }

function readings(change: Partial<Readings> = {}): Readings {
  return {
    counters: [],
    budget: { usedBytes: 10, limitBytes: 100 },
    sinks: [],
    capture: undefined,
    usage: USAGE,
    ...change,
  }
}

const LANE: LaneHealth = {
  signal: 'traces',
  protocol: 'grpc',
  serverAddress: 'collector.test',
  serverPort: 4317,
  waitingItems: 3,
  inFlightItems: 2,
  exportedItems: 40,
  droppedItems: new Map([
    ['rejected', 5],
    ['queue_full', 7],
  ]),
}

/** `name{attributes} value`, in a stable order. */
function lines(given: Readings): string[] {
  return toMetrics(given)
    .flatMap(({ name, points }) =>
      points.map(({ attributes, value }) => {
        const pairs = Object.entries(attributes).map(([key, text]) => `${key}=${text}`)
        return `${name}{${pairs.join()}} ${value}`
      }),
    )
    .sort()
}

describe('toMetrics', () => {
  it('makes a metric of every counter, with its reason', () => {
    const counters = [
      { name: 'records.lost', reason: 'ring_full', count: 4 },
      { name: 'spans.made', reason: 'complete', count: 2 },
    ]
    const made = lines(readings({ counters }))
    expect(made).toContain('oisp.records.lost{reason=ring_full} 4')
    expect(made).toContain('oisp.spans.made{reason=complete} 2')
  })

  it('lets no word out that could not be one of ours', () => {
    const counters = [
      { name: 'records.lost', reason: 'sk-Secret Key', count: 4 },
      { name: 'records.lost', reason: '<script>', count: 1 },
      { name: 'no.such.counter', reason: 'x', count: 1 },
    ]
    const made = lines(readings({ counters }))
    expect(made.filter((line) => line.startsWith('oisp.records.lost'))).toEqual([
      'oisp.records.lost{reason=other} 5',
    ])
    expect(made.join()).not.toContain('no.such')
  })

  it('tells what became of the items of a signal under the names of the conventions', () => {
    const sinks = [{ queueBytes: 1000, queueLimitBytes: 2000, lanes: [LANE] }]
    const component = (type: string): string => `otel.component.type=${type},otel.component.name=${type}/0`
    const exporter = `${component('otlp_grpc_span_exporter')},server.address=collector.test,server.port=4317`
    const processor = component('batching_span_processor')
    expect(lines(readings({ sinks })).filter((line) => /^otel|queue/.test(line))).toEqual([
      'oisp.exporter.queue.limit{} 2000',
      'oisp.exporter.queue.usage{} 1000',
      `otel.sdk.exporter.span.exported{${exporter},error.type=rejected} 5`,
      `otel.sdk.exporter.span.exported{${exporter}} 40`,
      `otel.sdk.exporter.span.inflight{${exporter}} 2`,
      `otel.sdk.processor.span.processed{${processor},error.type=queue_full} 7`,
      `otel.sdk.processor.span.processed{${processor}} 47`,
      `otel.sdk.processor.span.queue.size{${processor}} 3`,
    ])
  })

  it('tells its own CPU time in seconds, its memory and its age', () => {
    expect(lines(readings()).filter((line) => line.startsWith('process'))).toEqual([
      'process.cpu.time{cpu.mode=system} 0.25',
      'process.cpu.time{cpu.mode=user} 1.5',
      'process.memory.usage{} 4096',
      'process.uptime{} 12.5',
    ])
  })
})

describe('createMonotone', () => {
  const metric = (instrument: OwnMetric['instrument'], ...values: number[]): OwnMetric => ({
    name: 'm',
    unit: '{item}',
    description: '',
    instrument,
    points: values.map((value, index) => ({ attributes: { index }, value })),
  })
  const valuesOf = ([made]: OwnMetric[]): number[] => made!.points.map(({ value }) => value)

  it('adds what comes after a replacement to what was before, per series', () => {
    const goOn = createMonotone()
    expect(valuesOf(goOn([metric('counter', 5, 1)]))).toEqual([5, 1])
    expect(valuesOf(goOn([metric('counter', 2, 3)]))).toEqual([7, 3])
    expect(valuesOf(goOn([metric('counter', 4, 3)]))).toEqual([9, 3])
    expect(valuesOf(goOn([metric('counter', 0, 9)]))).toEqual([9, 9])
  })

  it('lets levels fall', () => {
    const goOn = createMonotone()
    goOn([metric('updowncounter', 5)])
    expect(valuesOf(goOn([metric('updowncounter', 2)]))).toEqual([2])
  })
})

describe('the table', () => {
  it('has an entry for every counter in the code', () => {
    const source = resolve(import.meta.dirname, '..')
    const files = (readdirSync(source, { recursive: true }) as string[]).filter(
      (file) => /\.ts$/.test(file) && !/\.(test|cases)\.ts$/.test(file),
    )
    const names = files.flatMap((file) =>
      [...readFileSync(join(source, file), 'utf8').matchAll(/\bstats\??\.add\(\s*'([^']+)'/g)].map(
        ([, name]) => name!,
      ),
    )
    expect(names.length).toBeGreaterThan(40)
    const missing = names.filter((name) => METRICS.get(`oisp.${name}`)?.instrument !== 'counter')
    expect(missing).toEqual([])
  })
})

function setUp(intervalMs = 10_000) {
  const reports: OwnTelemetry[] = []
  const passed: unknown[] = []
  const next = {
    consume: (item: unknown) => void passed.push(item),
    tick: (now: bigint) => void passed.push(now),
    end: () => void passed.push('end'),
    consumeOwn: (own: OwnTelemetry) => void reports.push(own),
  }
  const health = createHealth<unknown>(
    { read: readings, resource: RESOURCE, version: '1.2.3', intervalMs, startUnixNano: 100n * SECOND },
    next,
  )
  return { health, reports, passed, times: () => reports.map(({ timeUnixNano }) => timeUnixNano / SECOND) }
}

describe('createHealth', () => {
  it('reports at the first tick, then once per interval, and at the end', () => {
    const { health, times, reports } = setUp()
    for (const second of [101n, 102n, 110n, 111n, 112n, 121n]) health.tick(second * SECOND)
    expect(times()).toEqual([101n, 111n, 121n])
    health.end()
    expect(reports).toHaveLength(4)
    expect(reports.at(-1)!.timeUnixNano).toBe(121n * SECOND + 1n)
  })

  it('counts everything since one and the same time', () => {
    const { health, reports } = setUp()
    health.tick(101n * SECOND)
    health.tick(111n * SECOND)
    expect(reports.map(({ startUnixNano }) => startUnixNano)).toEqual([100n * SECOND, 100n * SECOND])
  })

  it('never reports a time before its start, whatever the ticks say', () => {
    const { health, times } = setUp()
    health.tick(99n * SECOND)
    expect(times()).toEqual([100n])
  })

  it('passes everything on, and its last report before the end', () => {
    const { health, passed, reports } = setUp()
    const item = { spans: [] }
    health.consume(item)
    health.tick(1n)
    health.end()
    expect(passed).toEqual([item, 1n, 'end'])
    expect(reports).toHaveLength(2)
  })
})

describe('toSensorResource', () => {
  const facts = {
    version: '1.2.3',
    instanceId: '9d3c9f7e-0000-4000-8000-000000000000',
    pid: 7,
    hostName: 'box',
    architecture: 'x64',
    kernelRelease: '6.18.0',
    operatorAttributes: { 'service.name': 'oisp-sensor' },
  }

  it('says who the sensor is, in the words of the conventions', () => {
    expect(toSensorResource(facts).attributes).toEqual({
      'service.name': 'oisp-sensor',
      'service.version': '1.2.3',
      'service.instance.id': '9d3c9f7e-0000-4000-8000-000000000000',
      'process.pid': 7,
      'host.name': 'box',
      'host.arch': 'amd64',
      'os.type': 'linux',
      'os.version': '6.18.0',
    })
  })

  it('lets the operator name the host and the instance, but not the version', () => {
    const operatorAttributes = { 'host.name': 'node-1', 'service.instance.id': 'a', 'service.version': '9' }
    expect(toSensorResource({ ...facts, operatorAttributes }).attributes).toMatchObject({
      'host.name': 'node-1',
      'service.instance.id': 'a',
      'service.version': '1.2.3',
    })
  })
})
