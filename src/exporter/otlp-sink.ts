// SPDX-License-Identifier: Apache-2.0
/**
 * The sink that sends OTLP: one lane and one transport per signal, one queue bound over all. In: OTLP objects. Out: requests.
 * @module
 */
import { createBudget, type Budget, type Stats } from '../stats.js'
import { encodeWithin } from './content.js'
import { encodeLogRecord, encodeMetric, encodeSpan } from './encode.js'
import { HeadCache } from './head-cache.js'
import { createGrpcTransport } from './grpc.js'
import { createHttpTransport } from './http.js'
import { Lane } from './lane.js'
import { createLaneTally, type LaneTally } from './lane-tally.js'
import { createMemoryQueue } from './memory-queue.js'
import type { OtlpMetric, OtlpTelemetry } from './otlp.js'
import { headBytes, RECORD_FRAME_BYTES, type Head } from './request.js'
import { DEFAULT_RETRY, type RetrySettings } from './retry.js'
import { systemClock } from './clock.js'
import type {
  Clock,
  ExporterLog,
  OtlpSettings,
  QueueSize,
  RequestQueue,
  ShutdownReport,
  Signal,
  Sink,
  Transport,
} from './types.js'

/** Below the 4 MiB that a gRPC server takes by default, counted after decompression. */
export const MAX_REQUEST_BYTES = 3.5 * 1024 * 1024
/** One record may fill most of a request; the rest is for its resource. */
export const DEFAULT_MAX_RECORD_BYTES = 3 * 1024 * 1024
export const DEFAULT_QUEUE_BYTES = 32 * 1024 * 1024
/** Shorter than the SDK's 5 s (OTEL_BSP_SCHEDULE_DELAY): a model call is rare and somebody may be watching. */
export const DEFAULT_FLUSH_MS = 1_000
export const DEFAULT_CONCURRENCY = 4
/**
 * Kept free for what the sensor says of itself, some ten reports: when one signal's outage has filled the queue, the metrics
 * must still be able to say so. Of a small queue, a part.
 */
const OWN_BYTES = 128 * 1024
const OWN_SHARE = 1 / 16
const TARGET_REQUEST_BYTES = 1024 * 1024

export interface OtlpSinkSettings {
  /** One per signal that is exported; a signal without one is not encoded at all. */
  destinations: readonly OtlpSettings[]
  stats: Stats
  log: ExporterLog
  /** Version of the sensor, for the User-Agent. */
  version: string
  /** Memory for everything that waits; with `queue`, for what is not in it yet. */
  queueBytes?: number
  /** In place of `queueBytes` when `queue` takes of the same: then one bound holds over both. */
  budget?: Budget | undefined
  /** Where encoded requests wait; memory by default. The sink closes it. */
  queue?: RequestQueue
  maxRecordBytes?: number
  maxRequestBytes?: number
  flushMs?: number
  concurrency?: number
  retry?: RetrySettings
  clock?: Clock
  random?: () => number
  /** Replaces the network, for tests that decode what would be sent. */
  createTransport?: (destination: OtlpSettings) => Transport
}

export interface OtlpSink extends Sink {
  /** What waits or is under way, for the sensor's own metrics. */
  queueSize(signal: Signal): QueueSize
}

/** Throws SensorError when a TLS file of a destination is no good. */
export function createOtlpSink(settings: OtlpSinkSettings): OtlpSink {
  const { stats, log, clock = systemClock, maxRecordBytes = DEFAULT_MAX_RECORD_BYTES } = settings
  const maxRequestBytes = settings.maxRequestBytes ?? MAX_REQUEST_BYTES
  const budget = settings.budget ?? createBudget(settings.queueBytes ?? DEFAULT_QUEUE_BYTES)
  const queue = settings.queue ?? createMemoryQueue(budget)
  const transports = settings.destinations.map((to) =>
    (settings.createTransport ?? defaultTransport(settings))(to),
  )
  const lanes = new Map<Signal, Lane>()
  const tallies = new Map<Lane, LaneTally>()
  for (const [index, destination] of settings.destinations.entries()) {
    const { signal } = destination
    const tally = createLaneTally(stats, queue, destination)
    const lane = new Lane({
      signal,
      transport: transports[index]!,
      queue: tally.queue,
      budget,
      stats: tally.stats,
      clock,
      log,
      random: settings.random ?? Math.random,
      retry: settings.retry ?? DEFAULT_RETRY,
      flushMs: settings.flushMs ?? DEFAULT_FLUSH_MS,
      maxRequestBytes,
      targetRequestBytes: Math.min(TARGET_REQUEST_BYTES, maxRequestBytes),
      concurrency: settings.concurrency ?? DEFAULT_CONCURRENCY,
    })
    lanes.set(signal, lane)
    tallies.set(lane, tally)
    lane.start()
  }
  dropForeign(queue, lanes, settings)
  const own = { maxRecordBytes, maxRequestBytes, spareBytes: 0, heads: new HeadCache() }
  const limits = { ...own, spareBytes: Math.min(OWN_BYTES, budget.limitBytes * OWN_SHARE) }
  return {
    name: 'otlp',
    consume: (_telemetry, otlp) => enqueue(otlp, lanes, limits, stats),
    consumeOwn: (otlp) => enqueue(otlp, lanes, own, stats),
    readHealth: () => ({
      queueLimitBytes: queue.isDurable ? undefined : budget.limitBytes,
      queueBytes: [...lanes.values()].reduce((sum, lane) => sum + lane.size().bytes, 0),
      lanes: [...tallies].map(([lane, tally]) => tally.read(lane.size(), lane.isOff)),
    }),
    end: () => lanes.forEach((lane) => lane.flush()),
    shutdown: (deadlineMs) => shutdown({ lanes, transports, queue, clock, stats }, deadlineMs),
    queueSize: (signal) => lanes.get(signal)?.size() ?? { requests: 0, items: 0, bytes: 0 },
  }
}

