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
const block = Buffer.allocUnsafe(BLOCK_BYTES)

/**
 * The canonical form is tag + length + text, so that no two values share it; keys stand in the order they were sent in. Over a
 * 144 KB conversation this costs a third of hashing `JSON.stringify` (192 µs against 591 µs, Node 20), which first escapes and
 * copies it all.
 */
export function digestContent(hmac: Hmac, content: unknown): Digest {
  let used = 0
  let bytes = 0

  function flush(): void {
    hmac.update(block.subarray(0, used))
    used = 0
  }

  function append(text: string): void {
    // One UTF-16 unit becomes at most three bytes.
    if (text.length * 3 > BLOCK_BYTES - used) flush()
    if (text.length * 3 > BLOCK_BYTES) hmac.update(text, 'utf8')
    else used += block.write(text, used, 'utf8')
  }

  function add(value: unknown, depth: number): void {
    if (typeof value === 'string') {
      bytes += Buffer.byteLength(value)
      append(`s${value.length}:`)
      append(value)
    } else if (typeof value !== 'object' || value === null) append(`${typeof value}:${String(value)};`)
    else if (depth > MAX_DEPTH) append('deep;')
    else if (Array.isArray(value)) {
      append(`a${value.length}:`)
      for (const item of value) add(item, depth + 1)
    } else addMap(value, depth)
  }

  function addMap(map: object, depth: number): void {
    append('{')
    for (const key of Object.keys(map)) {
      append(`k${key.length}:`)
      append(key)
      add((map as Record<string, unknown>)[key], depth + 1)
    }
    append('}')
  }

  add(content, 0)
  flush()
  return { hmac: hmac.digest('hex'), bytes }
}
