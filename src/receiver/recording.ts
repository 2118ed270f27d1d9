// SPDX-License-Identifier: Apache-2.0
/**
 * The recording file of `proto/recording.proto`. In: batches. Out: a file that can be read after a crash at any byte, and its
 * way back into batches. Knows nothing of what the records say.
 * @module
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import protobuf from 'protobufjs/minimal.js'
import { SensorError } from '../errors.js'
import { CAPTURE_VERSION, RECORD_HEADER } from './layout.js'

const MAGIC = Buffer.from('OISPREC1')
const PREFIX_BYTES = 16
const COMPLETE_FLAG_OFFSET = 12
/** Far more than a header ever is. */
const MAX_HEADER_BYTES = 1 << 20
const READ_CHUNK_BYTES = 1 << 20
/** The largest record there is: a data record of one chunk, with room to grow. */
const MAX_RECORD_BYTES = 1 << 20

/** message RecordingHeader */
export interface RecordingHeader {
  captureVersion: number
  architecture: string
  boottimeToUnixNano: bigint
  bootId: string
  writer: string
  kernelRelease: string
  /** Empty: the recording does not name its machine. */
  hostName: string
}

export interface RecordingWriter {
  /**
   * Whole records, each padded to 8 bytes as a batch is; a single record of any length is padded here. Throws SensorError when
   * the file cannot take it (a full disk): the recording ends there and stays marked as incomplete.
   */
  write(batch: Uint8Array): void
  /** Sets the complete flag, unless a write failed. */
  close(): void
}

/** Makes `path` with mode 0600; an existing file is never touched. Throws SensorError. */
export function createRecordingWriter(path: string, header: RecordingHeader): RecordingWriter {
  let fd: number
  try {
    fd = openSync(path, 'wx', 0o600)
  } catch (error) {
    throw new SensorError({
      code: 'ERR_RECEIVER_RECORDING_CREATE',
      message: `cannot create the recording ${path}: ${(error as Error).message}`,
      hint: 'choose a path that does not exist yet, in a folder you may write to',
      cause: error,
    })
  }
  const body = encodeHeader(header)
  const prefix = Buffer.alloc(PREFIX_BYTES)
  MAGIC.copy(prefix)
  prefix.writeUInt32LE(body.length, MAGIC.length)
  writeAll(fd, Buffer.concat([prefix, body]))
  let isBroken = false
  return {
    write(batch) {
      try {
        writeAll(fd, batch)
        if (batch.length % 8 !== 0) writeAll(fd, Buffer.alloc(8 - (batch.length % 8)))
      } catch (error) {
        isBroken = true
        throw new SensorError({
          code: 'ERR_RECEIVER_RECORDING_WRITE',
          message: `the recording ${path} cannot go on: ${(error as Error).message}`,
          hint: 'what was written before can be replayed; make room and capture again',
          cause: error,
        })
      }
    },
    close() {
      if (!isBroken) writeSync(fd, Buffer.from([1, 0, 0, 0]), 0, 4, COMPLETE_FLAG_OFFSET)
      closeSync(fd)
    },
  }
}

/** Throws what write(2) throws. */
function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0
  while (done < bytes.length) done += writeSync(fd, bytes, done)
}

export interface Recording {
  header: RecordingHeader
  /** The writer finished. */
  isComplete: boolean
  /** Reads the records from the first; batches of whole records. Returns the bytes at the end that are no whole record. */
  read(onBatch: (batch: Uint8Array) => void): number
  close(): void
}

