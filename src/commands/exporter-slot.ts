// SPDX-License-Identifier: Apache-2.0
/**
 * An exporter that can be replaced while telemetry flows. In: redacted telemetry, and a configuration now and then. Out: the same
 * calls of whichever exporter is there. New telemetry goes to the new one; requests that wait go to it as well, since they all
 * stand in one queue; what the old one has under way it finishes, or puts back. Nothing is lost, and every counter goes on. One
 * exception: when message content may leave no more, whatever was made before is dropped, because nobody can tell what is in it.
 * @module
 */
import type { Config } from '../config/index.js'
import {
  createMemoryQueue,
  createThirdPartySink,
  type Exporter,
  type NamedThirdParties,
  type RequestQueue,
  type Sink,
} from '../exporter/index.js'
import { createBudget, type Stats } from '../stats.js'
import { dropWaiting } from './drop-waiting.js'
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

const REDACTION_CHANGED = 'redaction_changed'

export function createExporterSlot(settings: ExporterSlotSettings): ExporterSlot {
  const { config, stats, log, parties = [] } = settings
  // One bound over what waits in the queue and what is on its way there. It stays when the configuration changes, as the queue does.
  const budget = createBudget(config.queueBytes)
  const queue = settings.queue ?? createMemoryQueue(budget)
  const partySinks = parties.map((party) => createThirdPartySink({ ...party, stats, log }))
  const draining = new Set<Promise<unknown>>()
  /** Those that may still put something into the queue. */
  const leases = new Set<Lease>()
  let current = open(config)

  function open(next: Config): Current {
    const lease = createLease(queue, stats)
    const sinks = partySinks.map(keepOpen)
    const exporter = createSinks({ ...settings, config: next, queue: lease.queue, budget, sinks })
    leases.add(lease)
    return { exporter, lease, mode: next.redactionMode }
  }

  function replace(next: Config): void {
    const old = current
    current = open(next)
    old.lease.retire()
    const isForbidden = old.mode === 'full' && next.redactionMode === 'safe'
    const before = countForgotten()
    if (isForbidden) forget(current.lease)
    const drained = old.exporter.shutdown(isForbidden ? 0 : DRAIN_MS).finally(() => {
      draining.delete(drained)
      leases.delete(old.lease)
      if (isForbidden) sayForgotten(countForgotten() - before)
      current.exporter.end()
    })
    draining.add(drained)
    // A look into the queue: the old one has left there what it had not sent.
    current.exporter.end()
  }

  /** What waits, and what comes back from destinations that were replaced earlier: their requests stand in no order of modes. */
  function forget(kept: Lease): void {
    for (const lease of leases) if (lease !== kept) lease.forbid()
    dropWaiting(queue, stats, REDACTION_CHANGED)
  }

  const countForgotten = (): number => stats.get('exporter.items.dropped', REDACTION_CHANGED)

  function sayForgotten(items: number): void {
    if (items > 0) log.warn(`redaction is safe again: ${items} items that waited are dropped, not sent`)
  }

  /** Nothing may stay in memory uncounted. */
  function dropLeftOver(): number {
    return queue.isDurable ? 0 : dropWaiting(queue, stats, 'shutdown')
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

/** Ends with the slot, not with one of its exporters. */
function keepOpen(sink: Sink): Sink {
  return { ...sink, shutdown: async () => ({ unsentItems: 0 }) }
}

interface Current {
  exporter: Exporter
  lease: Lease
  mode: Config['redactionMode']
}

interface Lease {
  queue: RequestQueue
  /** From here on its holder gets nothing more, and what it cannot send goes back. */
  retire(): void
  /** From here on what its holder puts into the queue, or back, is dropped and counted. */
  forbid(): void
}

/** The queue as one exporter sees it. To a retired one it is empty, and it outlives it as a disk outlives a process. */
function createLease(queue: RequestQueue, stats: Stats): Lease {
  let isRetired = false
  let isForbidden = false
  const drop = (items: number): void => stats.add('exporter.items.dropped', REDACTION_CHANGED, items)
  return {
    retire: () => void (isRetired = true),
    forbid: () => void (isForbidden = true),
    queue: {
      get isDurable() {
        return isRetired || queue.isDurable
      },
      push(request) {
        if (!isForbidden) return queue.push(request)
        drop(request.items)
        return undefined
      },
      take: (signal) => (isRetired ? undefined : queue.take(signal)),
      settle: (held) => queue.settle(held),
      release(held) {
        if (!isForbidden) return queue.release(held)
        queue.settle(held)
        drop(held.items)
      },
      size: (signal) => (isRetired ? { requests: 0, items: 0, bytes: 0 } : queue.size(signal)),
      // The slot closes it.
      close: async () => {},
    },
  }
}
