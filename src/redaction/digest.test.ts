// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BLOCK_CHARACTERS, digestContent } from './digest.js'

const start = () => createHmac('sha256', 'key')
const digest = (content: unknown) => digestContent(start(), content)

describe('digestContent', () => {
  it('hashes the texts, what they are, and the lengths of both', () => {
    const shape = 'a2:{k4:types4:k7:contents2:}number:5;'
    const text = `text\u65e5\u672c${shape}6,${shape.length};`
    expect(digest([{ type: 'text', content: '\u65e5\u672c' }, 5])).toEqual({
      hmac: start().update(text).digest('hex'),
      bytes: 10,
    })
  })

  it('hashes block by block, and tells values apart that differ behind a block', () => {
    const long = 'x'.repeat(BLOCK_CHARACTERS + 1)
    const first = `a2:s${long.length}:`
    const text = `${long}${first}${long.length},${first.length};zs1:1,3;`
    expect(digest([long, 'z'])).toEqual({ hmac: start().update(text).digest('hex'), bytes: long.length + 1 })
    const many = (last: number) => Array.from({ length: 10_000 }, (_, at) => (at === 9_999 ? last : at))
    expect(digest(many(1)).hmac).not.toBe(digest(many(2)).hmac)
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
        const shape = `s${length}:`
        const rest = length > BLOCK_CHARACTERS ? '0,0;' : ''
        const expected = start().update(`${text}${shape}${length},${shape.length};${rest}`).digest('hex')
        expect(digest(text)).toEqual({ hmac: expected, bytes: Buffer.byteLength(text) })
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
