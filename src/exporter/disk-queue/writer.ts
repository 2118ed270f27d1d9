// SPDX-License-Identifier: Apache-2.0
/**
 * The queue's hand on the disk. In: lines with requests that wait to be written, and requests that were settled. Out: segments
 * that hold exactly what is unsettled. One write at a time per signal; marks,
 * removals and flushes go beside it. Knows no bound and no retry.
 * @module
 */
import type { Clock, Signal } from '../types.js'
import type { Line, Place } from './line.js'
import type { Recovered } from './recovery.js'
import { Segment } from './segment.js'
import type { Store } from './store.js'
import type { TroubleTeller } from './trouble.js'

/** More would only make a killed process lose more. */
const MAX_WRITE_BYTES = 1024 * 1024
const SYNC_MS = 1_000

export type Lines = Readonly<Record<Signal, Line>>

export interface WriterSettings {
  store: Store
  lines: Lines
  /** A segment that would grow beyond this is followed by another. */
  segmentBytes: number
  clock: Clock
  trouble: TroubleTeller
  /** A write failed. */
  onFailure(error: unknown): void
}

export class Writer {
  readonly #settings: WriterSettings
  readonly #lines: readonly Line[]
  /** Marks, removals and flushes under way. */
  readonly #background = new Set<Promise<void>>()
  /** Empty, but could not be removed. */
  readonly #undead = new Set<Segment>()
  readonly #writing = new Map<Line, Promise<void>>()
  #syncTimer: unknown

  constructor(settings: WriterSettings) {
    this.#settings = settings
    this.#lines = Object.values(settings.lines)
  }

  /** Takes over what earlier processes left. */
  absorb({ segments, unreadable }: Recovered): void {
    const { store, lines } = this.#settings
    for (const number of unreadable) this.#later(store.remove(number), 'a damaged file cannot be removed')
    for (const { segment, requests, tailBytes } of segments) {
      lines[segment.signal].segments.add(segment)
      if (requests.length === 0) this.#remove(segment)
      else if (tailBytes > 0) this.#later(segment.cut(), 'a torn write cannot be cut off')
    }
    for (const line of this.#lines)
      line.prepend(
        segments.flatMap(({ segment, requests }) => (segment.signal === line.signal ? requests : [])),
      )
  }

  /** Until nothing waits to be written, or until it failed; what was not written still waits. Never rejects. */
  async write(): Promise<void> {
    await Promise.all(this.#lines.map((line) => this.#writing.get(line) ?? this.#writeLine(line)))
  }

  /** A request on disk is not to be sent again. */
  settle({ segment, offset }: Place): void {
    segment.live -= 1
    if (segment.live === 0 && segment !== this.#settings.lines[segment.signal].active)
      return this.#remove(segment)
    this.#later(segment.mark(offset), 'what was sent cannot be marked, and is sent again after a restart')
  }

  /** Everything to the device; files of which nothing is left are removed. */
  async finish(): Promise<void> {
    this.#settings.clock.clearTimer(this.#syncTimer)
    for (const line of this.#lines) this.#later(this.#seal(line), 'the last flush failed')
    while (this.#background.size > 0) await Promise.all(this.#background)
    await this.#settings.store.close()
  }

  /** Each signal has its own writer: one that waits for the disk does not hold up the others. */
  #writeLine(line: Line): Promise<void> {
    if (!line.hasUnwritten) return Promise.resolve()
    const work = async (): Promise<void> => {
      try {
        while (line.hasUnwritten) await this.#writeSome(line)
      } catch (error) {
        this.#settings.onFailure(error)
      } finally {
        // At once, not when somebody hears of the end: what is pushed in between would wait for the next push.
        this.#writing.delete(line)
      }
    }
    const written = work()
    this.#writing.set(line, written)
    return written
  }

  async #writeSome(line: Line): Promise<void> {
    const { store, segmentBytes, clock } = this.#settings
    const maxBytes = Math.min(MAX_WRITE_BYTES, segmentBytes)
    const bytes = Segment.bytesOf(line.nextUnwritten(maxBytes))
    if (line.active && line.active.size + bytes > segmentBytes)
      this.#later(this.#seal(line), 'a full segment cannot be flushed')
    if (line.active === undefined) {
      line.active = await store.createSegment(line.signal)
      line.segments.add(line.active)
    }
    const segment = line.active
    // Not the same as before: some may have been settled while the file was opened.
    const batch = line.nextUnwritten(maxBytes)
    const offsets = await segment.append(batch, clock.unixMs())
    const places = offsets.map((offset) => ({ segment, offset }))
    line.written(batch, places)
    for (const [index, { isSettled }] of batch.entries()) if (isSettled) this.settle(places[index]!)
    this.#syncTimer ??= clock.setTimer(() => this.#sync(), SYNC_MS)
  }

  async #seal(line: Line): Promise<void> {
    const segment = line.active
    line.active = undefined
    if (segment?.live === 0) this.#remove(segment)
    else await segment?.seal()
  }

  #remove(segment: Segment): void {
    const removed = segment.remove().then(
      () => void this.#settings.lines[segment.signal].segments.delete(segment),
      (error: unknown) => {
        this.#undead.add(segment)
        throw error
      },
    )
    this.#later(removed, 'files of what was sent cannot be removed; it is sent again after a restart')
  }

  #sync(): void {
    this.#syncTimer = undefined
    const undead = [...this.#undead]
    this.#undead.clear()
    for (const segment of undead) this.#remove(segment)
    for (const { segments } of this.#lines)
      for (const segment of segments)
        this.#later(segment.sync(), 'what was written may not survive a loss of power')
  }

  #later(work: Promise<void>, whatIfNot: string): void {
    const done: Promise<void> = work
      .catch((error: unknown) => this.#settings.trouble.stumbled(whatIfNot, error))
      .finally(() => this.#background.delete(done))
    this.#background.add(done)
  }
}
