// SPDX-License-Identifier: Apache-2.0
/**
 * The sensor's counters, often enough to see a loss while it happens. In: whatever goes to the exporter, passed on untouched and
 * unread, and the ticks that come with it. Out: OwnTelemetry beside it. Knows no clock, no file and no captured byte.
 * @module
 */
import type { Consumer } from '../consumer.js'
import { toMetrics, type Readings } from './metrics.js'
import { createMonotone } from './monotone.js'
import { toOwnScope } from './resource.js'
import type { OwnResource, OwnTelemetry } from './types.js'

export interface HealthSettings {
  /** Everything as it stands now. Called when metrics are due, never in between. */
  read(): Readings
  /** The sensor's own. */
  resource: OwnResource
  version: string
  intervalMs: number
  /** When the sensor's process started: where all sums begin. */
  startUnixNano: bigint
}

export interface OwnConsumer {
  consumeOwn(own: OwnTelemetry): void
}

/** The first report comes with the first tick: a sensor that runs is seen at once. */
export function createHealth<T>(settings: HealthSettings, next: Consumer<T> & OwnConsumer): Consumer<T> {
  const { read, resource, version, startUnixNano } = settings
  const intervalNs = BigInt(settings.intervalMs) * 1_000_000n
  const scope = toOwnScope(version)
  const goOn = createMonotone()
  let latest = startUnixNano
  let reportedAt: bigint | undefined

  function report(): void {
    reportedAt = latest
    const metrics = goOn(toMetrics(read()))
    next.consumeOwn({ resource, scope, startUnixNano, timeUnixNano: latest, metrics, logRecords: [] })
  }

  return {
    consume: (item) => next.consume(item),
    tick(nowUnixNano) {
      if (nowUnixNano > latest) latest = nowUnixNano
      if (reportedAt === undefined || latest - reportedAt >= intervalNs) report()
      next.tick(nowUnixNano)
    },
    end() {
      // Two points of one series with the same time are one too many (metrics data model, "Single-Writer").
      if (latest === reportedAt) latest += 1n
      report()
      next.end()
    },
  }
}