/** How OTLP clients name themselves (specification, "User Agent"); the product stands first. */
export const userAgent = (version: string): string =>
  `oisp-sensor/${version} OTel-OTLP-Exporter-JavaScript/${version}`

function defaultTransport({
  version,
  log,
  clock = systemClock,
}: OtlpSinkSettings): (to: OtlpSettings) => Transport {
  const context = { userAgent: userAgent(version), clock, log }
  return (to) =>
    to.protocol === 'grpc' ? createGrpcTransport(to, context) : createHttpTransport(to, context)
}

interface EnqueueLimits {
  maxRecordBytes: number
  maxRequestBytes: number
  spareBytes: number
  heads: HeadCache
}

function enqueue(otlp: OtlpTelemetry, lanes: Map<Signal, Lane>, limits: EnqueueLimits, stats: Stats): void {
  const head = limits.heads.get(otlp)
  const room = limits.maxRequestBytes - headBytes(head) - RECORD_FRAME_BYTES
  const enqueuer = new Enqueuer(
    head,
    { ...limits, maxRecordBytes: Math.min(limits.maxRecordBytes, room) },
    stats,
  )
  const traces = lanes.get('traces')
  if (traces) for (const span of otlp.spans) enqueuer.push(traces, span, encodeSpan)
  const logs = lanes.get('logs')
  if (logs) for (const record of otlp.logRecords) enqueuer.push(logs, record, encodeLogRecord)
  const metrics = lanes.get('metrics')
  if (metrics) for (const metric of otlp.metrics) enqueuer.pushMetric(metrics, metric)
}

/** Puts the records of one `OtlpTelemetry` into the lanes; they share `head`, which the first one accounts for. */
class Enqueuer {
  #sharedBytes: number

  constructor(
    readonly head: Head,
    readonly limits: EnqueueLimits,
    readonly stats: Stats,
  ) {
    this.#sharedBytes = headBytes(head)
  }

  push<T extends Parameters<typeof encodeWithin>[0]>(
    lane: Lane,
    record: T,
    encode: (record: T) => Uint8Array,
  ): void {
    const encoded = encodeWithin(record, this.limits.maxRecordBytes, encode)
    if (encoded?.isCut) this.stats.add('exporter.contents.cut', 'too_large')
    this.#pushBytes(lane, encoded?.bytes, 1)
  }

  pushMetric(lane: Lane, metric: OtlpMetric): void {
    const items = pointCount(metric)
    if (items === 0) return
    const bytes = encodeMetric(metric)
    this.#pushBytes(lane, bytes.length <= this.limits.maxRecordBytes ? bytes : undefined, items)
  }

  #pushBytes(lane: Lane, body: Uint8Array | undefined, items: number): void {
    if (body === undefined) return this.stats.add('exporter.items.dropped', 'too_large', items)
    const bytes = body.length + RECORD_FRAME_BYTES + this.#sharedBytes
    lane.push({ head: this.head, body, items, bytes }, this.limits.spareBytes)
    this.#sharedBytes = 0
  }
}

export function pointCount({ gauge, sum, histogram }: OtlpMetric): number {
  return (gauge ?? sum ?? histogram)?.dataPoints.length ?? 0
}

/** What an earlier process left of a signal that nobody takes any more would fill the disk queue for ever. */
function dropForeign(
  queue: RequestQueue,
  lanes: ReadonlyMap<Signal, Lane>,
  { stats, log }: OtlpSinkSettings,
): void {
  for (const signal of ['traces', 'logs', 'metrics'] as const) {
    const { items } = queue.size(signal)
    if (lanes.has(signal) || items === 0) continue
    log.warn(`${signal}: ${items} items of an earlier run are dropped: the signal is no longer exported`)
    for (let held = queue.take(signal); held !== undefined; held = queue.take(signal)) {
      queue.settle(held)
      stats.add('exporter.items.dropped', 'signal_off', held.items)
    }
  }
}

interface Running {
  lanes: ReadonlyMap<Signal, Lane>
  transports: readonly Transport[]
  queue: RequestQueue
  clock: Clock
  stats: Stats
}

/** A durable queue gets this much of the deadline for itself. */
const QUEUE_CLOSE_MS = 500

async function shutdown(running: Running, deadlineMs: number): Promise<ShutdownReport> {
  const { lanes, transports, queue, clock, stats } = running
  const before = stats.get('exporter.items.dropped', 'shutdown')
  const close = (): Promise<unknown> => Promise.all(transports.map((transport) => transport.close()))
  const deadline = clock.now() + deadlineMs
  const sendMs = queue.isDurable ? Math.max(0, deadlineMs - QUEUE_CLOSE_MS) : deadlineMs
  const timer = clock.setTimer(() => {
    for (const lane of lanes.values()) lane.abort()
    void close()
  }, sendMs)
  await Promise.all([...lanes.values()].map((lane) => lane.drain(clock.now() + sendMs)))
  clock.clearTimer(timer)
  await close()
  await queue.close(Math.max(0, deadline - clock.now()))
  const keptItems = [...lanes.keys()].reduce((sum, signal) => sum + queue.size(signal).items, 0)
  const unsentItems = stats.get('exporter.items.dropped', 'shutdown') - before
  return keptItems > 0 ? { unsentItems, keptItems } : { unsentItems }
}
