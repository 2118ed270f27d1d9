// SPDX-License-Identifier: Apache-2.0
/**
 * Client metrics of model calls. In: inference events. Out: cumulative points, as often as the interval says. Series are keyed
 * by the dimensions of the conventions and never by process; their number is bounded.
 * @module
 */
import type { InferenceEvent, Usage } from '../provider/types.js'
import * as semconv from '../semconv.js'
import type { Stats } from '../stats.js'
import { timeToFirstChunk, toSeconds } from './attributes.js'
import type { Attributes, HistogramPoint, Metric, SumPoint } from './types.js'

/** OTEL_METRIC_EXPORT_INTERVAL's default. */
export const DEFAULT_METRIC_INTERVAL_MS = 60_000
/** The specification's default cardinality limit (metrics SDK, "Cardinality limits"). */
export const DEFAULT_MAX_SERIES = 2000

/** A client may send megabytes as a model name, and every series is kept for good. */
const MAX_KEY_CHARACTERS = 2048

const DIMENSIONS = [
  semconv.ATTR_GEN_AI_OPERATION_NAME,
  semconv.ATTR_GEN_AI_PROVIDER_NAME,
  semconv.ATTR_GEN_AI_REQUEST_MODEL,
  semconv.ATTR_GEN_AI_RESPONSE_MODEL,
  semconv.ATTR_SERVER_ADDRESS,
  semconv.ATTR_SERVER_PORT,
  semconv.ATTR_OPENAI_RESPONSE_SERVICE_TIER,
  semconv.ATTR_OPENAI_RESPONSE_SYSTEM_FINGERPRINT,
]

export interface Meter {
  /** `attributes` are the span's: span and metric cannot disagree. */
  record(event: InferenceEvent, attributes: Attributes): void
  isDue(nowUnixNano: bigint): boolean
  /** All series as they stand. Without a time, as of the latest event or tick. */
  collect(nowUnixNano?: bigint): Metric[]
}

export interface MeterSettings {
  stats: Stats
  profile: semconv.Profile
  intervalMs: number
  maxSeries: number
}

const NONE: Attributes = {}
const OVERFLOW: Attributes = { [semconv.ATTR_OTEL_METRIC_OVERFLOW]: true }
const OVERFLOW_KEY = 'overflow'

interface Call {
  dimensions: Attributes
  startUnixNano: bigint
}
type Point = HistogramPoint | SumPoint
type Record = (name: string, value: number | undefined, extra?: Attributes) => void

export function createMeter({ stats, profile, intervalMs, maxSeries }: MeterSettings): Meter {
  const families = semconv.PROFILES[profile].metrics
  const series = new Map<string, Map<string, Point>>()
  const intervalNs = BigInt(intervalMs) * 1_000_000n
  let latest = 0n
  let lastCollected: bigint | undefined

  /** `key` names the series; its attributes are only made for the first point. */
  function pointOf(name: string, row: semconv.MetricRow, key: string, call: Call, extra: Attributes): Point {
    let points = series.get(name)
    if (points === undefined) series.set(name, (points = new Map()))
    const found = points.get(key)
    if (found !== undefined) return found
    const { dimensions, startUnixNano } = call
    const isTooLong = key.length > MAX_KEY_CHARACTERS
    if (points.size < maxSeries - 1 && !isTooLong)
      return insert(points, key, toPoint(row, { ...dimensions, ...extra }, startUnixNano))
    stats.add('metric_points.overflowed', isTooLong ? 'value_too_long' : 'max_series')
    return (
      points.get(OVERFLOW_KEY) ?? insert(points, OVERFLOW_KEY, toPoint(row, { ...OVERFLOW }, startUnixNano))
    )
  }

  return {
    record(event, attributes) {
      if (event.endUnixNano > latest) latest = event.endUnixNano
      const dimensions = pick(attributes, DIMENSIONS)
      const call: Call = { dimensions, startUnixNano: event.startUnixNano }
      const callKey = JSON.stringify(dimensions)
      const record: Record = (name, value, extra = NONE) => {
        const row = semconv.METRICS.get(name)!
        // A counter that a hostile answer could lower would not be monotonic any more.
        if (value === undefined || !(value >= 0 && value < Infinity) || !families.includes(row.family)) return
        const key = extra === NONE ? callKey : `${callKey}${JSON.stringify(extra)}`
        addTo(pointOf(name, row, key, call, extra), value)
      }
      const failure = event.error === undefined ? NONE : pick(attributes, [semconv.ATTR_ERROR_TYPE])
      recordTimes(event, failure, record)
      if (event.usage !== undefined) recordTokens(event.usage, record)
    },
    isDue(nowUnixNano) {
      if (nowUnixNano > latest) latest = nowUnixNano
      lastCollected ??= nowUnixNano
      return nowUnixNano - lastCollected >= intervalNs
    },
    collect(nowUnixNano = latest) {
      lastCollected = nowUnixNano
      return [...series].map(([name, points]) => toMetric(name, [...points.values()], nowUnixNano))
    },
  }
}

