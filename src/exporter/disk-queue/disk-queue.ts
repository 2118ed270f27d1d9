// SPDX-License-Identifier: Apache-2.0
/**
 * The `RequestQueue` that survives its process. In: encoded requests. Out: the same, oldest first, those of an earlier process
 * before all others. It takes requests into memory and writes behind; a request that is settled sooner is never written. Where the
 * disk fails it goes on in memory, says so once and tries again at a slow pace. Knows no network.
 *
 * What holds: a request that was written before the process was killed is found by the next one (the page cache is the kernel's);
 * one that was settled is not sent again, unless the kill came in the moment before its mark was written. A machine that loses
 * power may lose the last second: `fdatasync` runs once per second and whenever a segment is full. When the bound is reached, what
 * is new is refused, as the Collector does it.
 * @module
 */
import { SensorError } from '../../errors.js'
import type { Stats } from '../../stats.js'
import { systemClock } from '../clock.js'
import type {
  Clock,
  EncodedRequest,
  ExporterLog,
  HeldRequest,
  QueueSize,
  RequestQueue,
  Signal,
} from '../types.js'
import { ENTRY_HEADER_BYTES } from './format.js'
import { Line, type Entry } from './line.js'
import type { Recovered } from './recovery.js'
import { Store } from './store.js'
import { TroubleTeller } from './trouble.js'
import { Writer, type Lines } from './writer.js'

export const DEFAULT_DISK_BYTES = 256 * 1024 * 1024
/** For what is not written yet: moments, or as long as the disk fails. */
export const DEFAULT_MEMORY_BYTES = 32 * 1024 * 1024
const RETRY_MS = 10_000
/** Settled requests hold their space until all of their segment are: a segment is a small part of the whole. */
const SEGMENTS = 16
const MIN_SEGMENT_BYTES = 64 * 1024
const MAX_SEGMENT_BYTES = 8 * 1024 * 1024
/** Of the bound, each signal's own: one that its receiver refuses must not take everything from the others. */
const GUARANTEED_SHARE = 1 / 8

export interface DiskQueueSettings {
  directory: string
  stats: Stats
  log: ExporterLog
  /** Bound of all files together. */
  maxBytes?: number
  memoryBytes?: number
  clock?: Clock
}

/** Rejects with SensorError when the folder is not safe or another sensor has it; any other trouble is said and survived. */
export async function openDiskQueue(settings: DiskQueueSettings): Promise<RequestQueue> {
  const queue = new DiskQueue(settings)
  await queue.open()
  return queue
}

class DiskQueue implements RequestQueue {
  readonly isDurable = true
  readonly #settings: Required<DiskQueueSettings>
  readonly #trouble: TroubleTeller
  readonly #lines: Lines
  /** Undefined until the folder could be opened. */
  #writer: Writer | undefined
  /** The last write failed: nothing is written before the next try. */
  #isPaused = false
  #retrying: Promise<void> | undefined
  #retryTimer: unknown
  #isClosing = false

