// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BLOCK_CHARACTERS, digestContent } from './digest.js'

const start = () => createHmac('sha256', 'key')
const digest = (content: unknown) => digestContent(start(), content)
const pack = (integers: number[]) => Buffer.from(Int32Array.from(integers).buffer)

function nest(depth: number, inside: unknown = 'x', wrap = (value: unknown): unknown => [value]): unknown {
  let value = inside
  for (let at = 0; at < depth; at++) value = wrap(value)
  return value
}

describe('digestContent', () => {
  it('hashes the texts, the words, and what they are', () => {
    const integers = [-3, 2, -4, 4, 4, 7, 2, -5, -1, 1]
    expect(digest([{ type: 'text', content: '\u65e5\u672c' }, 5])).toEqual({
      hmac: start()
        .update('text\u65e5\u672ctypecontent5')
        .update(pack([...integers, 6, 12, integers.length]))
        .digest('hex'),
      bytes: 10,
    })
  })

  it('hashes block by block', () => {
    const long = 'x'.repeat(BLOCK_CHARACTERS + 1)
    const hmac = start()
      .update(long)
      .update(pack([-3, 2, long.length, long.length, 0, 3]))
      .update('z')
      .update(pack([1, 1, 0, 1]))
    expect(digest([long, 'z'])).toEqual({ hmac: hmac.digest('hex'), bytes: long.length + 1 })
  })

  it.each([
    ['numbers', (last: number) => Array.from({ length: 30_000 }, (_, at) => (at === 29_999 ? last : at))],
    [
      'keys',
      (last: number) => Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`${at} ${last}`, ''])),
    ],
    ['deep lists', (last: number) => Array.from({ length: 300 }, () => nest(127, last))],
    ['deep maps', (last: number) => Array.from({ length: 300 }, () => nest(127, last, (a) => ({ a })))],
  ])('tells many %s apart', (_, make) => expect(digest(make(1)).hmac).not.toBe(digest(make(2)).hmac))

  it.each([
    [['ab'], ['a', 'b']],
    [
      ['a', 'b'],
      [['a'], 'b'],
    ],
    [['1'], [1]],
    [[null], ['null']],
    [[true], ['true']],
    [{ a: 'b' }, ['a', 'b']],
    [{ a: 's1:b' }, { a: 'b' }],
    [{ a: 'b' }, { ba: '' }],
    [
      ['', 'a1:s0:'],
      ['a1:s0:', ''],
    ],
    [[{}], [[]]],
  ])('tells %j from %j', (one, other) => expect(digest(one).hmac).not.toBe(digest(other).hmac))

  it.each([10, 32_767, 32_768, 65_535, 65_536, 65_537, 200_000])(
    'hashes a text of %d characters like its bytes, whatever its script',
    (length) => {
      for (const character of ['x', '\u65e5']) {
        const text = character.repeat(length)
        const hmac = start().update(text)
        hmac.update(pack([length, length, 0, 1]))
        expect(digest(text)).toEqual({ hmac: hmac.digest('hex'), bytes: Buffer.byteLength(text) })
      }
    },
  )

  it('does not throw on depth, and tells what lies above the limit apart', () => {
    expect(digest(nest(100_000)).hmac).toBe(digest(nest(100_001)).hmac)
    expect(digest(nest(100)).hmac).not.toBe(digest(nest(101)).hmac)
  })
})
