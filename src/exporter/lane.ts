// SPDX-License-Identifier: Apache-2.0
/**
 * One signal's way out: records → requests → queue → transport, with retry. In: encoded records. Out: calls of a transport;
 * every record ends in exactly one counter, `exporter.items.exported` or `exporter.items.dropped`, or on disk for the next
 * start. Knows no wire format, no other signal, and not whether the queue is memory or disk.
 * @module
 */
import { Attempts } from './attempts.js'
import { Batcher, type EncodedRecord } from './batcher.js'
import { Hold } from './hold.js'
import { backoffMs, retryDelayMs } from './retry.js'
import type { LaneSettings } from './lane-settings.js'
import { splitRequest } from './split.js'
import type { DropReason, EncodedRequest, HeldRequest, QueueSize, SendResult } from './types.js'

export class Lane {
  readonly #settings: LaneSettings
  readonly #batcher: Batcher
  readonly #hold: Hold
  /** Shrinks when the receiver turns out to take less. */
  #maxRequestBytes: number
  #inFlight = 0
  #timer: unknown
  #isOff = false
  #deadline: number | undefined
  #isAborted = false
  #onIdle: (() => void) | undefined
  #acceptedAt = -Infinity
  #isFailing = false
  readonly #warned = new Set<string>()

  constructor(settings: LaneSettings) {
    this.#settings = settings
    this.#batcher = new Batcher(settings.signal, settings.budget)
    this.#hold = new Hold(settings.clock)
    this.#maxRequestBytes = settings.maxRequestBytes
  }

  /** Sends what the queue holds from an earlier process. */
  start(): void {
    this.#pump()
  }

