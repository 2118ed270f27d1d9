// SPDX-License-Identifier: Apache-2.0
/**
 * A clock that moves only when a test says so. Out: time, timers, and a promise for "somebody waits that long now".
 * @module
 */
import type { Clock } from '../../src/exporter/types.js'

export interface FakeClock extends Clock {
  /** Runs every timer that is due by then, in order. */
  advance(ms: number): void
  /** Somebody sets the machine's clock: the time of day jumps, and no timer moves. */
  jump(ms: number): void
  /** Delays of the timers that are set. */
  delays(): number[]
  /** Settles as soon as a timer with such a delay is set (at once if one is). */
  untilTimer(isIt: (delayMs: number) => boolean): Promise<number>
}

interface Timer {
  at: number
  delayMs: number
  callback: () => void
}

export function createFakeClock(startMs = 1_700_000_000_000): FakeClock {
  let now = startMs
  let jumpMs = 0
  const timers = new Set<Timer>()
  const watchers = new Set<() => void>()
  return {
    now: () => now,
    unixMs: () => now + jumpMs,
    jump: (ms) => void (jumpMs += ms),
    setTimer(callback, delayMs) {
      const timer = { at: now + delayMs, delayMs, callback }
      timers.add(timer)
      for (const check of [...watchers]) check()
      return timer
    },
    clearTimer: (timer) => void timers.delete(timer as Timer),
    advance(ms) {
      const end = now + ms
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.callback()
      }
      now = end
    },
    delays: () => [...timers].map(({ delayMs }) => delayMs),
    untilTimer: (isIt) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = [...timers].find(({ delayMs }) => isIt(delayMs))
          if (found === undefined) return
          watchers.delete(check)
          resolve(found.delayMs)
        }
        watchers.add(check)
        check()
      }),
  }
}
