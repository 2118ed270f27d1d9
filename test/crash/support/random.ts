// SPDX-License-Identifier: Apache-2.0
/** Random numbers that a printed seed gives again. @module */

/** From OISP_CRASH_SEED, else a new one. */
export function chooseSeed(): number {
  return Number(process.env['OISP_CRASH_SEED'] ?? Math.trunc(Math.random() * 2 ** 32))
}

/** mulberry32: uniform in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
