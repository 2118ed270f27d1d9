// SPDX-License-Identifier: Apache-2.0
/**
 * The metric rules of the conformance check: name, scope, instrument, unit, points. In: one decoded metric. Out: violations.
 * @module
 */
import { METRICS, PROFILES, type MetricRow, type Profile } from '../../src/semconv.js'
import { checkAttributes, toBigInt, type KeyValue, type Report } from './conformance-attributes.js'

interface DecodedPoint {
  attributes?: KeyValue[]
  startTimeUnixNano?: unknown
  timeUnixNano?: unknown
  asInt?: unknown
  asDouble?: number
  count?: unknown
  explicitBounds?: number[]
  bucketCounts?: unknown[]
}
export interface DecodedMetric {
  name?: string
  unit?: string
  sum?: { dataPoints?: DecodedPoint[]; aggregationTemporality?: number; isMonotonic?: boolean }
  gauge?: { dataPoints?: DecodedPoint[]; aggregationTemporality?: undefined }
  histogram?: { dataPoints?: DecodedPoint[]; aggregationTemporality?: number }
}
const CUMULATIVE = 2
const DATA = { counter: 'sum', updowncounter: 'sum', gauge: 'gauge', histogram: 'histogram' } as const
const OVERFLOW_LEVELS = { 'otel.metric.overflow': 'required' } as const

interface MetricExpectation {
  profile: Profile
  isOwn: boolean
}

export function checkMetric(
  metric: DecodedMetric,
  { profile, isOwn }: MetricExpectation,
  report: Report,
): void {
  const row = METRICS.get(metric.name ?? '')
  if (row === undefined) return report('metric-unknown', `${metric.name}`)
  if (isOwn !== (row.family === 'self')) report('metric-scope', `${row.family} stands on the wrong scope`)
  if (!isOwn && !PROFILES[profile].metrics.includes(row.family))
    report('profile-metric', `${row.family} is not in ${profile}`)
  if (metric.unit !== row.unit) report('metric-unit', `${metric.unit}, must be ${row.unit}`)
  const data = metric[DATA[row.instrument]]
  if (data === undefined) return report('metric-instrument', `must be ${row.instrument}`)
  if (row.instrument !== 'gauge' && data.aggregationTemporality !== CUMULATIVE)
    report('metric-temporality', `${data.aggregationTemporality}`)
  if ((row.instrument === 'counter') !== (metric.sum?.isMonotonic === true))
    report('metric-monotonic', `${row.instrument} and isMonotonic ${metric.sum?.isMonotonic}`)
  const seen = new Set<string>()
  for (const point of data.dataPoints ?? []) {
    checkPoint(point, row, profile, report)
    const series = JSON.stringify([...(point.attributes ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1)))
    if (seen.has(series)) report('metric-series-twice', series)
    seen.add(series)
  }
}

function checkPoint(point: DecodedPoint, row: MetricRow, profile: Profile, report: Report): void {
  const isOverflow = point.attributes?.some(({ key }) => key === 'otel.metric.overflow') === true
  // Metrics never carry an alias attribute: former metrics have their own names already.
  const levels = isOverflow ? OVERFLOW_LEVELS : row.attributes
  const attributes = checkAttributes(point.attributes, { levels, profile, structuredAs: 'map' }, report)
  for (const key of attributes.keys()) if (key.startsWith('process.')) report('metric-process', key)
  if (
    toBigInt(point.startTimeUnixNano) <= 0n ||
    toBigInt(point.timeUnixNano) < toBigInt(point.startTimeUnixNano)
  )
    report('metric-time', `${String(point.startTimeUnixNano)} to ${String(point.timeUnixNano)}`)
  if (row.buckets === undefined) return
  if (JSON.stringify(point.explicitBounds) !== JSON.stringify(row.buckets))
    report('metric-buckets', 'other boundaries')
  const counts = (point.bucketCounts ?? []).map(toBigInt)
  if (
    counts.length !== row.buckets.length + 1 ||
    counts.reduce((sum, n) => sum + n, 0n) !== toBigInt(point.count)
  )
    report('metric-buckets', 'counts do not add up')
}
