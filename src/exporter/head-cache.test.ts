// SPDX-License-Identifier: Apache-2.0
/** A head is shared by what is equal, and by nothing else. */
import { describe, expect, it } from 'vitest'
import { makeSpan, makeTelemetry } from '../../test/support/collector-telemetry.js'
import type { Telemetry } from '../run/types.js'
import { toOtlp } from './convert.js'
import { encodeHead } from './encode.js'
import { HeadCache } from './head-cache.js'

const otlpOf = (attributes: Telemetry['resource']['attributes'], schemaUrl = 'https://example.test/1') =>
  toOtlp(makeTelemetry({ resource: { attributes, schemaUrl }, spans: [makeSpan()] }))

describe('HeadCache', () => {
  it('gives equal resources one head, and others their own', () => {
    const heads = new HeadCache()
    const first = otlpOf({ 'service.name': 'a', 'process.pid': 1 })
    const head = heads.get(first)
    expect(head).toEqual(encodeHead(first))
    expect(heads.get(otlpOf({ 'service.name': 'a', 'process.pid': 1 }))).toBe(head)
    for (const other of [
      otlpOf({ 'service.name': 'b', 'process.pid': 1 }),
      otlpOf({ 'service.name': 'a', 'process.pid': 2 }),
      otlpOf({ 'service.name': 'a', 'process.pid': '1' }),
      otlpOf({ 'service.name': 'a' }),
      otlpOf({ 'service.name': 'a', 'process.pid': 1 }, 'https://example.test/2'),
    ])
      expect(heads.get(other)).toEqual(encodeHead(other))
    expect(heads.get(first)).toBe(head)
  })

  it('takes what it cannot compare as different', () => {
    const heads = new HeadCache()
    const head = heads.get(otlpOf({ list: ['a'] }))
    const again = heads.get(otlpOf({ list: ['a'] }))
    expect(again).not.toBe(head)
    expect(again).toEqual(head)
  })

  it('forgets what was not used for long', () => {
    const heads = new HeadCache()
    const head = heads.get(otlpOf({ n: 0 }))
    for (let n = 1; n <= 15; n++) heads.get(otlpOf({ n }))
    expect(heads.get(otlpOf({ n: 0 }))).toBe(head)
    for (let n = 16; n < 32; n++) heads.get(otlpOf({ n }))
    expect(heads.get(otlpOf({ n: 0 }))).not.toBe(head)
  })
})
