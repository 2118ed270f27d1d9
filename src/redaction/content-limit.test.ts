// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { AttributeValue } from '../run/types.js'
import { limitContent } from './content-limit.js'

const part = (bytes: number, mark = 'x') => ({ type: 'text', content: mark.repeat(bytes) })
const message = (...parts: AttributeValue[]) => ({ role: 'user', parts })
const omitted = (what: string) => ({ type: 'omitted', content: `[${what} omitted]` })
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

describe('limitContent', () => {
  it('returns the very same value when it fits', () => {
    const content = [message(part(10))]
    expect(limitContent(content, sizeOf(content))).toBe(content)
  })

  it('counts every escape and ending: what just fits is kept, one byte less is not', () => {
    for (const text of ['x', '\u0000', '"', '\ud800', '\u65e5', '\ud83d\ude00']) {
      const content = [part(300, text), part(100, text), { n: 1.2345678901234567e-300, a: [null, true] }]
      expect(limitContent(content, sizeOf(content))).toBe(content)
      expect(limitContent(content, sizeOf(content) - 1)).not.toBe(content)
    }
  })

  it('drops the oldest messages', () => {
    const content = [message(part(400)), message(part(400)), message(part(400))]
    expect(limitContent(content, 1100)).toEqual([
      { role: 'system', parts: [omitted('1 message')] },
      content[1],
      content[2],
    ])
  })

  it('drops the oldest parts of the last message when it alone is too large', () => {
    const content = [message(part(50)), { ...message(part(900), part(300)), finish_reason: 'stop' }]
    expect(limitContent(content, 800)).toEqual([
      { role: 'system', parts: [omitted('1 message')] },
      { role: 'user', parts: [omitted('1 part'), part(300)], finish_reason: 'stop' },
    ])
  })

  it('drops parts of instructions', () =>
    expect(limitContent([part(900), part(300)], 500)).toEqual([omitted('1 part'), part(300)]))

  it('keeps nothing but a marker of one part that is too large', () => {
    expect(limitContent([part(900)], 500)).toEqual([omitted('1 part')])
    expect(limitContent([message(part(9000))], 500)).toEqual([message(omitted('1 part'))])
  })

  it('counts bytes, not characters', () => {
    const content = [message(part(200, '\u65e5')), message(part(200, '\u65e5'))]
    expect(sizeOf(content)).toBeGreaterThan(1200)
    expect(limitContent(content, 1000)).toEqual([
      { role: 'system', parts: [omitted('1 message')] },
      content[1],
    ])
  })

  it.each([200, 300, 500, 800, 1300, 2000, 3000])('never exceeds %d bytes', (limit) => {
    const content = Array.from({ length: 6 }, (_, at) => message(part(at * 100), part(300), part(at * 31)))
    const limited = limitContent(content, limit)
    expect(sizeOf(limited)).toBeLessThanOrEqual(limit)
  })

  it('gives up on what cannot be shortened or written as JSON', () => {
    expect(limitContent([part(900)], 100)).toBeUndefined()
    expect(limitContent('x'.repeat(900), 500)).toBeUndefined()
    let deep: AttributeValue = 'x'
    for (let depth = 0; depth < 20_000; depth++) deep = [deep]
    expect(limitContent(deep, 1_000_000)).toBeUndefined()
  })
})