/** Throws SensorError for a file that is no recording or of a newer version. */
export function openRecording(path: string): Recording {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new SensorError({
      code: 'ERR_RECEIVER_RECORDING_OPEN',
      message: `cannot open the recording ${path}: ${(error as Error).message}`,
      cause: error,
    })
  }
  try {
    if (!fstatSync(fd).isFile()) throw notARecording(path, 'it is no regular file')
    const prefix = readExactly(fd, PREFIX_BYTES, 0)
    if (prefix === undefined || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw notARecording(path, 'it does not begin with OISPREC1')
    }
    const headerBytes = prefix.readUInt32LE(MAGIC.length)
    const body = headerBytes <= MAX_HEADER_BYTES ? readExactly(fd, headerBytes, PREFIX_BYTES) : undefined
    if (body === undefined) throw notARecording(path, 'its header is cut')
    const header = decodeHeader(path, body)
    return {
      header,
      isComplete: prefix.readUInt32LE(COMPLETE_FLAG_OFFSET) === 1,
      read: (onBatch) => readRecords(fd, PREFIX_BYTES + headerBytes, onBatch),
      close: () => closeSync(fd),
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function notARecording(path: string, why: string): SensorError {
  return new SensorError({
    code: 'ERR_RECEIVER_RECORDING_FORMAT',
    message: `${path} is not a recording of oisp-sensor: ${why}`,
    hint: 'recordings are made by `oisp-sensor capture --output FILE`',
  })
}

function readExactly(fd: number, length: number, position: number): Buffer | undefined {
  const bytes = Buffer.alloc(length)
  let done = 0
  while (done < length) {
    const n = readSync(fd, bytes, done, length - done, position + done)
    if (n === 0) return undefined
    done += n
  }
  return bytes
}

function readRecords(fd: number, start: number, onBatch: (batch: Uint8Array) => void): number {
  let position = start
  let carry: Buffer = Buffer.alloc(0)
  for (;;) {
    const chunk = Buffer.allocUnsafe(READ_CHUNK_BYTES)
    const n = readSync(fd, chunk, 0, chunk.length, position)
    if (n === 0) return carry.length
    position += n
    const bytes = carry.length === 0 ? chunk.subarray(0, n) : Buffer.concat([carry, chunk.subarray(0, n)])
    const whole = wholeRecords(bytes)
    if (whole.isDamaged) {
      if (whole.length > 0) onBatch(bytes.subarray(0, whole.length))
      return fstatSync(fd).size - (position - bytes.length + whole.length)
    }
    if (whole.length > 0) onBatch(bytes.subarray(0, whole.length))
    carry = bytes.subarray(whole.length)
  }
}

/** How many leading bytes are whole records; damaged when a size is impossible. */
function wholeRecords(bytes: Buffer): { length: number; isDamaged: boolean } {
  let at = 0
  while (at + RECORD_HEADER.SIZE <= bytes.length) {
    const size = bytes.readUInt32LE(at + RECORD_HEADER.size)
    if (size < RECORD_HEADER.SIZE || size > MAX_RECORD_BYTES) return { length: at, isDamaged: true }
    const padded = (size + 7) & ~7
    if (at + padded > bytes.length) break
    at += padded
  }
  return { length: at, isDamaged: false }
}

const FIELD = {
  captureVersion: 1,
  architecture: 2,
  boottimeToUnixNano: 3,
  bootId: 4,
  writer: 5,
  kernelRelease: 6,
  hostName: 7,
}

/** A recording comes from anywhere; what is no name of a host is none. */
const HOST_NAME = /^[A-Za-z0-9._-]{1,255}$/

function encodeHeader(header: RecordingHeader): Uint8Array {
  const writer = new protobuf.Writer()
  writer.uint32((FIELD.captureVersion << 3) | 0).uint32(header.captureVersion)
  writer.uint32((FIELD.architecture << 3) | 2).string(header.architecture)
  const low = Number(BigInt.asUintN(32, header.boottimeToUnixNano))
  const high = Number(BigInt.asUintN(32, header.boottimeToUnixNano >> 32n))
  writer
    .uint32((FIELD.boottimeToUnixNano << 3) | 1)
    .fixed32(low)
    .fixed32(high)
  writer.uint32((FIELD.bootId << 3) | 2).string(header.bootId)
  writer.uint32((FIELD.writer << 3) | 2).string(header.writer)
  writer.uint32((FIELD.kernelRelease << 3) | 2).string(header.kernelRelease)
  writer.uint32((FIELD.hostName << 3) | 2).string(header.hostName)
  return writer.finish()
}

function decodeHeader(path: string, bytes: Uint8Array): RecordingHeader {
  const header: RecordingHeader = {
    captureVersion: 0,
    architecture: '',
    boottimeToUnixNano: 0n,
    bootId: '',
    writer: '',
    kernelRelease: '',
    hostName: '',
  }
  try {
    const reader = protobuf.Reader.create(bytes)
    while (reader.pos < reader.len) {
      const tag = reader.uint32()
      if (tag === ((FIELD.captureVersion << 3) | 0)) header.captureVersion = reader.uint32()
      else if (tag === ((FIELD.architecture << 3) | 2)) header.architecture = reader.string()
      else if (tag === ((FIELD.boottimeToUnixNano << 3) | 1)) header.boottimeToUnixNano = readSfixed64(reader)
      else if (tag === ((FIELD.bootId << 3) | 2)) header.bootId = reader.string()
      else if (tag === ((FIELD.writer << 3) | 2)) header.writer = reader.string()
      else if (tag === ((FIELD.kernelRelease << 3) | 2)) header.kernelRelease = reader.string()
      else if (tag === ((FIELD.hostName << 3) | 2)) header.hostName = reader.string()
      else reader.skipType(tag & 7)
    }
  } catch (error) {
    throw notARecording(path, `its header is damaged (${(error as Error).message})`)
  }
  if (!HOST_NAME.test(header.hostName)) header.hostName = ''
  if (header.captureVersion !== CAPTURE_VERSION) {
    throw new SensorError({
      code: 'ERR_RECEIVER_RECORDING_VERSION',
      message: `${path} has capture version ${header.captureVersion}; this sensor reads version ${CAPTURE_VERSION}`,
      hint: `it was written by ${header.writer === '' ? 'an unknown writer' : header.writer}; replay it with that version`,
    })
  }
  return header
}

function readSfixed64(reader: protobuf.Reader): bigint {
  const low = BigInt(reader.fixed32())
  const high = BigInt(reader.fixed32())
  return BigInt.asIntN(64, (high << 32n) | low)
}
