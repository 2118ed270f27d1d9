// SPDX-License-Identifier: Apache-2.0
/** Waiting for something that must be asked for (a page, a query), with a deadline. Out: the first answer that is there. @module */
import { setTimeout as pause } from 'node:timers/promises'

/** How often it is asked: decides only how soon a test goes on, never whether it passes. */
const ASK_EVERY_MS = 250

export async function poll<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  deadlineMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`still waiting for ${what} after ${deadlineMs} ms`)
    await pause(ASK_EVERY_MS)
  }
}
