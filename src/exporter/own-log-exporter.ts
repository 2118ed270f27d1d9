// SPDX-License-Identifier: Apache-2.0
/**
 * The operational log's way out over gRPC: patience and counting around the official log exporter, which sends once, counts
 * nothing and reads its TLS files once. In: batches of the SDK. Out: every record in `own_logs.exported` or `own_logs.dropped`.
 * Says what goes wrong on standard error only: a line about a failed export must not be the next thing to export.
 * @module
 */
import type * as Grpc from '@grpc/grpc-js'
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { Stats } from '../stats.js'
import { systemClock } from './clock.js'
import { displayEndpoint, peerText } from './explain.js'
import { createLogin, toFailure } from './grpc.js'
import { Hold } from './hold.js'
import { backoffMs, DEFAULT_RETRY, retryDelayMs, type RetrySettings } from './retry.js'
import { TlsFiles, type TlsMaterial } from './tls-files.js'
import type { Clock, ExporterLog, OtlpSettings, SendResult } from './types.js'

/** Lines that wait, batch under way included: the SDK's default (OTEL_BLRP_MAX_QUEUE_SIZE). They are on standard error as well. */
export const MAX_WAITING_LOG_RECORDS = 2048

/** What the official exporter is built from. */
export interface OfficialOptions {
  url: string
  credentials: Grpc.ChannelCredentials
  metadata: Grpc.Metadata
  /** Strings of its own enum. */
  compression: 'gzip' | 'none'
  timeoutMillis: number
  userAgent: string
}

export interface OwnLogExporterSettings {
  destination: OtlpSettings
  stats: Stats
  /** Whose lines are not exported. */
  log: ExporterLog
  version: string
  createOfficial(options: OfficialOptions): LogRecordExporter
  retry?: RetrySettings
  clock?: Clock
  random?: () => number
}

type DropReason = 'queue_full' | 'rejected' | 'signal_off' | 'shutdown'
const SUCCESS = 0

/** Throws SensorError when a TLS file of the destination is no good. */
export class OwnLogExporter implements LogRecordExporter {
  readonly #settings: OwnLogExporterSettings
  readonly #clock: Clock
  readonly #hold: Hold
  readonly #tlsFiles: TlsFiles | undefined
  #tls: TlsMaterial | undefined
  #official: Promise<LogRecordExporter> | undefined
  #waiting = 0
  #isOff = false
  #isEnding = false
  #isAbandoned = false
  /** What was said since the last success. */
  readonly #said = new Set<string>()

  constructor(settings: OwnLogExporterSettings) {
    const { destination, log, clock = systemClock } = settings
    this.#settings = settings
    this.#clock = clock
    this.#hold = new Hold(clock)
    this.#tlsFiles = destination.insecure ? undefined : new TlsFiles({ paths: destination.tls, clock, log })
  }

