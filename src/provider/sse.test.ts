// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createBudget } from '../stats.js'
import { Reservation } from './reservation.js'
import { SseDecoder } from './sse.js'

interface Read {
  events: string[]
  drops: string[]
  peakBytes: number
}

/** `null` is a gap. Ends the stream and expects every byte back. */
function read(pieces: (string | Uint8Array | null)[], maxBytes = 10_000): Read {
  const budget = createBudget()
  const events: string[] = []
  const drops: string[] = []
  const decoder = new SseDecoder(new Reservation(budget, maxBytes), {
    onEvent: (data) => events.push(data),
    onDrop: (reason) => drops.push(reason),
  })
  for (const piece of pieces) {
    if (piece === null) decoder.gap()
    else decoder.push(Buffer.from(piece as string))
  }
  decoder.end()
  expect(budget.usedBytes).toBe(0)
  return { events, drops, peakBytes: budget.peakBytes }
}

function cut(text: string, size: number): Uint8Array[] {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
}

describe('SseDecoder', () => {
  it.each([
    ['one line', 'data: a\n\n', ['a']],
    ['no space after the colon', 'data:a\n\n', ['a']],
    ['one space only is taken off', 'data:  a\n\n', [' a']],
    ['several lines', 'data: a\ndata: b\n\n', ['a\nb']],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['CR alone', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['mixed line ends', 'data: a\r\n\ndata: b\n\r\n', ['a', 'b']],
    ['other fields and comments', ': hi\nevent: x\nid: 1\nretry: 5\nfoo\ndata: a\n\n', ['a']],
    ['a field that only begins like data', 'database: a\ndata2: b\ndata: c\n\n', ['c']],
    ['data without colon is an empty line', 'data\ndata: a\n\n', ['\na']],
    ['no data, no event', 'event: x\n\ndata:\n\ndata: a\n\n', ['a']],
    ['no blank line, no event', 'data: a\n\ndata: b\n', ['a']],
    ['byte order mark', '\ufeffdata: a\n\n', ['a']],
    ['characters of several bytes', 'data: Grüße 世界 🦊\n\n', ['Grüße 世界 🦊']],
  ])('%s', (_name, text, expected) => {
    for (let size = 1; size <= Buffer.byteLength(text); size++)
      expect(read(cut(text, size)).events).toEqual(expected)
  })

  it('replaces invalid UTF-8', () => {
    expect(read([Buffer.from('64617461 3a20 61ff62 0a0a'.replaceAll(' ', ''), 'hex')]).events).toEqual([
      'a\ufffdb',
    ])
  })

  it('gives up the event around a gap and goes on after the next blank line', () => {
    expect(read(['data: a\n\ndata: b', null, 'c\n\ndata: d\n\n'])).toMatchObject({
      events: ['a', 'd'],
      drops: ['gap'],
    })
    expect(read(['data: b\n', null, 'data: c\ndata: d\n\ndata: e\n\n'])).toMatchObject({
      events: ['e'],
      drops: ['gap'],
    })
    // The first byte after the gap ends the lost line: it is no end of an event that was seen.
    expect(read(['data: b', null, '\n\ndata: e\n\n']).events).toEqual(['e'])
    expect(read([null, 'data: a\n\ndata: b\n\n'])).toMatchObject({ events: ['b'], drops: [] })
  })

  it('skips an event over the limit, whole, and reads the next one', () => {
    const text = `data: ${'x'.repeat(5_000)}\n\ndata: ok\n\n`
    for (const size of [1, 7, 1_000, 10_000]) {
      const { events, drops, peakBytes } = read(cut(text, size), 2_000)
      expect({ events, drops }).toEqual({ events: ['ok'], drops: ['max_body_bytes'] })
      expect(peakBytes).toBeLessThanOrEqual(2_000)
    }
  })

  it('holds little for a stream without end', () => {
    for (const endless of ['data: x\n', 'data:\n', 'x'.repeat(100), '\r'])
      expect(
        read(
          Array.from({ length: 1_000 }, () => endless),
          4_000,
        ).peakBytes,
      ).toBeLessThanOrEqual(4_000)
  })
})
