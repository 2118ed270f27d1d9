// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestContent } from './digest.js'

const start = () => createHmac('sha256', 'key')
const digest = (content: unknown) => digestContent(start(), content)

describe('digestContent', () => {
  it('hashes tag, length and text of every value', () => {
    const text = 'a2:{k4:types4:textk7:contents2:\u65e5\u672c}number:5;'
    expect(digest([{ type: 'text', content: '\u65e5\u672c' }, 5])).toEqual({
      hmac: start().update(text).digest('hex'),
      bytes: 10,
    })
  })

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
    [[{}], [[]]],
  ])('tells %j from %j', (one, other) => expect(digest(one).hmac).not.toBe(digest(other).hmac))

  it.each([10, 21_845, 21_846, 65_536, 200_000])(
    'hashes a text of %d characters like its bytes, whatever its script',
    (length) => {
      for (const character of ['x', '\u65e5']) {
        const text = character.repeat(length)
        const expected = start().update(`a2:s${length}:${text}s1:z`).digest('hex')
        expect(digest([text, 'z'])).toEqual({ hmac: expected, bytes: Buffer.byteLength(text) + 1 })
      }
    },
  )

  it('does not throw on depth, and tells what lies above the limit apart', () => {
    const nest = (depth: number): unknown => {
      let value: unknown = 'x'
      for (let at = 0; at < depth; at++) value = [value]
      return value
    }
    expect(digest(nest(100_000)).hmac).toBe(digest(nest(100_001)).hmac)
    expect(digest(nest(100)).hmac).not.toBe(digest(nest(101)).hmac)
  })
})
