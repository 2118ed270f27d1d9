// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { decodeUtf8 } from './utf8.js'

it.each([
  ['nothing', ''],
  ['ASCII', '61 62'],
  ['two, three and four bytes', 'c3bc e4b896 f09fa68a'],
  ['byte order mark', 'efbbbf 7b7d'],
  ['byte order mark twice', 'efbbbf efbbbf c3bc'],
  ['cut character', '61 e4b8'],
  ['lone continuation', '61 80 62'],
  ['overlong', 'c0af'],
  ['surrogate', 'eda080'],
])('%s: as TextDecoder, but faster', (_name, hex) => {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const text = new TextDecoder().decode(bytes)
  expect(decodeUtf8(bytes)).toEqual({ text, isValid: !text.includes('\ufffd') })
})
