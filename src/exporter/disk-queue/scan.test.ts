// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  encodeEntryHeader,
  encodeSegmentHeader,
  ENTRY_HEADER_BYTES,
  isPayloadIntact,
  SEGMENT_HEADER_BYTES,
  SETTLED,
  STATE_OFFSET,
} from './format.js'
import { scanSegment, type ByteSource, type ScannedSegment } from './scan.js'

const SALT = 0x01020304
const PAYLOADS = ['first request', 'second', 'the third one'].map((text) => Buffer.from(text))

function makeSegment(payloads: readonly Uint8Array[] = PAYLOADS, salt = SALT): Buffer {
  return Buffer.concat([
    encodeSegmentHeader({ signal: 'logs', salt }),
    ...payloads.flatMap((payload, number) => [
      encodeEntryHeader(
        { number, items: number + 1, writtenUnixMs: 1_700_000_000_000 + number },
        payload,
        salt,
      ),
      payload,
    ]),
  ])
}

const sourceOf = (bytes: Buffer): ByteSource => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
})
const scan = (bytes: Buffer): ScannedSegment | 'newer' | undefined => scanSegment(sourceOf(bytes))

/** Place and length of each entry in `makeSegment()`. */
const PLACES = PAYLOADS.map((payload, number) => ({
  from:
    SEGMENT_HEADER_BYTES +
    PAYLOADS.slice(0, number).reduce((sum, { length }) => sum + ENTRY_HEADER_BYTES + length, 0),
  length: ENTRY_HEADER_BYTES + payload.length,
}))

/** What would be sent: numbers of the entries whose payload is intact. Fails on a payload that nobody wrote there. */
function readable(bytes: Buffer, { entries }: ScannedSegment): number[] {
  const intact = entries.filter((entry) => isPayloadIntact(payloadOf(bytes, entry), entry))
  for (const entry of intact) expect(payloadOf(bytes, entry)).toEqual(PAYLOADS[entry.number])
  return intact.map(({ number }) => number)
}

function payloadOf(
  bytes: Buffer,
  { offset, payloadBytes }: { offset: number; payloadBytes: number },
): Buffer {
  return bytes.subarray(offset + ENTRY_HEADER_BYTES, offset + ENTRY_HEADER_BYTES + payloadBytes)
}

function summaryOf(bytes: Buffer, scanned: ReturnType<typeof scan>) {
  if (typeof scanned !== 'object') return scanned
  const { entries, damage } = scanned
  const settled = entries.filter(({ isSettled }) => isSettled).length
  return { readable: readable(bytes, scanned), found: entries.length, settled, damage }
}

describe('the format', () => {
  it('has these very bytes', () => {
    const header = { number: 2, items: 3, writtenUnixMs: 0x0102030405 }
    expect(encodeSegmentHeader({ signal: 'logs', salt: SALT }).toString('hex')).toBe(
      '4f4953504f544c51' + '0100' + '0100' + '04030201' + 'adf39a06',
    )
    expect(encodeEntryHeader(header, Buffer.from('abc'), SALT).toString('hex')).toBe(
      '4f544c51' +
        '57' +
        '000000' +
        '02000000' +
        '03000000' +
        '03000000' +
        '0504030201000000' +
        'c2412435' +
        'c7732994',
    )
  })

  it('gives back the entries in order, settled or not', () => {
    const bytes = makeSegment()
    bytes[PLACES[1]!.from + STATE_OFFSET] = SETTLED
    const scanned = scan(bytes) as ScannedSegment
    expect(scanned.header).toEqual({ signal: 'logs', salt: SALT })
    expect(scanned.damage).toEqual([])
    expect(scanned.endOffset).toBe(bytes.length)
    expect(scanned.entries.map(({ number, items, isSettled }) => [number, items, isSettled])).toEqual([
      [0, 1, false],
      [1, 2, true],
      [2, 3, false],
    ])
    expect(readable(bytes, scanned)).toEqual([0, 1, 2])
  })

  it('of a later version is not judged', () => {
    const bytes = makeSegment()
    const later = encodeSegmentHeader({ signal: 'logs', salt: SALT }, 2)
    later.copy(bytes)
    expect(scan(bytes)).toBe('newer')
  })
})