  /** Whether one more line may be given to the SDK; if not, it has been counted. The SDK's own drops are silent. */
  admit(): boolean {
    if (this.#isOff) return this.#refuse('signal_off')
    if (this.#isEnding) return this.#refuse('shutdown')
    if (this.#waiting >= MAX_WAITING_LOG_RECORDS) {
      this.#sayOnce('queue_full', 'too many lines wait to be exported: dropping what comes')
      return this.#refuse('queue_full')
    }
    this.#waiting += 1
    return true
  }

  /** Always with success: the SDK would only give the failure to a global handler. */
  export(records: ReadableLogRecord[], done: (result: { code: number }) => void): void {
    void this.#deliver(records).finally(() => done({ code: SUCCESS }))
  }

  /** Nothing waits here without being under way. */
  async forceFlush(): Promise<void> {}

  /** From here on, one attempt per batch. */
  end(): void {
    this.#isEnding = true
    this.#hold.end()
  }

  /** The deadline has come. What is still under way counts as dropped, whatever becomes of it. */
  abandon(): void {
    this.#isAbandoned = true
    this.#drop('shutdown', this.#waiting)
  }

  async shutdown(): Promise<void> {
    const official = await this.#official?.catch(() => undefined)
    await official?.shutdown()
  }

  async #deliver(records: ReadableLogRecord[]): Promise<void> {
    const { retry = DEFAULT_RETRY, random = Math.random, stats, log } = this.#settings
    for (let attempt = 1; ; attempt++) {
      if (this.#isOff) return this.#drop('signal_off', records.length)
      const result = await this.#send(records)
      // They are counted already.
      if (this.#isAbandoned) return
      if (result.outcome === 'accepted') {
        if (this.#said.size > 0) log.info('own log: export works again')
        this.#said.clear()
        this.#waiting -= records.length
        return stats.add('own_logs.exported', 'otlp', records.length)
      }
      if (result.outcome !== 'retry') return this.#fail(result, records.length)
      this.#sayOnce('retry', `${result.message}; retrying`)
      if (this.#isEnding) return this.#drop('shutdown', records.length)
      const delay = retryDelayMs(result.retryAfterMs, backoffMs(attempt, random(), retry), retry)
      this.#hold.extend(this.#clock.now() + delay, result.retryAfterMs !== undefined)
      await this.#hold.wait()
    }
  }

  #fail(
    { outcome, reason, message }: Exclude<SendResult, { outcome: 'accepted' | 'retry' }>,
    records: number,
  ): void {
    if (outcome === 'unsupported') {
      this.#isOff = true
      this.#sayOnce('signal_off', `${message}; the sensor's own log is no longer exported`)
    } else this.#sayOnce(reason, `${message}; dropped`)
    this.#drop('rejected', records)
  }

  async #send(records: ReadableLogRecord[]): Promise<SendResult> {
    const { destination } = this.#settings
    let official: LogRecordExporter
    try {
      official = await this.#connect()
    } catch (error) {
      return toFault(destination, String(error))
    }
    return new Promise((resolve) =>
      official.export(records, ({ code, error }) => {
        if (code === SUCCESS) return resolve({ outcome: 'accepted', rejectedItems: 0, message: undefined })
        if (!isServiceError(error)) return resolve(toFault(destination, String(error?.message)))
        if (error.code === UNAVAILABLE) this.#tlsFiles?.suspect()
        resolve(toFailure(destination, error, 0))
      }),
    )
  }

  /** A new one when the TLS files were replaced: it never reads them itself. */
  #connect(): Promise<LogRecordExporter> {
    const tls = this.#tlsFiles?.get()
    if (this.#official !== undefined && tls === this.#tls) return this.#official
    void this.#official?.then(
      (former) => former.shutdown(),
      () => {},
    )
    this.#tls = tls
    return (this.#official = this.#create(tls))
  }

  async #create(tls: TlsMaterial | undefined): Promise<LogRecordExporter> {
    const { destination, version, createOfficial } = this.#settings
    const { default: grpc } = await import('@grpc/grpc-js')
    const { url, socketPath, compression, timeoutMs: timeoutMillis } = destination
    return createOfficial({
      ...createLogin(grpc, destination, tls),
      url: socketPath === undefined ? toOfficialUrl(url) : `unix:${socketPath}`,
      compression,
      timeoutMillis,
      userAgent: `oisp-sensor/${version}`,
    })
  }

  #refuse(reason: DropReason): false {
    this.#settings.stats.add('own_logs.dropped', reason)
    return false
  }

  #drop(reason: DropReason, records: number): void {
    this.#waiting -= records
    if (records > 0) this.#settings.stats.add('own_logs.dropped', reason, records)
  }

  #sayOnce(what: string, message: string): void {
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.#settings.log.warn(`own log: ${message}`)
  }
}

/**
 * Without a path, of which it warns. It takes the host from the URL as it stands there, and for grpc-js a host without a port is
 * one with 443: the 80 of http:// must be written out, which only a scheme without a default port leaves in place.
 */
function toOfficialUrl(url: string): string {
  const { origin, protocol, port, host } = new URL(url)
  return protocol === 'http:' && port === '' ? `grpc://${host}:80` : origin
}

/** A failure that is not the peer's answer: a bug, of ours or of the package. */
function toFault(settings: OtlpSettings, error: string): SendResult {
  const message = `${displayEndpoint(settings)}: ${peerText(error, settings.headers)}`
  return { outcome: 'rejected', reason: 'internal', message }
}

const UNAVAILABLE = 14

function isServiceError(error: Error | undefined): error is Grpc.ServiceError {
  return error !== undefined && 'code' in error && typeof error.code === 'number'
}
