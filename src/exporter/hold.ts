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
  #askedUntil = 0
  #backoffUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** No request starts before this time. */
  get until(): number {
    return Math.max(this.#askedUntil, this.#backoffUntil)
  }

  /** Never makes it shorter. */
  extend(until: number, isAsked: boolean): void {
    if (isAsked) this.#askedUntil = Math.max(this.#askedUntil, until)
    else this.#backoffUntil = Math.max(this.#backoffUntil, until)
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#clock.clearTimer(timer)
        this.#sleepers.delete(wake)
        resolve()
      }
      const timer = this.#clock.setTimer(wake, this.until - this.#clock.now())
      this.#sleepers.add(wake)
    })
  }

  /** At shutdown: one more try at once, or as soon as the receiver allows. Who sleeps looks at `until` again. */
  endBackoff(): void {
    this.#backoffUntil = 0
    this.#wakeAll()
  }

  end(): void {
    this.#askedUntil = 0
    this.#backoffUntil = 0
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake()
  }
}
