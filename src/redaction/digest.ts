// SPDX-License-Identifier: Apache-2.0
/**
 * Content → hash, size and nothing else. In: content in the message shape, as a value that nobody copies. Out: a keyed hash
 * over a canonical form and the size of its texts. Never throws, however deep the value is.
 * @module
 */
import type { Hmac } from 'node:crypto'

export interface Digest {
  hmac: string
  bytes: number
}

/** Deeper levels count as one constant: V8 overflows its stack at some thousand, and a body can be made that way on purpose. */
const MAX_DEPTH = 128
/** Small pieces go to OpenSSL together: a call costs as much as hashing some hundred bytes. */
const BLOCK_BYTES = 64 * 1024
/** Characters of a text that is written together with its tag. */
const MAX_JOINED = 512
const block = Buffer.allocUnsafe(BLOCK_BYTES)

/**
 * The canonical form is tag + length + text, so that no two values share it; keys stand in the order they were sent in. It is
 * cheaper than hashing `JSON.stringify`, which first escapes and copies it all.
 */
export function digestContent(hmac: Hmac, content: unknown): Digest {
  let used = 0
  let bytes = 0

  function flush(): void {
    hmac.update(block.subarray(0, used))
    used = 0
  }

  /** Returns the bytes it became. */
  function append(text: string): number {
    // One UTF-16 unit becomes at most three bytes.
    if (text.length * 3 > BLOCK_BYTES - used) flush()
    if (text.length * 3 > BLOCK_BYTES) {
      hmac.update(text, 'utf8')
      return Buffer.byteLength(text)
    }
    const written = block.write(text, used, 'utf8')
    used += written
    return written
  }

  /** A short text goes with its tag: a write costs more than joining two strings. */
  function appendText(tag: string, text: string): number {
    if (text.length <= MAX_JOINED) return append(tag + text) - Buffer.byteLength(tag)
    append(tag)
    return append(text)
  }

  function add(value: unknown, depth: number): void {
    if (typeof value === 'string') bytes += appendText(`s${value.length}:`, value)
    else if (typeof value !== 'object' || value === null) append(`${typeof value}:${String(value)};`)
    else if (depth > MAX_DEPTH) append('deep;')
    else if (Array.isArray(value)) {
      append(`a${value.length}:`)
      for (const item of value) add(item, depth + 1)
    } else addMap(value, depth)
  }

  function addMap(map: object, depth: number): void {
    append('{')
    for (const key of Object.keys(map)) {
      const value = (map as Record<string, unknown>)[key]
      // Most of a conversation: a short key with a text.
      if (typeof value === 'string') bytes += appendText(`k${key.length}:${key}s${value.length}:`, value)
      else {
        append(`k${key.length}:${key}`)
        add(value, depth + 1)
      }
    }
    append('}')
  }

  add(content, 0)
  flush()
  return { hmac: hmac.digest('hex'), bytes }
}
