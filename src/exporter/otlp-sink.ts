// SPDX-License-Identifier: Apache-2.0
/**
 * The sink that sends OTLP: one lane and one transport per signal, one queue bound over all. In: OTLP objects. Out: requests.
 * @module
 */
import { createBudget, type Stats } from '../stats.js'
import { encodeWithin } from './content.js'
import {
  encodeHead,
  encodeLogRecord,
  encodeMetric,
  encodeSpan,
  headBytes,
  RECORD_FRAME_BYTES,
  type Head,
} from './encode.js'
import { createGrpcTransport } from './grpc.js'
import { createHttpTransport } from './http.js'
import { Lane } from './lane.js'
import type { OtlpMetric, OtlpTelemetry } from './otlp.js'
import { DEFAULT_RETRY, type RetrySettings } from './retry.js'
import { systemClock } from './clock.js'
import type { Clock, ExporterLog, OtlpSettings, ShutdownReport, Signal, Sink, Transport } from './types.js'

/** Below the 4 MiB that a gRPC server takes by default, counted after decompression. */
export const MAX_REQUEST_BYTES = 3.5 * 1024 * 1024
/** One record may fill most of a request; the rest is for its resource. */
export const DEFAULT_MAX_RECORD_BYTES = 3 * 1024 * 1024
export const DEFAULT_QUEUE_BYTES = 32 * 1024 * 1024
/** Shorter than the SDK's 5 s (OTEL_BSP_SCHEDULE_DELAY): a model call is rare and somebody may be watching. */
export const DEFAULT_FLUSH_MS = 1_000
export const DEFAULT_CONCURRENCY = 4
const TARGET_REQUEST_BYTES = 1024 * 1024

export interface OtlpSinkSettings {
  /** One per signal that is exported; a signal without one is not encoded at all. */
  destinations: readonly OtlpSettings[]
  stats: Stats
  log: ExporterLog
  /** Version of the sensor, for the User-Agent. */
  version: string
  queueBytes?: number
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

export function createOtlpSink(settings: OtlpSinkSettings): Sink {
  const { stats, log, clock = systemClock, maxRecordBytes = DEFAULT_MAX_RECORD_BYTES } = settings
  const maxRequestBytes = settings.maxRequestBytes ?? MAX_REQUEST_BYTES
  const queue = createBudget(settings.queueBytes ?? DEFAULT_QUEUE_BYTES)
  const transports = settings.destinations.map((to) =>
    (settings.createTransport ?? defaultTransport(settings))(to),
  )
  const lanes = new Map<Signal, Lane>()
  for (const [index, { signal }] of settings.destinations.entries()) {
    const lane = new Lane({
      signal,
      transport: transports[index]!,
      queue,
      stats,
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
  }
  const limits = { maxRecordBytes, maxRequestBytes }
  return {
    name: 'otlp',
    consume: (_telemetry, otlp) => enqueue(otlp, lanes, limits, stats),
    end: () => lanes.forEach((lane) => lane.flush()),
    shutdown: (deadlineMs) => shutdown([...lanes.values()], transports, deadlineMs, clock, stats),
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

interface SizeLimits {
  maxRecordBytes: number
  maxRequestBytes: number
}

function enqueue(otlp: OtlpTelemetry, lanes: Map<Signal, Lane>, limits: SizeLimits, stats: Stats): void {
  const head = encodeHead(otlp)
  const room = limits.maxRequestBytes - headBytes(head) - RECORD_FRAME_BYTES
  const enqueuer = new Enqueuer(head, Math.min(limits.maxRecordBytes, room), stats)
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
    readonly maxBytes: number,
    readonly stats: Stats,
  ) {
    this.#sharedBytes = headBytes(head)
  }

  push<T extends Parameters<typeof encodeWithin>[0]>(
    lane: Lane,
    record: T,
    encode: (record: T) => Uint8Array,
  ): void {
    const encoded = encodeWithin(record, this.maxBytes, encode)
    if (encoded?.isCut) this.stats.add('exporter.contents.cut', 'too_large')
    this.#pushBytes(lane, encoded?.bytes, 1)
  }

  pushMetric(lane: Lane, metric: OtlpMetric): void {
    const items = pointCount(metric)
    if (items === 0) return
    const bytes = encodeMetric(metric)
    this.#pushBytes(lane, bytes.length <= this.maxBytes ? bytes : undefined, items)
  }

  #pushBytes(lane: Lane, body: Uint8Array | undefined, items: number): void {
    if (body === undefined) return this.stats.add('exporter.items.dropped', 'too_large', items)
    lane.push({ head: this.head, body, items, bytes: body.length + RECORD_FRAME_BYTES + this.#sharedBytes })
    this.#sharedBytes = 0
  }
}

export function pointCount({ sum, histogram }: OtlpMetric): number {
  return (sum ?? histogram)?.dataPoints.length ?? 0
}

async function shutdown(
  lanes: readonly Lane[],
  transports: readonly Transport[],
  deadlineMs: number,
  clock: Clock,
  stats: Stats,
): Promise<ShutdownReport> {
  const before = stats.get('exporter.items.dropped', 'shutdown')
  const close = (): Promise<unknown> => Promise.all(transports.map((transport) => transport.close()))
  const timer = clock.setTimer(() => {
    for (const lane of lanes) lane.abort()
    void close()
  }, deadlineMs)
  await Promise.all(lanes.map((lane) => lane.drain(clock.now() + deadlineMs)))
  clock.clearTimer(timer)
  await close()
  return { unsentItems: stats.get('exporter.items.dropped', 'shutdown') - before }
}
