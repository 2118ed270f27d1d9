// SPDX-License-Identifier: Apache-2.0
/** Law: however the bytes of a stream are cut, the telemetry is the same. */
import { describe, expect, it } from 'vitest'
import { asText, play, randomFrom, readCapture, rechunk, scenarios } from './support/scenario.js'

const SIZES = [1, 2, 3, 5, 7, 16, 61, 255, 1024, 4096]
const SEEDS = 8

describe('chunking', () => {
  it.each(scenarios)('%s', (name) => {
    const capture = readCapture(name)
    const { spans, logRecords } = play(capture, 'full')
    const expected = asText({ spans, logRecords })
    for (const size of SIZES) {
      const cut = play(
        rechunk(capture, () => size),
        'full',
      )
      expect(asText({ spans: cut.spans, logRecords: cut.logRecords }), `pieces of ${size}`).toBe(expected)
    }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = randomFrom(seed)
      const cut = play(
        rechunk(capture, () => 1 + random(random(2) === 0 ? 8 : 2000)),
        'full',
      )
      expect(asText({ spans: cut.spans, logRecords: cut.logRecords }), `seed ${seed}`).toBe(expected)
    }
  })
})