  constructor(settings: DiskQueueSettings) {
    const defaults = { maxBytes: DEFAULT_DISK_BYTES, memoryBytes: DEFAULT_MEMORY_BYTES, clock: systemClock }
    this.#settings = { ...defaults, ...settings }
    this.#trouble = new TroubleTeller(settings.directory, settings.stats, settings.log)
    const makeLine = (signal: Signal): Line => new Line(signal, (entry) => this.#readBack(entry))
    this.#lines = { traces: makeLine('traces'), logs: makeLine('logs'), metrics: makeLine('metrics') }
  }

  async open(): Promise<void> {
    try {
      await this.#openStore()
    } catch (error) {
      if (error instanceof SensorError) throw error
      this.#fail(error)
    }
  }

  push(request: EncodedRequest): 'queue_full' | 'disk_failed' | undefined {
    const bytes = ENTRY_HEADER_BYTES + request.body.length
    const unwritten = this.#sum(({ unwrittenBytes }) => unwrittenBytes)
    if (unwritten + bytes > this.#settings.memoryBytes) return this.#isPaused ? 'disk_failed' : 'queue_full'
    if (!this.#hasRoom(request.signal, bytes)) return 'queue_full'
    this.#lines[request.signal].push(request)
    void this.#write()
    return undefined
  }

  take(signal: Signal): HeldRequest | undefined {
    return this.#lines[signal].take()
  }

  settle(request: HeldRequest): void {
    const entry = request as Entry
    this.#lines[entry.signal].settle(entry)
    // One that is being written at this moment is settled on disk after the write.
    if (entry.place) this.#writer?.settle(entry.place)
  }

  release(request: HeldRequest): void {
    this.#lines[request.signal].release(request as Entry)
  }

  size(signal: Signal): QueueSize {
    return { ...this.#lines[signal].size }
  }

  async close(deadlineMs: number): Promise<void> {
    const { clock, stats, log, directory } = this.#settings
    this.#isClosing = true
    clock.clearTimer(this.#retryTimer)
    let timer: unknown
    const late = new Promise<void>((resolve) => (timer = clock.setTimer(resolve, deadlineMs)))
    await Promise.race([this.#finish(), late])
    clock.clearTimer(timer)
    const lost = this.#sum((line) => line.giveUpUnwritten())
    if (lost > 0) stats.add('exporter.items.dropped', 'disk_failed', lost)
    const kept = this.#sum(({ size }) => size.items)
    if (kept > 0) log.info(`queue folder ${directory}: ${kept} items stay there for the next start`)
  }

  async #finish(): Promise<void> {
    await this.#retrying
    await (this.#isPaused ? this.#retry() : this.#write())
    await this.#writer?.finish()
  }

  #sum(count: (line: Line) => number): number {
    return Object.values(this.#lines).reduce((sum, line) => sum + count(line), 0)
  }

  #hasRoom(signal: Signal, bytes: number): boolean {
    const { maxBytes } = this.#settings
    const used = this.#sum((line) =>
      line.signal === signal ? line.usedBytes : Math.max(line.usedBytes, maxBytes * GUARANTEED_SHARE),
    )
    return used + bytes <= maxBytes
  }

  async #openStore(): Promise<void> {
    const { directory, maxBytes, clock } = this.#settings
    const store = await Store.open(directory)
    const part = Math.trunc(maxBytes / SEGMENTS)
    const segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.max(MIN_SEGMENT_BYTES, part))
    this.#writer = new Writer({
      store,
      lines: this.#lines,
      segmentBytes,
      clock,
      trouble: this.#trouble,
      onFailure: (error) => this.#fail(error),
    })
    this.#writer.absorb(store.recovered)
    this.#sayRecovered(store.recovered)
  }

  #sayRecovered({ segments, damage, foreign }: Recovered): void {
    const { directory, log } = this.#settings
    this.#trouble.damaged(damage)
    if (foreign.length > 0)
      log.warn(
        `queue folder ${directory}: ${foreign.length} files of a later version or of others are left alone`,
      )
    const requests = segments.flatMap((segment) => segment.requests)
    if (requests.length === 0) return
    const items = requests.reduce((sum, request) => sum + request.items, 0)
    const oldest = new Date(Math.min(...segments.map(({ oldestUnixMs }) => oldestUnixMs))).toISOString()
    log.info(
      `queue folder ${directory}: ${items} items of an earlier run wait to be sent, the oldest since ${oldest}`,
    )
  }

  async #write(): Promise<void> {
    if (!this.#isPaused) await this.#writer?.write()
  }

  #fail(error: unknown): void {
    const mebibytes = Math.round(this.#settings.memoryBytes / 1024 / 1024)
    this.#isPaused = true
    this.#trouble.failed(error, `until then telemetry waits in memory, at most ${mebibytes} MiB of it`)
    if (this.#isClosing) return
    this.#retryTimer ??= this.#settings.clock.setTimer(() => void this.#retry(), RETRY_MS)
  }

  /** Never rejects. */
  #retry(): Promise<void> {
    this.#retryTimer = undefined
    return (this.#retrying ??= this.#openAndWrite().finally(() => (this.#retrying = undefined)))
  }

  async #openAndWrite(): Promise<void> {
    this.#isPaused = false
    try {
      if (this.#writer === undefined) await this.#openStore()
    } catch (error) {
      return this.#fail(error)
    }
    await this.#write()
    if (!this.#isPaused) this.#trouble.works()
  }

  async #readBack({ place, bodyBytes }: Entry): Promise<Uint8Array | undefined> {
    const { segment, offset } = place!
    try {
      const body = await segment.read(offset, bodyBytes)
      if (body === undefined)
        this.#trouble.damaged([{ kind: 'damaged', bytes: bodyBytes, entries: 1, items: 0 }])
      return body
    } catch (error) {
      this.#trouble.stumbled('what waits in it cannot be read back and is lost', error)
      return undefined
    }
  }
}
