// SPDX-License-Identifier: Apache-2.0
/**
 * The brand that keeps unredacted data out of every exporter: only this folder can make a `Redacted<T>`.
 * @module
 */

declare const redacted: unique symbol

/** A `T` that has been through redaction. Cannot be made outside `src/redaction/` (architecture.test.ts checks the casts). */
export type Redacted<T> = T & { readonly [redacted]: true }

/** `safe`: hashes, sizes and counts. `full`: content as well; credentials never. */
export type RedactionMode = 'safe' | 'full'