function insert(points: Map<string, Point>, key: string, point: Point): Point {
  points.set(key, point)
  return point
}

function pick(attributes: Attributes, keys: readonly string[]): Attributes {
  const out: Attributes = {}
  for (const key of keys) {
    const value = attributes[key]
    if (value !== undefined) out[key] = value
  }
  return out
}

function recordTimes(event: InferenceEvent, failure: Attributes, record: Record): void {
  const seconds = toSeconds(event.startUnixNano, event.endUnixNano)
  record(semconv.METRIC_GEN_AI_CLIENT_INFERENCE_DURATION, seconds, failure)
  record(semconv.METRIC_GEN_AI_CLIENT_OPERATION_DURATION, seconds, failure)
  const toFirst = timeToFirstChunk(event)
  record(semconv.METRIC_GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK, toFirst)
  record(semconv.METRIC_GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, toFirst)
}

function recordTokens(usage: Usage, record: Record): void {
  const { inputTokens, outputTokens } = usage
  const input = { text: usage.textInputTokens, audio: usage.audioInputTokens }
  for (const [modality, count] of splitByModality(inputTokens, input))
    record(semconv.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS, count, toModality(modality))
  for (const [modality, count] of splitByModality(outputTokens, { audio: usage.audioOutputTokens }))
    record(semconv.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS, count, toModality(modality))
  const unknown = toModality('unknown')
  record(
    semconv.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS,
    usage.cacheReadInputTokens,
    unknown,
  )
  record(
    semconv.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_WRITE_INPUT_TOKENS,
    usage.cacheWriteInputTokens,
    unknown,
  )
  record(
    semconv.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS,
    usage.reasoningOutputTokens,
    unknown,
  )
  record(semconv.METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS, inputTokens)
  record(semconv.METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS, outputTokens)
  const { METRIC_GEN_AI_CLIENT_TOKEN_USAGE: former, ATTR_GEN_AI_TOKEN_TYPE: type } = semconv
  record(former, inputTokens, { [type]: 'input' })
  record(former, outputTokens, { [type]: 'output' })
}

function toModality(value: string): Attributes {
  return { [semconv.ATTR_GEN_AI_TOKEN_MODALITY]: value }
}

/** The pieces always add up to the total; what no piece claims, or a breakdown that claims too much, is `unknown`. */
export function splitByModality(
  total: number | undefined,
  pieces: { readonly [modality: string]: number | undefined },
): [modality: string, count: number][] {
  if (total === undefined) return []
  const known = Object.entries(pieces).filter((piece): piece is [string, number] => (piece[1] ?? 0) > 0)
  const rest = known.reduce((left, [, count]) => left - count, total)
  if (known.length === 0 || rest < 0) return [['unknown', total]]
  return rest > 0 ? [...known, ['unknown', rest]] : known
}

function toPoint({ buckets }: semconv.MetricRow, attributes: Attributes, startUnixNano: bigint): Point {
  const base = { attributes, startUnixNano, timeUnixNano: startUnixNano }
  if (buckets === undefined) return { ...base, value: 0 }
  const counts = new Array<number>(buckets.length + 1).fill(0)
  return { ...base, count: 0, sum: 0, min: Infinity, max: -Infinity, boundaries: buckets, counts }
}

function addTo(point: Point, value: number): void {
  if ('value' in point) {
    point.value += value
    return
  }
  // A bucket includes its upper boundary (metrics data model, "Histogram").
  const index = point.boundaries.findIndex((boundary) => value <= boundary)
  point.counts[index < 0 ? point.boundaries.length : index]! += 1
  point.count += 1
  point.sum += value
  point.min = Math.min(point.min, value)
  point.max = Math.max(point.max, value)
}

/** Copies: the item belongs to the next room, while the series go on. */
function toMetric(name: string, points: Point[], timeUnixNano: bigint): Metric {
  const { unit, description } = semconv.METRICS.get(name)!
  const base = { name, unit, description }
  const sums = points.filter((point) => 'value' in point)
  if (sums.length > 0)
    return { kind: 'sum', ...base, points: sums.map((point) => ({ ...point, timeUnixNano })) }
  const histograms = points.filter((point) => 'counts' in point)
  return {
    kind: 'histogram',
    ...base,
    points: histograms.map((point) => ({ ...point, counts: [...point.counts], timeUnixNano })),
  }
}
