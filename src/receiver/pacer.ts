// SPDX-License-Identifier: Apache-2.0
/**
 * Work that others can ask for as often as they like, done as often as we like. In: keys. Out: a call per key, soon after the
 * first question and never twice within the interval; a question in between is answered at its end. Knows not what the work is.
 * @module
 */
export interface Pacer {
  ask(key: string): void
  close(): void
}

interface Slot {
  isAsked: boolean
  timer?: NodeJS.Timeout
}

export function createPacer(intervalMs: number, run: (key: string) => void): Pacer {
  const slots = new Map<string, Slot>()

  function arm(key: string, slot: Slot, delayMs: number): void {
    slot.timer = setTimeout(() => {
      if (!slot.isAsked) return void slots.delete(key)
      slot.isAsked = false
      arm(key, slot, intervalMs)
      run(key)
    }, delayMs).unref()
  }

  return {
    ask(key) {
      const known = slots.get(key)
      if (known !== undefined) return void (known.isAsked = true)
      const slot = { isAsked: true }
      slots.set(key, slot)
      arm(key, slot, 0)
    },
    close() {
      for (const { timer } of slots.values()) clearTimeout(timer)
      slots.clear()
    },
  }
}