  /** `spareBytes` of the budget are to stay free. */
  push(record: EncodedRecord, spareBytes = 0): void {
    if (this.#isOff && !this.#settings.queue.isDurable) return this.#drop('signal_off', record.items)
    if (this.#deadline !== undefined) return this.#drop('shutdown', record.items)
    if (!this.#batcher.add(record, spareBytes)) return this.#refuse('queue_full', record.items)
    const { targetRequestBytes, clock, flushMs } = this.#settings
    if (this.#batcher.bytes >= targetRequestBytes) return this.flush()
    this.#timer ??= clock.setTimer(() => this.flush(), flushMs)
  }

  /** Makes a request of what waits without waiting for company. */
  flush(): void {
    this.#settings.clock.clearTimer(this.#timer)
    this.#timer = undefined
    for (;;) {
      const request = this.#batcher.take(this.#maxRequestBytes)
      if (request === undefined) break
      const refusal = this.#settings.queue.push(request)
      if (refusal !== undefined) this.#refuse(refusal, request.items)
    }
    this.#pump()
  }

  /** Flushes and settles when nothing is left. Ends back-off, but not a hold that the receiver asked for. */
  drain(deadline: number): Promise<void> {
    this.#deadline = deadline
    this.flush()
    this.#hold.endBackoff()
    if (this.#hold.until >= deadline) this.abort()
    return new Promise((resolve) => {
      this.#onIdle = resolve
      this.#settleIdle()
    })
  }

  /** The deadline has come: what is left counts as dropped, or stays on disk. Requests in flight end with the transport. */
  abort(): void {
    this.#isAborted = true
    if (!this.#settings.queue.isDurable) this.#dropWaiting('shutdown')
    this.#hold.end()
    this.#settleIdle()
  }

  /** The endpoint does not take the signal: nothing is sent any more. */
  get isOff(): boolean {
    return this.#isOff
  }

  size(): QueueSize {
    const { requests, items, bytes } = this.#settings.queue.size(this.#settings.signal)
    return { requests, items: items + this.#batcher.items, bytes: bytes + this.#batcher.bytes }
  }

  #pump(): void {
    const { concurrency, queue, signal } = this.#settings
    if (this.#isOff) return queue.isDurable ? undefined : this.#dropWaiting('signal_off')
    while (this.#inFlight < concurrency && !this.#isAborted) {
      const held = queue.take(signal)
      if (held === undefined) return
      this.#inFlight += 1
      void this.#deliver(held).finally(() => {
        this.#inFlight -= 1
        this.#pump()
        this.#settleIdle()
      })
    }
  }

  async #deliver(held: HeldRequest): Promise<void> {
    const { queue } = this.#settings
    const read = held.read()
    const body = read instanceof Promise ? await read.catch(() => undefined) : read
    if (body === undefined) {
      this.#drop('damaged', held.items)
      return queue.settle(held)
    }
    const unsent = await this.#send({ signal: held.signal, items: held.items, body })
    if (unsent.length === 0) return queue.settle(held)
    this.#putBack(held, unsent)
    // To take it again and again until the deadline would only hammer a receiver that is down.
    if (queue.isDurable && !this.#isOff) this.abort()
  }

  /** What a durable queue gets back is there for the next start, or for the next destination. */
  #putBack(held: HeldRequest, unsent: readonly EncodedRequest[]): void {
    const { queue } = this.#settings
    const unsentItems = unsent.reduce((sum, { items }) => sum + items, 0)
    if (queue.isDurable && unsentItems === held.items) return queue.release(held)
    // First, so that there is room for a part of it.
    queue.settle(held)
    if (!queue.isDurable) return this.#drop(this.#isOff ? 'signal_off' : 'shutdown', unsentItems)
    for (const part of unsent) {
      const refusal = queue.push(part)
      if (refusal !== undefined) this.#refuse(refusal, part.items)
    }
  }

  /** What was neither accepted nor dropped, because the end or the end of the signal came first: all of it, or its last parts. */
  async #send(request: EncodedRequest): Promise<EncodedRequest[]> {
    const { transport, clock } = this.#settings
    if (request.body.length > this.#maxRequestBytes) {
      const halves = this.#split(request)
      if (halves) return this.#sendBoth(halves)
    }
    const attempts = new Attempts(clock.now())
    for (;;) {
      while (!this.#isAborted && this.#hold.until > clock.now()) await this.#hold.wait()
      if (this.#isAborted || this.#isOff) return [request]
      const result = await transport.send(request.signal, request.body).catch(toBug)
      if (result.outcome === 'retry') {
        const next = this.#planRetry(result, attempts)
        if (next === undefined) continue
        if (next === 'shutdown') return [request]
        this.#drop(next, request.items)
        return []
      }
      if (result.outcome === 'unsupported') return this.#switchOff(request, result)
      const halves = result.outcome === 'too_large' ? this.#split(request) : undefined
      if (halves) {
        this.#settings.stats.add('exporter.requests.split', 'too_large')
        this.#maxRequestBytes = Math.min(this.#maxRequestBytes, Math.ceil(request.body.length / 2))
        return this.#sendBoth(halves)
      }
      this.#finish(request.items, result)
      return []
    }
  }

  async #sendBoth([first, second]: [EncodedRequest, EncodedRequest]): Promise<EncodedRequest[]> {
    return [...(await this.#send(first)), ...(await this.#send(second))]
  }

  /** We made the request, so it can be read; if not, that is our bug, and nothing smaller can be sent. */
  #split({ signal, body }: EncodedRequest): [EncodedRequest, EncodedRequest] | undefined {
    try {
      return splitRequest(signal, body)
    } catch (error) {
      this.#settings.stats.add('exporter.requests.rejected', 'internal')
      this.#warnOnce('internal', `internal error: a request cannot be split: ${String(error)}`)
      return undefined
    }
  }

  /** Sets the hold, or says why there is no next attempt. */
  #planRetry(result: SendResult & { outcome: 'retry' }, attempts: Attempts): DropReason | undefined {
    const { clock, retry, random, stats } = this.#settings
    if (this.#isAborted) return 'shutdown'
    stats.add('exporter.requests.retried', result.reason)
    this.#warnOnce(`retry ${result.reason}`, `${result.message}; retrying`)
    this.#isFailing = true
    const now = clock.now()
    attempts.fail(now, this.#acceptedAt)
    const asked = result.retryAfterMs
    const next = now + retryDelayMs(asked, backoffMs(attempts.count, random(), retry), retry)
    if (this.#deadline !== undefined && next >= this.#deadline) return 'shutdown'
    if (attempts.blamedMs > retry.maxElapsedMs) {
      this.#warnOnce(
        'retry_exhausted',
        `one request was refused for ${retry.maxElapsedMs / 1000} s while others got through; dropped`,
      )
      return 'retry_exhausted'
    }
    this.#hold.extend(next, asked !== undefined)
    return undefined
  }

  #finish(items: number, result: Exclude<SendResult, { outcome: 'retry' | 'unsupported' }>): void {
    if (result.outcome === 'accepted') return this.#accept(items, result)
    this.#settings.stats.add('exporter.requests.rejected', result.reason)
    this.#warnOnce(result.reason, `${result.message}; dropped`)
    this.#drop(result.outcome, items)
  }

  /** A wrong path is put right some day: until then a durable queue keeps what it has room for, this request too. */
  #switchOff(
    request: EncodedRequest,
    { reason, message }: SendResult & { outcome: 'unsupported' },
  ): EncodedRequest[] {
    const { queue, signal, stats } = this.#settings
    stats.add('exporter.requests.rejected', reason)
    const rest = queue.isDurable ? '; what waits is kept for the next start or reload' : ''
    this.#warnOnce(
      'signal_off',
      `${message}; this endpoint does not take ${signal}, which are off from here on${rest}`,
    )
    this.#isOff = true
    this.#hold.end()
    if (queue.isDurable) return [request]
    this.#drop('rejected', request.items)
    return []
  }

  #accept(items: number, { rejectedItems, message }: SendResult & { outcome: 'accepted' }): void {
    const { stats, signal, log, clock } = this.#settings
    const rejected = Math.min(items, Math.max(0, rejectedItems))
    if (rejected > 0) this.#drop('rejected', rejected)
    if (message !== undefined)
      this.#warnOnce('partial', rejected > 0 ? `${rejected} items refused: ${message}` : message)
    if (items > rejected) stats.add('exporter.items.exported', signal, items - rejected)
    this.#acceptedAt = clock.now()
    if (!this.#isFailing) return
    this.#isFailing = false
    log.info(`${signal}: export works again`)
    // The next outage is to be heard of again.
    this.#warned.clear()
  }

  /** For a queue in memory: nothing may stay in it uncounted. */
  #dropWaiting(reason: DropReason): void {
    const { queue, signal } = this.#settings
    for (let held = queue.take(signal); held !== undefined; held = queue.take(signal)) {
      queue.settle(held)
      this.#drop(reason, held.items)
    }
  }

  #drop(reason: DropReason, items: number): void {
    this.#settings.stats.add('exporter.items.dropped', reason, items)
  }

  #refuse(reason: 'queue_full' | 'disk_failed', items: number): void {
    if (this.#isOff) return this.#drop('signal_off', items)
    const what = reason === 'queue_full' ? 'the queue is full' : 'the disk queue cannot write'
    this.#warnOnce(reason, `${what}: dropping what comes`)
    this.#drop(reason, items)
  }

  #warnOnce(reason: string, message: string): void {
    if (this.#warned.has(reason)) return
    this.#warned.add(reason)
    this.#settings.log.warn(`${this.#settings.signal}: ${message}`)
  }

  #settleIdle(): void {
    if (this.#inFlight > 0) return
    const isEmpty = this.#settings.queue.size(this.#settings.signal).requests === 0
    if (isEmpty || this.#isAborted || this.#isOff) this.#onIdle?.()
  }
}

/** A transport never rejects; if one does, that is our bug, and the request must still end in a counter. */
function toBug(error: unknown): SendResult {
  return { outcome: 'rejected', reason: 'internal', message: `internal error: ${String(error)}` }
}
