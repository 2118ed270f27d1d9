// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseObjectPrefix } from './json.js'

describe('parseObjectPrefix', () => {
  const TEXT = '{"model":"m\\"\\\\","n":12,"list":[{"a":"]}"},[]],"__proto__":{"x":1},"last":null}'
  const WHOLE = JSON.parse(TEXT) as Record<string, unknown>

  it('gives exactly the members that are whole, wherever the text ends', () => {
    const members = Object.keys(WHOLE)
    for (let end = 1; end <= TEXT.length; end++) {
      const read = parseObjectPrefix(TEXT.slice(0, end))!
      const keys = Object.keys(read)
      expect(keys).toEqual(members.slice(0, keys.length))
      for (const key of keys) expect(read[key]).toEqual(Object.getOwnPropertyDescriptor(WHOLE, key)!.value)
    }
    expect(Object.keys(parseObjectPrefix(TEXT)!)).toEqual(members)
  })

  it('does not take a number whose last digit may be missing', () => {
    expect(parseObjectPrefix('{"a":1,"n":12')).toEqual({ a: 1 })
    expect(parseObjectPrefix('{"a":1,"n":12 ')).toEqual({ a: 1 })
  })

  it.each(['', '[1', '"x', 'x', '{', '{x', '{"a" 1', '{"a":}', '{"a":tru,'])(
    'gives nothing for %j',
    (text) => {
      expect(Object.keys(parseObjectPrefix(text) ?? {})).toEqual([])
    },
  )

  it('is not deeper than its input lets it be', () => {
    expect(parseObjectPrefix(`{"a":1,"deep":${'['.repeat(100_000)}`)).toEqual({ a: 1 })
  })
})
