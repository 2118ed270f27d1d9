// SPDX-License-Identifier: Apache-2.0
/**
 * Content → hash, size and nothing else. In: content in the message shape, as a value that nobody copies. Out: a keyed hash
 * over a canonical form and the size of its texts. Never throws, however deep the value is.
 *
 * The canonical form is a row of blocks. A block is its texts one after the other, then its words (keys and numbers, in the order
 * they were sent in), then signed 32-bit integers that say what they are: tags and lengths, and last how many characters, characters and
 * integers the three parts have. Read from its end it has one meaning only, so no two values share it. Texts stand together because
 * every call into OpenSSL costs as much as hashing some hundred bytes.
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
/** A block may grow by a tag for every level that ends, and by the last three. */
const integers = new Int32Array(BLOCK_INTEGERS + 2 * MAX_DEPTH)
const integerBytes = Buffer.from(integers.buffer)

/** A text is its length alone, which is never negative. */
const WORD = -1
const DEEP = -2
const LIST = -3
const MAP = -4
const MAP_END = -5

/** No UTF-16 unit needs more bytes of UTF-8. */
const MAX_UTF8_BYTES = 3
/** Up to here a loop costs less than a call into a buffer. */
const SHORT_CHARACTERS = 24
const MAX_ASCII = 0x7f

/** The texts, or the words, of one block as UTF-8 in one piece of memory. */
class Strings {
  readonly #memory = Buffer.allocUnsafe((MAX_UTF8_BYTES + 1) * BLOCK_CHARACTERS)
  #used = 0
  /** The one that ends the block, where it is too long for the memory. */
  #last = ''
  characters = 0

  add(text: string): void {
    this.characters += text.length
    if (MAX_UTF8_BYTES * text.length > this.#memory.length - this.#used) this.#last = text
    else this.#used += this.#write(text)
  }

  /** Returns how many bytes there were, and forgets them. */
  hash(hmac: Hmac): number {
    let bytes = this.#used
    if (bytes > 0) hmac.update(this.#memory.subarray(0, bytes))
    if (this.#last !== '') {
      bytes += Buffer.byteLength(this.#last)
      hmac.update(this.#last, 'utf8')
    }
    this.#last = ''
    this.#used = this.characters = 0
    return bytes
  }

  #write(text: string): number {
    const memory = this.#memory
    const { length } = text
    const at = this.#used
    if (length > SHORT_CHARACTERS) return memory.write(text, at)
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > MAX_ASCII) return memory.write(text, at)
      memory[at + i] = unit
    }
    return length
  }
}

/** Empty between calls: one call hashes at a time. */
const texts = new Strings()
const words = new Strings()

export function digestContent(hmac: Hmac, content: unknown): Digest {
  let used = 0
  let bytes = 0

  function endBlock(): void {
    integers[used] = texts.characters
    integers[used + 1] = words.characters
    integers[used + 2] = used
    bytes += texts.hash(hmac)
    words.hash(hmac)
    hmac.update(integerBytes.subarray(0, 4 * (used + 3)))
    used = 0
  }

  function addWord(word: string): void {
    integers[used++] = word.length
    words.add(word)
  }

  function add(value: unknown, depth: number): void {
    if (used > BLOCK_INTEGERS || texts.characters > BLOCK_CHARACTERS || words.characters > BLOCK_CHARACTERS)
      endBlock()
    if (typeof value === 'string') {
      integers[used++] = value.length
      texts.add(value)
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