describe('a segment', () => {
  const whole = makeSegment()

  it('cut off at any byte gives what is whole', () => {
    for (let length = 0; length <= whole.length; length++) checkCut(length)
  })

  function checkCut(length: number): void {
    const bytes = whole.subarray(0, length)
    const scanned = scan(bytes)
    if (length < SEGMENT_HEADER_BYTES) return expect(scanned, `${length} bytes`).toBeUndefined()
    const complete = PLACES.filter((place) => place.from + place.length <= length)
    const last = complete.at(-1)
    const rest = length - (last ? last.from + last.length : SEGMENT_HEADER_BYTES)
    const items = rest >= ENTRY_HEADER_BYTES ? complete.length + 1 : 0
    const torn = { kind: 'torn', bytes: rest, entries: 1, items }
    expect(summaryOf(bytes, scanned), `${length} bytes`).toEqual({
      readable: complete.map((_, number) => number),
      found: complete.length,
      settled: 0,
      damage: rest === 0 ? [] : [torn],
    })
  }

  it('with any bit flipped loses at most the entry of that bit', () => {
    for (let bit = 0; bit < whole.length * 8; bit++) checkFlip(Math.trunc(bit / 8), 1 << (bit % 8))
  })

  function checkFlip(at: number, mask: number): void {
    const bytes = Buffer.from(whole)
    bytes[at]! ^= mask
    const scanned = scan(bytes)
    if (at < SEGMENT_HEADER_BYTES) return expect(scanned, `byte ${at}`).toBeUndefined()
    const hit = PLACES.findIndex(({ from, length }) => at < from + length)
    const inEntry = at - PLACES[hit]!.from
    const isState = inEntry === STATE_OFFSET
    const isHeader = inEntry < ENTRY_HEADER_BYTES && !isState
    const lost = { kind: 'damaged', bytes: PLACES[hit]!.length, entries: 1, items: 0 }
    expect(summaryOf(bytes, scanned), `byte ${at}`).toEqual({
      readable: [0, 1, 2].filter((number) => number !== hit || isState),
      // A damaged payload is found when it is read; then its items are known.
      found: isHeader ? 2 : 3,
      settled: 0,
      damage: isHeader ? [lost] : [],
    })
  }
})

describe('damage in a segment', () => {
  it('over several entries is counted by the number of the next', () => {
    const bytes = makeSegment()
    bytes.fill(0, PLACES[0]!.from, PLACES[2]!.from)
    const scanned = scan(bytes) as ScannedSegment
    expect(readable(bytes, scanned)).toEqual([2])
    expect(scanned.damage).toEqual([
      { kind: 'damaged', bytes: PLACES[0]!.length + PLACES[1]!.length, entries: 2, items: 0 },
    ])
  })

  it('never lets a payload pass for an entry', () => {
    const forged = makeSegment(
      [Buffer.from('forged'), Buffer.from('forged'), Buffer.from('forged')],
      SALT + 1,
    )
    const bytes = makeSegment([forged, PAYLOADS[1]!, PAYLOADS[2]!])
    bytes[SEGMENT_HEADER_BYTES] = 0
    const scanned = scan(bytes) as ScannedSegment
    expect(scanned.entries.map(({ number, payloadBytes }) => [number, payloadBytes])).toEqual([
      [1, PAYLOADS[1]!.length],
      [2, PAYLOADS[2]!.length],
    ])
  })

  it('never takes an earlier entry for a later one', () => {
    const bytes = makeSegment()
    const again = bytes.subarray(PLACES[0]!.from, PLACES[1]!.from)
    const scanned = scan(Buffer.concat([bytes, again])) as ScannedSegment
    expect(scanned.entries.map(({ number }) => number)).toEqual([0, 1, 2])
    expect(scanned.damage).toEqual([{ kind: 'damaged', bytes: again.length, entries: 1, items: 0 }])
  })

  it('is passed over however long it is and wherever the next entry begins', () => {
    for (const length of [65_536 - 40, 65_536 - 1, 65_536, 65_536 + 35, 200_000]) {
      const bytes = makeSegment([Buffer.alloc(length, 'OTL'), PAYLOADS[1]!, PAYLOADS[2]!])
      bytes[SEGMENT_HEADER_BYTES] = 0
      const scanned = scan(bytes) as ScannedSegment
      expect(readable(bytes, scanned)).toEqual([1, 2])
      expect(scanned.damage).toEqual([
        { kind: 'damaged', bytes: length + ENTRY_HEADER_BYTES, entries: 1, items: 0 },
      ])
    }
  })
})
