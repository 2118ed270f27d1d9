// SPDX-License-Identifier: Apache-2.0
/**
 * Content → hash, size and nothing else. In: content in the message shape, as a value that nobody copies. Out: a keyed hash
 * over a canonical form and the size of its texts. Never throws, however deep the value is.
 *
 * The canonical form is a row of blocks, each of them its texts one after the other, then what they are (`shape`: tags, lengths
 * and keys in the order they were sent in), then the lengths of the two. Read from its end it has one meaning only, so no two values
 * share it. Texts stand together because every call into OpenSSL or a buffer costs as much as hashing some hundred bytes.
 * @module
 */
import type { Hmac } from 'node:crypto'

export interface Digest {
  hmac: string
  bytes: number
}

/** Deeper levels count as one constant: V8 overflows its stack at some thousand, and a body can be made that way on purpose. */
const MAX_DEPTH = 128
/** Characters of texts, or of shape, that end a block. */
export const BLOCK_CHARACTERS = 32 * 1024
/** Most texts of a block are below it together; what is longer, OpenSSL reads from the string. */
const scratch = Buffer.allocUnsafe(2 * BLOCK_CHARACTERS)

export function digestContent(hmac: Hmac, content: unknown): Digest {
  let texts = ''
  let shape = ''
  let bytes = 0

  function endBlock(): void {
    bytes += update(hmac, texts)
    update(hmac, `${shape}${texts.length},${shape.length};`)
    texts = shape = ''
  }

  function add(value: unknown, depth: number): void {
    if (typeof value === 'string') {
      texts += value
      shape += `s${value.length}:`
      if (texts.length > BLOCK_CHARACTERS) endBlock()
    } else if (typeof value !== 'object' || value === null) shape += `${typeof value}:${String(value)};`
    else if (depth > MAX_DEPTH) shape += 'deep;'
    else if (Array.isArray(value)) {
      shape += `a${value.length}:`
      for (const item of value) add(item, depth + 1)
    } else addMap(value as Record<string, unknown>, depth)
    if (shape.length > BLOCK_CHARACTERS) endBlock()
  }

  function addMap(map: Record<string, unknown>, depth: number): void {
    shape += '{'
    for (const key in map) {
      shape += `k${key.length}:${key}`
      add(map[key], depth + 1)
    }
    shape += '}'
  }

  add(content, 0)
  endBlock()
  return { hmac: hmac.digest('hex'), bytes }
}

/** Returns the size as UTF-8. Of ASCII alone that is the length, and then the bytes can be copied instead of encoded. */
function update(hmac: Hmac, text: string): number {
  const bytes = Buffer.byteLength(text)
  if (bytes === text.length && bytes <= scratch.length)
    hmac.update(scratch.subarray(0, scratch.write(text, 'latin1')))
  else hmac.update(text, 'utf8')
  return bytes
}
