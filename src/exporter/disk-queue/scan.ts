// SPDX-License-Identifier: Apache-2.0
/**
 * What a segment holds after its writer died. In: bytes of a file at given places. Out: the entries that can be told for sure, and
 * an exact account of the rest. Reads headers only: a payload is checked when it is about to be sent. Knows no file and no queue.
 * @module
 */
import {
  ENTRY_HEADER_BYTES,
  MARKER,
  parseEntryHeader,
  parseSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type EntryHeader,
  type SegmentHeader,
} from './format.js'

/** Bytes with places; `read` may give fewer than asked for only at the end. */
export interface ByteSource {
  readonly size: number
  read(offset: number, length: number): Buffer
}

export interface FoundEntry extends EntryHeader {
  /** Of its header. */
  offset: number
}

/**
 * Bytes that are no readable entry. `torn`: the file ends inside an entry whose header is whole, or inside that header: its
 * writer was stopped. `damaged`: anything else.
 */
export interface Damage {
  kind: 'torn' | 'damaged'
  bytes: number
  /** Requests lost: exact where a later entry's number tells, else the least there were. */
  entries: number
  /** In those requests whose headers tell. */
  items: number
}

export interface ScannedSegment {
  header: SegmentHeader
  entries: FoundEntry[]
  damage: Damage[]
  /** Where the last entry ends: what follows can be cut off. */
  endOffset: number
}

/** `newer` is not ours to judge; `undefined`: the segment's header is not whole, and so nothing in it can be told. */
export function scanSegment(source: ByteSource): ScannedSegment | 'newer' | undefined {
  const header = parseSegmentHeader(source.read(0, SEGMENT_HEADER_BYTES))
  if (header === undefined || header === 'newer') return header
  const scanned: ScannedSegment = { header, entries: [], damage: [], endOffset: SEGMENT_HEADER_BYTES }
  let number = 0
  let offset = SEGMENT_HEADER_BYTES
  while (offset < source.size) {
    const next = findEntry(source, offset, number, header.salt)
    if (next === undefined) {
      scanned.damage.push(describeTail(source, offset))
      break
    }
    if (next.offset > offset)
      scanned.damage.push({
        kind: 'damaged',
        bytes: next.offset - offset,
        entries: next.number - number,
        items: 0,
      })
    const end = next.offset + ENTRY_HEADER_BYTES + next.payloadBytes
    if (end > source.size) {
      scanned.damage.push({ kind: 'torn', bytes: source.size - next.offset, entries: 1, items: next.items })
      break
    }
    scanned.entries.push(next)
    scanned.endOffset = offset = end
    number = next.number + 1
  }
  return scanned
}

const BLOCK_BYTES = 64 * 1024

/** The entry at `offset`, or the next one behind it with a header that is whole and a number that can follow. */
function findEntry(source: ByteSource, from: number, number: number, salt: number): FoundEntry | undefined {
  const first = parseEntryHeader(source.read(from, ENTRY_HEADER_BYTES), salt)
  if (first?.number === number) return { ...first, offset: from }
  for (let blockAt = from + 1; blockAt < source.size; blockAt += BLOCK_BYTES) {
    // A header may begin in this block and end in the next.
    const block = source.read(blockAt, BLOCK_BYTES + ENTRY_HEADER_BYTES - 1)
    for (let at = block.indexOf(MARKER); at >= 0 && at < BLOCK_BYTES; at = block.indexOf(MARKER, at + 1)) {
      const found = parseEntryHeader(block.subarray(at, at + ENTRY_HEADER_BYTES), salt)
      if (found !== undefined && found.number > number) return { ...found, offset: blockAt + at }
    }
  }
  return undefined
}

/** A file that ends before a header could is torn; so many bytes that are none are damage. */
function describeTail(source: ByteSource, offset: number): Damage {
  const bytes = source.size - offset
  return { kind: bytes < ENTRY_HEADER_BYTES ? 'torn' : 'damaged', bytes, entries: 1, items: 0 }
}
