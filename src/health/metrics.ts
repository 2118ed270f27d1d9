// SPDX-License-Identifier: Apache-2.0
/**
 * Readings → metrics with the names of semconv/registry/self.yaml. In: counters, queues, the sensor's process. Out: points.
 * A name that is not in the table, or a word that does not look like one of ours, does not leave. Pure.
 * @module
 */
import * as semconv from '../semconv.js'
import type { Budget, CounterSnapshot } from '../stats.js'
import type {
  CaptureHealth,
  LaneHealth,
  OwnAttributes,
  OwnMetric,
  ProcessUsage,
  SinkHealth,
} from './types.js'

export interface Readings {
  counters: readonly CounterSnapshot[]
  /** The bound over everything that rooms hold. */
  budget: Pick<Budget, 'usedBytes' | 'limitBytes'>
  sinks: readonly SinkHealth[]
  /** Undefined as long as nothing is captured. */
  capture: CaptureHealth | undefined
  usage: ProcessUsage
}

type Add = (name: string, value: number, attributes?: OwnAttributes) => void

export function toMetrics({ counters, budget, sinks, capture, usage }: Readings): OwnMetric[] {
  const metrics = new Map<string, OwnMetric>()
  const add: Add = (name, value, attributes = {}) => {
    const row = semconv.METRICS.get(name)
    if (row?.family !== 'self' || row.instrument === 'histogram') return
    const { unit, description, instrument } = row
    const metric = metrics.get(name) ?? { name, unit, description, instrument, points: [] }
    metric.points.push({ attributes, value })
    metrics.set(name, metric)
  }
  addCounters(add, counters)
  add(semconv.METRIC_OISP_BUFFERS_USAGE, budget.usedBytes)
  add(semconv.METRIC_OISP_BUFFERS_LIMIT, budget.limitBytes)
  for (const sink of sinks) addSink(add, sink)
  if (capture !== undefined) addCapture(add, capture)
  addUsage(add, usage)
  return [...metrics.values()]
}

/** `noun.past-verb` is `oisp.noun.past-verb`; reasons that do not look like words of ours share one series. */
function addCounters(add: Add, counters: readonly CounterSnapshot[]): void {
  const { regex } = semconv.ATTRIBUTES.get(semconv.ATTR_REASON)!.pattern!
  const series = new Map<string, { name: string; reason: string; count: number }>()
  for (const { name, reason, count } of counters) {
    const word = regex.test(reason) ? reason : 'other'
    const key = `${name} ${word}`
    series.set(key, { name, reason: word, count: count + (series.get(key)?.count ?? 0) })
  }
  for (const { name, reason, count } of series.values())
    add(`oisp.${name}`, count, { [semconv.ATTR_REASON]: reason })
}

function addCapture(add: Add, capture: CaptureHealth): void {
  add(semconv.METRIC_OISP_TRANSFERS_CAPTURED, capture.transfers)
  add(semconv.METRIC_OISP_BYTES_CAPTURED, capture.bytes)
  add(semconv.METRIC_OISP_PROBES_HIT, capture.probeHits)
  add(semconv.METRIC_OISP_CALLS_REPEATED, capture.repeatedCalls)
  add(semconv.METRIC_OISP_RETURNS_ORPHANED, capture.orphanedReturns)
  add(semconv.METRIC_OISP_FILES_ATTACHED, capture.attachedFiles)
  add(semconv.METRIC_OISP_PROCESSES_HOOKED, capture.hookedProcesses)
  add(semconv.METRIC_OISP_PROCESSES_BLIND, capture.blindProcesses)
}

function addUsage(add: Add, usage: ProcessUsage): void {
  add(semconv.METRIC_PROCESS_CPU_TIME, usage.userCpuMicros / 1e6, { [semconv.ATTR_CPU_MODE]: 'user' })
  add(semconv.METRIC_PROCESS_CPU_TIME, usage.systemCpuMicros / 1e6, { [semconv.ATTR_CPU_MODE]: 'system' })
  add(semconv.METRIC_PROCESS_MEMORY_USAGE, usage.residentBytes)
  add(semconv.METRIC_PROCESS_UPTIME, usage.uptimeSeconds)
}

