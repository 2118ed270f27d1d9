// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { passWholeChunks } from './chunk.js'

function pass(text: string) {
  const data: string[] = []
  const used = passWholeChunks(Buffer.from(text, 'latin1'), (bytes) => data.push(bytes.toString('latin1')))
  return { data, rest: text.slice(used) }
}

describe('passWholeChunks', () => {
  it('passes the data of whole chunks and stops at the last one', () => {
    expect(pass('5\r\nhello\r\nA\r\n0123456789\r\n0c\r\nx\r\n0\r\n\r\nyyyy\r\n0\r\n\r\n')).toEqual({
      data: ['hello', '0123456789', 'x\r\n0\r\n\r\nyyyy'],
      rest: '0\r\n\r\n',
    })
  })

  it.each([
    ['nothing', ''],
    ['a size alone', '5'],
    ['a cut line end', '5\r'],
    ['cut data', '5\r\nhell'],
    ['data without its line end', '5\r\nhello'],
    ['data with a cut line end', '5\r\nhello\r'],
    ['data longer than its size', '5\r\nhello!\r\n'],
    ['a bare line feed', '5\nhello\n'],
    ['an extension', '5;a=b\r\nhello\r\n'],
    ['a space', '5 \r\nhello\r\n'],
    ['a line without a size', '\r\nhello\r\n'],
    ['a sign', '-5\r\nhello\r\n'],
    ['no hexadecimal', 'g\r\nhello\r\n'],
    ['a size of many digits', '00000005\r\nhello\r\n'],
    ['a size beyond all numbers', `${'f'.repeat(400)}\r\nhello\r\n`],
  ])('leaves %s to the parser', (_, text) => {
    expect(pass(text)).toEqual({ data: [], rest: text })
    expect(pass(`1\r\nx\r\n${text}`)).toEqual({ data: ['x'], rest: text })
  })
})
