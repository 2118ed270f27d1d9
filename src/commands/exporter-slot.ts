// SPDX-License-Identifier: Apache-2.0
/**
 * An exporter that can be replaced while telemetry flows. In: redacted telemetry, and a configuration now and then. Out: the same
 * calls of whichever exporter is there. New telemetry goes to the new one; requests that wait go to it as well, since they all
 * stand in one queue; what the old one has under way it finishes, or puts back. Nothing is lost, and every counter goes on.
 * @module
 */
import type { Config } from '../config/index.js'
import {
  createMemoryQueue,
  createThirdPartySink,
  type Exporter,
  type NamedThirdParties,
  type RequestQueue,
  type Signal,
  type Sink,
} from '../exporter/index.js'
import { createBudget } from '../stats.js'
import { createSinks, type TelemetrySettings } from './telemetry.js'

export interface ExporterSlotSettings extends TelemetrySettings {
  /** Opened by `openQueue`; memory without it. */
  queue?: RequestQueue | undefined
  /** Loaded by `loadThirdParties`; they stay. */
  parties?: readonly NamedThirdParties[] | undefined
}

export interface ExporterSlot extends Exporter {
  /** Throws SensorError when the new destinations are no good; then the old ones stay. */
  replace(config: Config): void
}

/** Requests under way at a replaced destination may take this long; then they are sent to the new one. */
const DRAIN_MS = 5_000

export function createExporterSlot(settings: ExporterSlotSettings): ExporterSlot {
  const { config, stats, log, parties = [] } = settings
  const queue = settings.queue ?? createMemoryQueue(createBudget(config.queueBytes))
  const partySinks = parties.map((party) => createThirdPartySink({ ...party, stats, log }))
  const draining = new Set<Promise<unknown>>()
  let current = open(config)

  function open(next: Config): { exporter: Exporter; lease: Lease } {
    const lease = createLease(queue)
    const sinks = partySinks.map(keepOpen)
    return { exporter: createSinks({ ...settings, config: next, queue: lease.queue, sinks }), lease }
  }

  function replace(next: Config): void {
    const old = current
    current = open(next)
    old.lease.retire()
    const drained = old.exporter.shutdown(DRAIN_MS).finally(() => {
      draining.delete(drained)
      current.exporter.end()
    })
    draining.add(drained)
    // A look into the queue: the old one has left there what it had not sent.
    current.exporter.end()
  }

  /** Nothing may stay in memory uncounted. */
  function dropLeftOver(): number {
    if (queue.isDurable) return 0
    let items = 0
    for (const signal of SIGNALS)
      for (let held = queue.take(signal); held !== undefined; held = queue.take(signal)) {
        queue.settle(held)
        items += held.items
      }
    if (items > 0) stats.add('exporter.items.dropped', 'shutdown', items)
    return items
  }

  return {
    consume: (telemetry) => current.exporter.consume(telemetry),
    consumeOwn: (own) => current.exporter.consumeOwn(own),
    readHealth: () => current.exporter.readHealth(),
    tick: (now) => current.exporter.tick(now),
    end: () => current.exporter.end(),
    replace,
    async shutdown(deadlineMs) {
      const startedAt = performance.now()
      const [report] = await Promise.all([
        current.exporter.shutdown(deadlineMs),
        ...draining,
        ...partySinks.map((sink) => sink.shutdown(deadlineMs)),
      ])
      const unsentItems = report.unsentItems + dropLeftOver()
      await queue.close(Math.max(0, deadlineMs - (performance.now() - startedAt)))
      return { ...report, unsentItems }
    },
  }
}

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics']

/** Ends with the slot, not with one of its exporters. */
function keepOpen(sink: Sink): Sink {
  return { ...sink, shutdown: async () => ({ unsentItems: 0 }) }
}

interface Lease {
  queue: RequestQueue
  /** From here on its holder gets nothing more, and what it cannot send goes back. */
  retire(): void
}

/** The queue as one exporter sees it. To a retired one it is empty, and it outlives it as a disk outlives a process. */
function createLease(queue: RequestQueue): Lease {
  let isRetired = false
  return {
    retire: () => void (isRetired = true),
    queue: {
      get isDurable() {
        return isRetired || queue.isDurable
      },
      push: (request) => queue.push(request),
      take: (signal) => (isRetired ? undefined : queue.take(signal)),
      settle: (held) => queue.settle(held),
      release: (held) => queue.release(held),
      size: (signal) => (isRetired ? { requests: 0, items: 0, bytes: 0 } : queue.size(signal)),
      // The slot closes it.
      close: async () => {},
    },
  }
}
