// SPDX-License-Identifier: Apache-2.0
/**
 * Says and counts what goes wrong with the disk: each outage once, and its end. In: system errors. Out: sentences with a remedy
 * and counters. Knows no queue.
 * @module
 */
import type { Stats } from '../../stats.js'
import type { ExporterLog } from '../types.js'
import type { Damage } from './scan.js'

/** The closed set of reasons of `exporter.disk_operations.failed`, and what to do. */
const KNOWN: Record<string, { reason: string; hint: string }> = {
  ENOSPC: { reason: 'no_space', hint: 'the disk is full: free some space' },
  EDQUOT: { reason: 'quota', hint: 'the disk quota is used up' },
  EROFS: { reason: 'read_only', hint: 'the disk is read-only: mount it for writing' },
  EIO: { reason: 'io', hint: 'the disk reports an input/output error: look at dmesg' },
  EACCES: { reason: 'permission', hint: 'the sensor may not write there' },
  EPERM: { reason: 'permission', hint: 'the sensor may not write there' },
}

export class TroubleTeller {
  #isFailing = false
  readonly #said = new Set<string>()

  constructor(
    readonly path: string,
    readonly stats: Stats,
    readonly log: ExporterLog,
  ) {}

  get isFailing(): boolean {
    return this.#isFailing
  }

  /** A write did not succeed; `consequence` says what happens now. */
  failed(error: unknown, consequence: string): void {
    const { reason, hint } = describe(error)
    this.stats.add('exporter.disk_operations.failed', reason)
    if (!this.#isFailing) this.log.warn(`queue folder ${this.path}: ${hint}; ${consequence}`)
    this.#isFailing = true
  }

  works(): void {
    if (this.#isFailing) this.log.info(`queue folder ${this.path}: it can be written again`)
    this.#isFailing = false
  }

  /** Something smaller went wrong; said once for each `what`. */
  stumbled(what: string, error: unknown): void {
    const { reason, hint } = describe(error)
    this.stats.add('exporter.disk_operations.failed', reason)
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.log.warn(`queue folder ${this.path}: ${what} (${hint})`)
  }

  damaged(damage: readonly Damage[]): void {
    let bytes = 0
    for (const { kind, bytes: lost, entries, items } of damage) {
      bytes += lost
      this.stats.add('exporter.bytes.damaged', kind, lost)
      this.stats.add('exporter.requests.damaged', kind, entries)
      if (items > 0) this.stats.add('exporter.items.dropped', 'damaged', items)
    }
    if (bytes === 0) return
    const isTorn = damage.every(({ kind }) => kind === 'torn')
    this.log.warn(
      `queue folder ${this.path}: ${bytes} bytes cannot be read and are lost (` +
        `${isTorn ? 'a write was cut off when the sensor or the machine ended' : 'the files were damaged'})`,
    )
  }
}

function describe(error: unknown): { reason: string; hint: string } {
  const { code, message } = error as NodeJS.ErrnoException
  return KNOWN[code ?? ''] ?? { reason: 'other', hint: code ?? message }
}
