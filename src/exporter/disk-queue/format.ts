// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes of a segment file. In: one signal's encoded requests. Out: a segment header, and an entry per request, all little endian.
 * Knows no file.
 *
 *     segment  magic "OISPOTLQ" · version u16 · signal u16 · salt u32 · CRC-32 of these u32
 *     entry    marker "OTLQ" · state u8 · 0 u24 · number u32 · payload bytes u32 · items u32 · first written, Unix ms u64
 *              · CRC-32 of the payload u32 · CRC-32 of the header without its state, starting from the salt u32 · payload
 *
 * Entries are appended and stay as they are, but for the state: one byte, overwritten in place when the request is settled. So
 * no second file can disagree with the first, and one byte is never half written.
 * @module
 */
import { crc32 } from 'node:zlib'
import type { Signal } from '../types.js'

export const SEGMENT_HEADER_BYTES = 20
export const ENTRY_HEADER_BYTES = 36
/** Of the state byte in an entry. */
export const STATE_OFFSET = 4

const MAGIC = Buffer.from('OISPOTLQ')
const VERSION = 1
export const MARKER = Buffer.from('OTLQ')
/** Each is the other's complement: no single damaged bit turns one into the other, and whatever is neither is sent again. */
const WAITING = 0x57
export const SETTLED = 0xa8

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics']

export interface SegmentHeader {
  signal: Signal
  /**
   * Random. It is in every header checksum of the segment, so that a payload (captured text, of whoever wrote it) that looks
   * like an entry is not taken for one when the reader looks for the next entry behind damage.
   */
  salt: number
}

export interface EntryHeader {
  /** Counts from 0 in each segment: what is missing in between can be counted. */
  number: number
  payloadBytes: number
  items: number
  writtenUnixMs: number
  payloadCrc: number
  isSettled: boolean
}

export function encodeSegmentHeader({ signal, salt }: SegmentHeader, version = VERSION): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt16LE(version, 8)
  bytes.writeUInt16LE(SIGNALS.indexOf(signal), 10)
  bytes.writeUInt32LE(salt, 12)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16)
  return bytes
}

/** `newer`: whole, but written by a version of the sensor that this one does not know. */
export function parseSegmentHeader(bytes: Buffer): SegmentHeader | 'newer' | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined
  if (crc32(bytes.subarray(0, 16)) !== bytes.readUInt32LE(16)) return undefined
  const signal = SIGNALS[bytes.readUInt16LE(10)]
  if (bytes.readUInt16LE(8) !== VERSION || signal === undefined) return 'newer'
  return { signal, salt: bytes.readUInt32LE(12) }
}

export type NewEntry = Pick<EntryHeader, 'number' | 'items' | 'writtenUnixMs'>

export function encodeEntryHeader(entry: NewEntry, payload: Uint8Array, salt: number): Buffer {
  const bytes = Buffer.alloc(ENTRY_HEADER_BYTES)
  MARKER.copy(bytes)
  bytes.writeUInt32LE(entry.number, 8)
  bytes.writeUInt32LE(payload.length, 12)
  bytes.writeUInt32LE(entry.items, 16)
  bytes.writeBigUInt64LE(BigInt(Math.trunc(entry.writtenUnixMs)), 20)
  bytes.writeUInt32LE(crc32(payload), 28)
  bytes.writeUInt32LE(headerCrc(bytes, salt), 32)
  bytes[STATE_OFFSET] = WAITING
  return bytes
}

/** `undefined` unless every bit but the state's is as it was written. */
export function parseEntryHeader(bytes: Buffer, salt: number): EntryHeader | undefined {
  if (bytes.length < ENTRY_HEADER_BYTES || !bytes.subarray(0, 4).equals(MARKER)) return undefined
  if (headerCrc(bytes, salt) !== bytes.readUInt32LE(32)) return undefined
  return {
    number: bytes.readUInt32LE(8),
    payloadBytes: bytes.readUInt32LE(12),
    items: bytes.readUInt32LE(16),
    writtenUnixMs: Number(bytes.readBigUInt64LE(20)),
    payloadCrc: bytes.readUInt32LE(28),
    isSettled: bytes[STATE_OFFSET] === SETTLED,
  }
}

function headerCrc(bytes: Buffer, salt: number): number {
  return crc32(bytes.subarray(STATE_OFFSET + 1, 32), crc32(bytes.subarray(0, STATE_OFFSET), salt))
}

export function isPayloadIntact(payload: Uint8Array, { payloadBytes, payloadCrc }: EntryHeader): boolean {
  return payload.length === payloadBytes && crc32(payload) === payloadCrc
}
