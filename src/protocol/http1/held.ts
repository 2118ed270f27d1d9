// SPDX-License-Identifier: Apache-2.0
/**
 * What of the response direction came before anybody had asked (capture rule 8: the records of a reader and a writer thread may
 * change places). In: bytes and gaps. Out: the same, in order, later. Bounded in bytes, pieces and time. Reads nothing.
 * @module
 */
import type { Budget } from '../../stats.js'

export type HeldPiece = { timeUnixNano: bigint } & (
  { kind: 'bytes'; bytes: Uint8Array } | { kind: 'gap'; length: number }
)

/** More, or longer, and the request they answer was lost. */
const MAX_HELD_BYTES = 1 << 20
const MAX_HELD_PIECES = 4096
const MAX_HELD_NS = 5_000_000_000n

export class HeldPieces {
  readonly #budget: Budget
  #pieces: HeldPiece[] = []
  #bytes = 0

  constructor(budget: Budget) {
    this.#budget = budget
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  isOverdue(nowUnixNano: bigint): boolean {
    const [first] = this.#pieces
    return first !== undefined && nowUnixNano - first.timeUnixNano > MAX_HELD_NS
  }

  /** Copies: a piece is a part of a whole batch, which it would keep alive. False, and nothing held, when that is too much. */
  hold(piece: HeldPiece): boolean {
    const length = piece.kind === 'bytes' ? piece.bytes.length : 0
    if (this.#pieces.length >= MAX_HELD_PIECES || this.#bytes + length > MAX_HELD_BYTES) return false
    if (!this.#budget.reserve(length)) return false
    this.#bytes += length
    this.#pieces.push(piece.kind === 'bytes' ? { ...piece, bytes: Buffer.from(piece.bytes) } : piece)
    return true
  }

  /** Takes everything out, oldest first. */
  take(): HeldPiece[] {
    const pieces = this.#pieces
    this.#pieces = []
    this.#budget.release(this.#bytes)
    this.#bytes = 0
    return pieces
  }
}
