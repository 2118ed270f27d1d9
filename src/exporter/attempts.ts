// SPDX-License-Identifier: Apache-2.0
/**
 * What one request has been through. In: its failures, and when another got through. Out: how many, and how much of the time was
 * its own fault. An outage is no request's fault: then the queue's bound alone decides what is lost.
 * @module
 */
export class Attempts {
  count = 0
  /** Time during which it failed while others got through. */
  blamedMs = 0
  #failedAt: number

  constructor(now: number) {
    this.#failedAt = now
  }

  fail(now: number, otherAcceptedAt: number): void {
    this.count += 1
    if (otherAcceptedAt >= this.#failedAt) this.blamedMs += now - this.#failedAt
    this.#failedAt = now
  }
}
