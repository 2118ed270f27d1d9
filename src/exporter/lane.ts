// SPDX-License-Identifier: Apache-2.0
/**
 * One signal's way out: pending records → batches → requests, with retry. In: encoded records. Out: calls of a transport;
 * every record ends in exactly one counter, `exporter.items.exported` or `exporter.items.dropped`. Knows no wire format
 * beyond sizes and no other signal; the byte bound is shared with them.
 * @module
 */
import type { Budget, Stats } from '../stats.js'
import { encodeRequest, headBytes, RECORD_FRAME_BYTES, type Head } from './encode.js'
import { backoffMs, retryDelayMs, type RetrySettings } from './retry.js'
import type { Clock, DropReason, ExporterLog, SendResult, Signal, Transport } from './types.js'

export interface QueuedRecord {
  head: Head
  body: Uint8Array
  /** Spans, log records or data points in `body`: what a receiver counts. */
  items: number
  /** What it holds of the queue. */
  bytes: number
}

export interface LaneSettings {
  signal: Signal
  transport: Transport
  /** The queue's bound, over all signals, requests in flight included. */
  queue: Budget
  stats: Stats
  clock: Clock
  random: () => number
  log: ExporterLog
  retry: RetrySettings
  /** A record waits this long for company. */
  flushMs: number
  /** A request is at most this large before compression; this much waiting is sent at once. */
  maxRequestBytes: number
  targetRequestBytes: number
  /** Requests under way at once. */
  concurrency: number
}

interface Batch {
  records: QueuedRecord[]
  items: number
  bytes: number
}

export class Lane {
  readonly #settings: LaneSettings
  /** Shrinks when the receiver turns out to take less. */
  #maxRequestBytes: number
  #pending: QueuedRecord[] = []
  #pendingBytes = 0
  #inFlight = 0
  /** Everything pending goes out, full batch or not. */
  #isDue = false
  #timer: unknown
  /** No request starts before this time: the receiver asked for it, or we back off. */
  #holdUntil = 0
  #isHoldAsked = false
  #isOff = false
  #deadline: number | undefined
  #isAborted = false
  readonly #sleepers = new Set<() => void>()
  #onIdle: (() => void) | undefined
  #isFailing = false
  readonly #warned = new Set<string>()

  constructor(settings: LaneSettings) {
    this.#settings = settings
    this.#maxRequestBytes = settings.maxRequestBytes
  }

