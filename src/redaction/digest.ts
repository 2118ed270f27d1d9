// SPDX-License-Identifier: Apache-2.0
/**
 * Content → hash, size and nothing else. In: content in the message shape, as a value that nobody copies. Out: a keyed hash
 * over a canonical form and the size of its texts. Never throws, however deep the value is.
 *
 * The canonical form is a row of blocks. A block is its texts one after the other, then its words (keys and numbers, in the order
 * they were sent in), then signed 32-bit integers that say what they are: tags and lengths, and last how many characters, characters and
 * integers the three parts have. Read from its end it has one meaning only, so no two values share it. Texts stand together because
 * every call into OpenSSL or a buffer costs as much as hashing some hundred bytes.
 * @module
 */
import type { Hmac } from 'node:crypto'

export interface Digest {
  hmac: string
  bytes: number
}

/** Deeper levels count as one constant: V8 overflows its stack at some thousand, and a body can be made that way on purpose. */
const MAX_DEPTH = 128
/** Characters of texts, or of words, that end a block. */
export const BLOCK_CHARACTERS = 32 * 1024
/** Integers that end a block. */
const BLOCK_INTEGERS = 8 * 1024
/** Most texts of a block are below it together; what is longer, OpenSSL reads from the string. */
const scratch = Buffer.allocUnsafe(2 * BLOCK_CHARACTERS)
/** A block may grow by a tag for every level that ends, and by the last three. */
const integers = new Int32Array(BLOCK_INTEGERS + 2 * MAX_DEPTH)
const integerBytes = Buffer.from(integers.buffer)

/** A text is its length alone, which is never negative. */
const WORD = -1
const DEEP = -2
const LIST = -3
const MAP = -4
const MAP_END = -5

export function digestContent(hmac: Hmac, content: unknown): Digest {
  let texts = ''
  let words = ''
  let used = 0
  let bytes = 0

  function endBlock(): void {
    integers[used] = texts.length
    integers[used + 1] = words.length
    integers[used + 2] = used
    bytes += update(hmac, texts)
    update(hmac, words)
    hmac.update(integerBytes.subarray(0, 4 * (used + 3)))
    texts = words = ''
    used = 0
  }

  function addWord(word: string): void {
    integers[used++] = word.length
    words += word
  }

  function add(value: unknown, depth: number): void {
    if (used > BLOCK_INTEGERS || texts.length > BLOCK_CHARACTERS || words.length > BLOCK_CHARACTERS)
      endBlock()
    if (typeof value === 'string') {
      integers[used++] = value.length
      texts += value
    } else if (typeof value !== 'object' || value === null) {
      integers[used++] = WORD
      addWord(String(value))
    } else if (depth > MAX_DEPTH) integers[used++] = DEEP
    else if (Array.isArray(value)) {
      integers[used++] = LIST
      integers[used++] = value.length
      for (const item of value) add(item, depth + 1)
    } else addMap(value as Record<string, unknown>, depth)
  }

  function addMap(map: Record<string, unknown>, depth: number): void {
    integers[used++] = MAP
    for (const key in map) {
      addWord(key)
      add(map[key], depth + 1)
    }
    integers[used++] = MAP_END
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
