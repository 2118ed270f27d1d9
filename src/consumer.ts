// SPDX-License-Identifier: Apache-2.0
/**
 * The one interface between rooms (the Collector's consumer idea). In: nothing. Out: a type. Knows no room.
 * @module
 */

/** The next room. Calls are synchronous; `item` (and every byte in it) belongs to the callee afterwards. */
export interface Consumer<T> {
  // A property, not a method: methods are bivariant, and an exporter of Redacted<T> would pass as a consumer of any T.
  readonly consume: (item: T) => void
  /** Capture time has reached `nowUnixNano`: finish or drop what waited too long. Never goes backwards. */
  tick(nowUnixNano: bigint): void
  /** No more input: finish what is open and pass it on. */
  end(): void
}