  push(record: QueuedRecord): void {
    if (this.#isOff) return this.#count('signal_off', record.items)
    if (this.#deadline !== undefined) return this.#count('shutdown', record.items)
    if (!this.#settings.queue.reserve(record.bytes)) {
      this.#warnOnce('queue_full', 'the queue is full: dropping what comes')
      return this.#count('queue_full', record.items)
    }
    this.#pending.push(record)
    this.#pendingBytes += record.bytes
    this.#pump()
  }

  /** Sends what waits without waiting for company. */
  flush(): void {
    this.#isDue = true
    this.#pump()
  }

  /** Flushes and settles when nothing is left. Ends back-off, but not a hold that the receiver asked for. */
  drain(deadline: number): Promise<void> {
    this.#deadline = deadline
    if (!this.#isHoldAsked) this.#wake()
    if (this.#holdUntil >= deadline) this.abort()
    this.flush()
    return new Promise((resolve) => {
      this.#onIdle = resolve
      this.#settleIdle()
    })
  }

  /** The deadline has come: what is left counts as dropped. Requests in flight end with the transport. */
  abort(): void {
    this.#isAborted = true
    this.#dropPending('shutdown')
    this.#wake()
    this.#settleIdle()
  }

  #pump(): void {
    const { concurrency, targetRequestBytes, clock, flushMs } = this.#settings
    while (this.#pending.length > 0 && this.#inFlight < concurrency) {
      if (!this.#isDue && this.#pendingBytes < targetRequestBytes) break
      this.#inFlight += 1
      void this.#deliver(this.#takeBatch()).finally(() => {
        this.#inFlight -= 1
        this.#pump()
        this.#settleIdle()
      })
    }
    if (this.#pending.length === 0) {
      this.#isDue = false
      clock.clearTimer(this.#timer)
      this.#timer = undefined
    } else if (!this.#isDue) {
      this.#timer ??= clock.setTimer(() => {
        this.#timer = undefined
        this.flush()
      }, flushMs)
    }
  }

  /** As many of the oldest records as fit one request; at least one. */
  #takeBatch(): Batch {
    const heads = new Set<string>()
    let size = 0
    let count = 0
    const batch: Batch = { records: [], items: 0, bytes: 0 }
    for (const record of this.#pending) {
      size +=
        record.body.length + RECORD_FRAME_BYTES + (heads.has(record.head.key) ? 0 : headBytes(record.head))
      if (count > 0 && size > this.#maxRequestBytes) break
      heads.add(record.head.key)
      count += 1
      batch.items += record.items
      batch.bytes += record.bytes
    }
    batch.records = this.#pending.splice(0, count)
    this.#pendingBytes -= batch.bytes
    return batch
  }

  async #deliver(batch: Batch): Promise<void> {
    const { signal, transport, clock } = this.#settings
    const body = encodeRequest(batch.records)
    const startedAt = clock.now()
    for (let attempt = 1; ; attempt++) {
      if (this.#holdUntil > clock.now() && !this.#isAborted) await this.#sleepUntilHold()
      if (this.#isAborted) return this.#settle(batch, 'shutdown')
      if (this.#isOff) return this.#settle(batch, 'signal_off')
      const result = await transport.send(signal, body).catch(toBug)
      if (result.outcome === 'too_large' && batch.records.length > 1) return this.#split(batch, body.length)
      if (result.outcome !== 'retry') return this.#finish(batch, result)
      const reason = this.#planRetry(result, attempt, startedAt)
      if (reason !== undefined) return this.#settle(batch, reason)
    }
  }

  /** Puts the batch back to be sent in halves; from here on no request is larger. */
  #split(batch: Batch, bytes: number): void {
    this.#settings.stats.add('exporter.requests.split', 'too_large')
    this.#maxRequestBytes = Math.min(this.#maxRequestBytes, Math.ceil(bytes / 2))
    this.#pending.unshift(...batch.records)
    this.#pendingBytes += batch.bytes
    this.#isDue = true
    if (this.#isAborted) this.#dropPending('shutdown')
  }

  /** Sets the hold, or says why there is no next attempt. */
  #planRetry(
    result: SendResult & { outcome: 'retry' },
    attempt: number,
    startedAt: number,
  ): DropReason | undefined {
    const { clock, retry, random, stats, log, signal } = this.#settings
    if (this.#isAborted) return 'shutdown'
    stats.add('exporter.requests.retried', result.reason)
    if (!this.#isFailing) log.warn(`${signal}: ${result.message}; retrying`)
    this.#isFailing = true
    const asked = result.retryAfterMs
    const next = clock.now() + retryDelayMs(asked, backoffMs(attempt, random(), retry), retry)
    if (this.#deadline !== undefined && next >= this.#deadline) return 'shutdown'
    if (next - startedAt > retry.maxElapsedMs) {
      this.#warnOnce('retry_exhausted', `given up after ${retry.maxElapsedMs / 1000} s of retries; dropped`)
      return 'retry_exhausted'
    }
    this.#holdUntil = Math.max(this.#holdUntil, next)
    this.#isHoldAsked = asked !== undefined
    return undefined
  }

  #sleepUntilHold(): Promise<void> {
    const { clock } = this.#settings
    return new Promise((resolve) => {
      const timer = clock.setTimer(wake, this.#holdUntil - clock.now())
      const sleepers = this.#sleepers
      function wake(): void {
        clock.clearTimer(timer)
        sleepers.delete(wake)
        resolve()
      }
      sleepers.add(wake)
    })
  }

  #wake(): void {
    this.#holdUntil = 0
    for (const wake of [...this.#sleepers]) wake()
  }

  #finish(batch: Batch, result: Exclude<SendResult, { outcome: 'retry' }>): void {
    const { stats, signal, log } = this.#settings
    if (result.outcome === 'accepted') {
      const rejected = Math.min(batch.items, Math.max(0, result.rejectedItems))
      if (rejected > 0) this.#count('rejected', rejected)
      if (result.message !== undefined)
        this.#warnOnce('partial', `${rejected} items refused: ${result.message}`)
      if (batch.items > rejected) stats.add('exporter.items.exported', signal, batch.items - rejected)
      if (this.#isFailing) {
        log.info(`${signal}: export works again`)
        // The next outage is to be heard of again.
        this.#warned.clear()
      }
      this.#isFailing = false
      this.#settings.queue.release(batch.bytes)
      return
    }
    stats.add('exporter.requests.rejected', result.reason)
    if (result.outcome === 'unsupported') return this.#switchOff(batch, result.message)
    this.#warnOnce(result.reason, `${result.message}; dropped`)
    this.#settle(batch, result.outcome)
  }

  #switchOff(batch: Batch, message: string): void {
    this.#warnOnce(
      'signal_off',
      `${message}; this endpoint does not take ${this.#settings.signal}, which are off from here on`,
    )
    this.#isOff = true
    this.#settle(batch, 'rejected')
  }

  #dropPending(reason: DropReason): void {
    const dropped = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    for (const { items, bytes } of dropped) {
      this.#settings.queue.release(bytes)
      this.#count(reason, items)
    }
  }

  #settle(batch: Batch, reason: DropReason): void {
    this.#settings.queue.release(batch.bytes)
    this.#count(reason, batch.items)
  }

  #count(reason: DropReason, items: number): void {
    this.#settings.stats.add('exporter.items.dropped', reason, items)
  }

  #warnOnce(reason: string, message: string): void {
    if (this.#warned.has(reason)) return
    this.#warned.add(reason)
    this.#settings.log.warn(`${this.#settings.signal}: ${message}`)
  }

  #settleIdle(): void {
    if (this.#inFlight === 0 && this.#pending.length === 0) this.#onIdle?.()
  }
}

/** A transport never rejects; if one does, that is our bug, and the batch must still end in a counter. */
function toBug(error: unknown): SendResult {
  return { outcome: 'rejected', reason: 'internal', message: `internal error: ${String(error)}` }
}
