// SPDX-License-Identifier: Apache-2.0
/**
 * The real clock. In: nothing. Out: time and timers. Knows no queue.
 * @module
 */
import type { Clock } from './types.js'

/** Timers exist only while something waits to be sent, so they may keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
