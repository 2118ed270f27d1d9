// SPDX-License-Identifier: Apache-2.0
/**
 * A raw recording as the tests look at it. In: a file of `capture`. Out: per connection and direction the pieces that were
 * captured, where they stand, and every byte that is known to be missing. The only place that reads the format, through the
 * receiver's decoder; what is compared with the server's ledger is the payload alone.
 * @module
 */
import { createHash } from 'node:crypto'
import { decodeBatch, openRecording, type CaptureRecord } from '../../../src/receiver/index.js'
import type { ConnectionId, Direction } from '../../../src/receiver/types.js'

export interface Piece {
  offset: number
  bytes: Uint8Array
}

export interface CapturedDirection {
  /** Sorted by offset. */
  pieces: Piece[]
  capturedBytes: number
  /** Bytes between pieces (a full ring), bytes of gap records, and the tail that the close record shows. */
  missingBytes: number
}

export interface CapturedConnection {
  pid: number
  transmit: CapturedDirection
  receive: CapturedDirection
  isClosed: boolean
}

export interface CapturedFile {
  isComplete: boolean
  connections: CapturedConnection[]
  /** Sums of the `lost` records. */
  lost: { records: number; bytes: number }
}

type Extent = { offset: number; length: number; bytes: Uint8Array | undefined }
interface Open {
  pid: number
  extents: Record<Direction, Extent[]>
  final: Record<Direction, number> | undefined
}

export function readCapturedFile(path: string): CapturedFile {
  const recording = openRecording(path)
  const open = new Map<string, Open>()
  const lost = { records: 0, bytes: 0 }
  const settings = { boottimeToUnixNano: recording.header.boottimeToUnixNano }
  try {
    recording.read((batch) => {
      decodeBatch(batch, settings, (record) => {
        if (record.kind === 'lost') {
          lost.records += record.records
          lost.bytes += record.bytes
        } else if (record.kind === 'data' || record.kind === 'gap' || record.kind === 'close') {
          addRecord(connectionOf(open, record.connection), record)
        }
      })
    })
  } finally {
    recording.close()
  }
  const connections = [...open.values()].map(({ pid, extents, final }) => ({
    pid,
    transmit: measure(extents.transmit, final?.transmit),
    receive: measure(extents.receive, final?.receive),
    isClosed: final !== undefined,
  }))
  return { isComplete: recording.isComplete, connections, lost }
}

function connectionOf(open: Map<string, Open>, id: ConnectionId): Open {
  const key = `${id.pid}:${id.startBoottimeNs}:${id.ssl}:${id.generation}`
  let connection = open.get(key)
  if (connection === undefined)
    open.set(key, (connection = { pid: id.pid, extents: { transmit: [], receive: [] }, final: undefined }))
  return connection
}

function addRecord(
  connection: Open,
  record: Extract<CaptureRecord, { kind: 'data' | 'gap' | 'close' }>,
): void {
  if (record.kind === 'close') connection.final = { transmit: record.transmitted, receive: record.received }
  else if (record.kind === 'gap')
    connection.extents[record.direction].push({
      offset: record.offset,
      length: record.length,
      bytes: undefined,
    })
  else
    connection.extents[record.direction].push({
      offset: record.offset,
      length: record.bytes.length,
      bytes: record.bytes,
    })
}

function measure(extents: Extent[], final: number | undefined): CapturedDirection {
  extents.sort((a, b) => a.offset - b.offset)
  let position = 0
  let missingBytes = 0
  const pieces: Piece[] = []
  for (const { offset, length, bytes } of extents) {
    if (offset < position) throw new Error(`captured twice: offset ${offset} after ${position}`)
    missingBytes += offset - position
    position = offset + length
    if (bytes === undefined) missingBytes += length
    else pieces.push({ offset, bytes })
  }
  missingBytes += Math.max(0, (final ?? position) - position)
  return { pieces, missingBytes, capturedBytes: pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) }
}

export function digestOf({ pieces }: CapturedDirection): { bytes: number; sha256: string } {
  const hash = createHash('sha256')
  let bytes = 0
  for (const piece of pieces) {
    hash.update(piece.bytes)
    bytes += piece.bytes.length
  }
  return { bytes, sha256: hash.digest('hex') }
}
