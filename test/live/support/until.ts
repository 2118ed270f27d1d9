// SPDX-License-Identifier: Apache-2.0
/** Waiting for a condition with a deadline; the only place of the live tests that knows time. @module */
import { setTimeout as pause } from 'node:timers/promises'

/** How often a condition is looked at. It decides only how soon a test goes on, never whether it passes. */
const LOOK_EVERY_MS = 5

/** Resolves with the first value of `look` that is not undefined; rejects, naming `what`, at the deadline. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  deadlineMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const value = await look()
    if (value !== undefined) return value
    if (performance.now() > deadline) throw new Error(`still waiting for ${what} after ${deadlineMs} ms`)
    await pause(LOOK_EVERY_MS)
  }
}
