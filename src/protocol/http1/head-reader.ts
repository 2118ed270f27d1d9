// SPDX-License-Identifier: Apache-2.0
/**
 * Collects one head line by line (RFC 9112 2–5). In: lines. Out: the head once its empty line is there, or why it is none. What it
 * holds is reserved in the budget. Reads no body.
 * @module
 */
import type { Budget } from '../../stats.js'
import { parseFieldLine, type RawHead } from './head.js'

/** `rubbish`: the line is no field line, so what began here was no head. */
export type HeadVerdict = 'need-more' | 'end' | 'rubbish' | 'limit'

export interface HeadLimits {
  maxHeadBytes: number
  maxFields: number
}

export class HeadReader {
  readonly #limits: HeadLimits
  readonly #budget: Budget
  #heldBytes = 0
  #head: RawHead = { startLine: '', fields: [] }

  constructor(limits: HeadLimits, budget: Budget) {
    this.#limits = limits
    this.#budget = budget
  }

  /** How long the next line may be. */
  get remainingBytes(): number {
    return this.#limits.maxHeadBytes - this.#heldBytes
  }

  start(line: string, bytes: number): HeadVerdict {
    this.clear()
    this.#head = { startLine: line, fields: [] }
    return this.#hold(bytes) ? 'need-more' : 'limit'
  }

  add(line: string, bytes: number): HeadVerdict {
    if (line === '') return 'end'
    const { fields } = this.#head
    if (!this.#hold(bytes) || fields.length >= this.#limits.maxFields) return 'limit'
    const last = fields.at(-1)
    if ((line[0] === ' ' || line[0] === '\t') && last !== undefined) {
      last[1] = `${last[1]} ${line.trim()}`.trim() // obs-fold, RFC 9112 5.2
      return 'need-more'
    }
    const field = parseFieldLine(line)
    if (field === undefined) return 'rubbish'
    fields.push(field)
    return 'need-more'
  }

  /** The head belongs to the caller. */
  take(): RawHead {
    const head = this.#head
    this.clear()
    return head
  }

  clear(): void {
    this.#budget.release(this.#heldBytes)
    this.#heldBytes = 0
    this.#head = { startLine: '', fields: [] }
  }

  #hold(bytes: number): boolean {
    if (bytes > this.remainingBytes || !this.#budget.reserve(bytes)) return false
    this.#heldBytes += bytes
    return true
  }
}
