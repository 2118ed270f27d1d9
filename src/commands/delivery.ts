// SPDX-License-Identifier: Apache-2.0
/**
 * Whether everything that was made found somebody to take it. In: counters at the end. Out: a sentence and an exit code. Pure.
 * @module
 */
import type { CounterSnapshot } from '../stats.js'

/** `undefined` when no item was dropped, whether its destination refused it, was away or was too slow. */
export function describeRefusals(counters: readonly CounterSnapshot[]): string | undefined {
  const dropped = counters.filter(({ name, count }) => name === 'exporter.items.dropped' && count > 0)
  if (dropped.length === 0) return undefined
  const items = dropped.reduce((sum, { count }) => sum + count, 0)
  const reasons = dropped.map(({ reason, count }) => `${count} ${reason}`).join(', ')
  return (
    `${items} items of telemetry were not accepted (${reasons}); warnings above say why. ` +
    'A signal that a destination does not take is switched off with OTEL_{TRACES,LOGS,METRICS}_EXPORTER=none'
  )
}

/** 1 when telemetry was lost on its way out: the same, whether the destination was unreachable or said no. */
export function deliveryExitCode(counters: readonly CounterSnapshot[]): 0 | 1 {
  return describeRefusals(counters) === undefined ? 0 : 1
}