/** How the conventions name a signal's items ("SDK metrics"). Data points have no processor there. */
const NAMES = {
  traces: {
    exporter: 'span',
    inflight: semconv.METRIC_OTEL_SDK_EXPORTER_SPAN_INFLIGHT,
    exported: semconv.METRIC_OTEL_SDK_EXPORTER_SPAN_EXPORTED,
    processor: 'batching_span_processor',
    waiting: semconv.METRIC_OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE,
    processed: semconv.METRIC_OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
  },
  logs: {
    exporter: 'log',
    inflight: semconv.METRIC_OTEL_SDK_EXPORTER_LOG_INFLIGHT,
    exported: semconv.METRIC_OTEL_SDK_EXPORTER_LOG_EXPORTED,
    processor: 'batching_log_processor',
    waiting: semconv.METRIC_OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE,
    processed: semconv.METRIC_OTEL_SDK_PROCESSOR_LOG_PROCESSED,
  },
  metrics: {
    exporter: 'metric',
    inflight: semconv.METRIC_OTEL_SDK_EXPORTER_METRIC_DATA_POINT_INFLIGHT,
    exported: semconv.METRIC_OTEL_SDK_EXPORTER_METRIC_DATA_POINT_EXPORTED,
    processor: undefined,
    waiting: undefined,
    processed: undefined,
  },
} as const

function addSink(add: Add, { queueBytes, queueLimitBytes, lanes }: SinkHealth): void {
  add(semconv.METRIC_OISP_EXPORTER_QUEUE_USAGE, queueBytes)
  if (queueLimitBytes !== undefined) add(semconv.METRIC_OISP_EXPORTER_QUEUE_LIMIT, queueLimitBytes)
  for (const lane of lanes) {
    addExporter(add, lane)
    addProcessor(add, lane)
  }
}

function addExporter(add: Add, lane: LaneHealth): void {
  const { exporter, inflight, exported } = NAMES[lane.signal]
  const type = `otlp_${lane.protocol === 'grpc' ? 'grpc' : 'http'}_${exporter}_exporter`
  const place: OwnAttributes = {
    ...toComponent(type),
    ...(lane.serverAddress === undefined ? {} : { [semconv.ATTR_SERVER_ADDRESS]: lane.serverAddress }),
    ...(lane.serverPort === undefined ? {} : { [semconv.ATTR_SERVER_PORT]: lane.serverPort }),
  }
  add(inflight, lane.inFlightItems, place)
  add(exported, lane.exportedItems, place)
  for (const [reason, items] of lane.droppedItems)
    if (reason !== QUEUE_FULL) add(exported, items, { ...place, [semconv.ATTR_ERROR_TYPE]: reason })
}

/** The conventions' word for it is ours as well. */
const QUEUE_FULL = 'queue_full'

function addProcessor(add: Add, lane: LaneHealth): void {
  const { processor, waiting, processed } = NAMES[lane.signal]
  if (processor === undefined) return
  const component = toComponent(processor)
  let handed = lane.exportedItems + lane.inFlightItems
  for (const [reason, items] of lane.droppedItems) if (reason !== QUEUE_FULL) handed += items
  add(waiting, lane.waitingItems, component)
  add(processed, handed, component)
  const refused = lane.droppedItems.get(QUEUE_FULL) ?? 0
  if (refused > 0) add(processed, refused, { ...component, [semconv.ATTR_ERROR_TYPE]: QUEUE_FULL })
}

/** There is one of each. */
function toComponent(type: string): OwnAttributes {
  return { [semconv.ATTR_OTEL_COMPONENT_TYPE]: type, [semconv.ATTR_OTEL_COMPONENT_NAME]: `${type}/0` }
}
