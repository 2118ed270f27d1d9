// SPDX-License-Identifier: Apache-2.0
/**
 * A pause for all requests of one signal: the receiver asked for it, or we back off. In: until when. Out: promises that settle
 * when it is over. Knows no request.
 * @module
 */
import type { Clock } from './types.js'

export class Hold {
  readonly #clock: Clock
  readonly #sleepers = new Set<() => void>()
  #until = 0
  #isAsked = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** No request starts before this time. */
  get until(): number {
    return this.#until
  }

  /** The receiver named the time: it holds at shutdown, too. */
  get isAsked(): boolean {
    return this.#isAsked
  }

  /** Never makes it shorter. */
  extend(until: number, isAsked: boolean): void {
    this.#until = Math.max(this.#until, until)
    this.#isAsked = isAsked
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#clock.clearTimer(timer)
        this.#sleepers.delete(wake)
        resolve()
      }
      const timer = this.#clock.setTimer(wake, this.#until - this.#clock.now())
      this.#sleepers.add(wake)
    })
  }

  end(): void {
    this.#until = 0
    for (const wake of [...this.#sleepers]) wake()
  }
}
