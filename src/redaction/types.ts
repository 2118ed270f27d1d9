// SPDX-License-Identifier: Apache-2.0
/**
 * The brand that keeps unredacted data out of every exporter: only this folder can make a `Redacted<T>`.
 * @module
 */

/** A private member, which a spread loses: `{ ...redacted, spans }` is not redacted any more. There is no such object. */
declare class Brand {
  private readonly isRedacted: true
}

/** A `T` that has been through redaction. Cannot be made outside `src/redaction/` (architecture.test.ts checks the casts). */
export type Redacted<T> = T & Brand

/** `safe`: hashes, sizes and counts. `full`: content as well; credentials never. */
export type RedactionMode = 'safe' | 'full'
