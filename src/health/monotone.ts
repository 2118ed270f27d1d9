// SPDX-License-Identifier: Apache-2.0
/**
 * Counters that go on when what counts is replaced: a sink with new endpoints begins at 0, while the sum that was reported under
 * the same start time must not fall (metrics data model, "Sums"). In: metrics as read. Out: the same, each counter at least what
 * it was. Knows no name.
 * @module
 */
import type { OwnMetric, OwnPoint } from './types.js'

interface Series {
  /** What ended counters had reached. */
  base: number
  read: number
}

export function createMonotone(): (metrics: readonly OwnMetric[]) => OwnMetric[] {
  const series = new Map<string, Series>()

  function goOn(name: string, { attributes, value }: OwnPoint): OwnPoint {
    const key = `${name} ${JSON.stringify(attributes)}`
    const { base, read } = series.get(key) ?? { base: 0, read: 0 }
    const next = { base: value < read ? base + read : base, read: value }
    series.set(key, next)
    return { attributes, value: next.base + value }
  }

  return (metrics) =>
    metrics.map((metric) =>
      metric.instrument === 'counter'
        ? { ...metric, points: metric.points.map((point) => goOn(metric.name, point)) }
        : metric,
    )
}
