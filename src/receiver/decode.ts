// SPDX-License-Identifier: Apache-2.0
/**
 * Batches of `bpf/capture.h` records -> CaptureRecord. In: bytes, from the ring buffer or a recording. Out: typed records
 * with unix time. Knows no protocol. A recording may be damaged or hostile: a length that does not fit ends the batch.
 * @module
 */
import {
  CLOSE_PEER_CLOSED,
  CLOSE_RECORD,
  CAPTURE_CGROUP_NAME_BYTES,
  CAPTURE_COMM_BYTES,
  CONNECTION,
  DATA_RECORD,
  DIRECTION,
  DUPLICATE_RECORD,
  EXIT_RECORD,
  FORK_RECORD,
  GAP_REASON,
  GAP_RECORD,
  LOSS_REASON,
  LOST_RECORD,
  MAPPING_RECORD,
  PROCESS_RECORD,
  RECORD_HEADER,
  RECORD_KIND,
} from './layout.js'
import type { CaptureRecord, ConnectionId, Direction, GapReason, ProcessId, ProcessRecord } from './types.js'

/** A new executable mapping; inode 0 when the kernel lost some announcements. For the receiver's own decisions. */
export interface MappingRecord {
  kind: 'mapping'
  pid: number
  address: bigint
  length: bigint
  inode: bigint
  inodeGeneration: bigint
  deviceMajor: number
  deviceMinor: number
  path: string
}

/** Two attachments fired for one call: one inode seen through two file systems (capture rule 6). */
export interface DuplicateRecord {
  kind: 'duplicate'
  keptCookie: bigint
  duplicateCookie: bigint
}

export type DecodedRecord = CaptureRecord | MappingRecord | DuplicateRecord

export interface DecodeSettings {
  /** CLOCK_REALTIME minus CLOCK_BOOTTIME, ns. */
  boottimeToUnixNano: bigint
}

const GAP_REASONS: Record<number, GapReason> = {
  [GAP_REASON.GAP_CALL_TOO_LARGE]: 'call_too_large',
  [GAP_REASON.GAP_SENDFILE]: 'sendfile',
  [GAP_REASON.GAP_EARLY_DATA]: 'early_data',
}

/** Names of enum loss_reason, lower case and without the prefix, by value. */
export const LOSS_REASONS: readonly string[] = Object.entries(LOSS_REASON)
  .filter(([name]) => name !== 'LOSS_REASON_COUNT')
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name.replace('LOSS_', '').toLowerCase())

/**
 * Calls `visit` for every record of `batch` (whose records are padded to 8 bytes). Returns the bytes understood: less than
 * `batch.length` when the rest is damaged or cut. Records of unknown kind are skipped: a newer writer may have them.
 */
export function decodeBatch(
  batch: Uint8Array,
  settings: DecodeSettings,
  visit: (record: DecodedRecord) => void,
): number {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  const data = new DataReader(bytes)
  let at = 0
  while (at + RECORD_HEADER.SIZE <= bytes.length) {
    const size = bytes.readUInt32LE(at + RECORD_HEADER.size)
    if (size < RECORD_HEADER.SIZE || at + size > bytes.length) return at
    const record = decodeRecord(bytes, at, size, data, settings)
    if (record !== undefined) visit(record)
    at = Math.min((at + size + 7) & ~7, bytes.length)
  }
  return at
}

function decodeRecord(
  batch: Buffer,
  at: number,
  size: number,
  data: DataReader,
  settings: DecodeSettings,
): DecodedRecord | undefined {
  const kind = batch.readUInt32LE(at + RECORD_HEADER.kind)
  if (size < (FIXED_SIZES[kind] ?? Infinity)) return undefined
  // Nearly all records: read in place, because a view of one costs as much as the rest of its decoding.
  if (kind === RECORD_KIND.RECORD_DATA) return data.read(at, size, settings.boottimeToUnixNano)
  const timeUnixNano = batch.readBigUInt64LE(at + RECORD_HEADER.time_ns) + settings.boottimeToUnixNano
  return decodeOther(kind, batch.subarray(at, at + size), timeUnixNano)
}

function decodeOther(kind: number, r: Buffer, timeUnixNano: bigint): DecodedRecord | undefined {
  switch (kind) {
    case RECORD_KIND.RECORD_GAP:
      return decodeGap(r, timeUnixNano)
    case RECORD_KIND.RECORD_CLOSE:
      return {
        kind: 'close',
        timeUnixNano,
        connection: connectionOf(r),
        transmitted: safeNumber(r, CLOSE_RECORD.transmitted),
        received: safeNumber(r, CLOSE_RECORD.received),
        peerClosed: (r.readUInt32LE(CLOSE_RECORD.flags) & CLOSE_PEER_CLOSED) !== 0,
      }
    case RECORD_KIND.RECORD_EXEC:
      return decodeProcess(r, 'exec', timeUnixNano)
    case RECORD_KIND.RECORD_PROCESS:
      return decodeProcess(r, 'process', timeUnixNano)
    case RECORD_KIND.RECORD_FORK:
      return {
        kind: 'fork',
        timeUnixNano,
        process: processOf(r),
        parent: {
          pid: r.readUInt32LE(FORK_RECORD.parent_pid),
          startBoottimeNs: r.readBigUInt64LE(FORK_RECORD.parent_start_boottime_ns),
        },
        userId: r.readUInt32LE(FORK_RECORD.user_id),
      }
    case RECORD_KIND.RECORD_EXIT:
      return {
        kind: 'exit',
        timeUnixNano,
        process: processOf(r),
        exitCode: r.readInt32LE(EXIT_RECORD.exit_code),
      }
    case RECORD_KIND.RECORD_LOST:
      return {
        kind: 'lost',
        timeUnixNano,
        reason: LOSS_REASONS[r.readUInt32LE(LOST_RECORD.reason)] ?? 'unknown',
        records: safeNumber(r, LOST_RECORD.records),
        bytes: safeNumber(r, LOST_RECORD.bytes),
      }
    case RECORD_KIND.RECORD_MAPPING:
      return decodeMapping(r)
    case RECORD_KIND.RECORD_DUPLICATE:
      return {
        kind: 'duplicate',
        keptCookie: r.readBigUInt64LE(DUPLICATE_RECORD.kept_cookie),
        duplicateCookie: r.readBigUInt64LE(DUPLICATE_RECORD.duplicate_cookie),
      }
    default:
      return undefined
  }
}

const FIXED_SIZES: Record<number, number> = {
  [RECORD_KIND.RECORD_DATA]: DATA_RECORD.SIZE,
  [RECORD_KIND.RECORD_GAP]: GAP_RECORD.SIZE,
  [RECORD_KIND.RECORD_CLOSE]: CLOSE_RECORD.SIZE,
  [RECORD_KIND.RECORD_EXEC]: PROCESS_RECORD.SIZE,
  [RECORD_KIND.RECORD_PROCESS]: PROCESS_RECORD.SIZE,
  [RECORD_KIND.RECORD_FORK]: FORK_RECORD.SIZE,
  [RECORD_KIND.RECORD_EXIT]: EXIT_RECORD.SIZE,
  [RECORD_KIND.RECORD_LOST]: LOST_RECORD.SIZE,
  [RECORD_KIND.RECORD_MAPPING]: MAPPING_RECORD.SIZE,
  [RECORD_KIND.RECORD_DUPLICATE]: DUPLICATE_RECORD.SIZE,
}

function processOf(r: Buffer): ProcessId {
  return {
    pid: r.readUInt32LE(RECORD_HEADER.pid),
    startBoottimeNs: r.readBigUInt64LE(RECORD_HEADER.start_boottime_ns),
  }
}

/** `struct connection` stands at the same place in data, gap and close records. */
function connectionOf(r: Buffer): ConnectionId {
  return {
    ...processOf(r),
    ssl: r.readBigUInt64LE(DATA_RECORD.connection + CONNECTION.ssl),
    generation: r.readBigUInt64LE(DATA_RECORD.connection + CONNECTION.generation),
  }
}

function directionOf(value: number): Direction | undefined {
  if (value === DIRECTION.DIRECTION_TRANSMIT) return 'transmit'
  return value === DIRECTION.DIRECTION_RECEIVE ? 'receive' : undefined
}

/** Data records of one batch, through a view whose 64-bit reads V8 compiles in place; Buffer's put them together from bytes. */
class DataReader {
  readonly #bytes: Buffer
  readonly #view: DataView
  /** Records come in runs of one connection: comparing costs less than three more big integers. */
  #last: ConnectionId | undefined
  #lastAt = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  read(at: number, size: number, boottimeToUnixNano: bigint): CaptureRecord | undefined {
    const view = this.#view
    const direction = directionOf(view.getUint32(at + DATA_RECORD.direction, true))
    const length = view.getUint32(at + DATA_RECORD.length, true)
    if (direction === undefined || DATA_RECORD.SIZE + length > size) return undefined
    const start = at + DATA_RECORD.SIZE
    return {
      kind: 'data',
      timeUnixNano: view.getBigUint64(at + RECORD_HEADER.time_ns, true) + boottimeToUnixNano,
      connection: this.#connectionOf(at),
      threadId: view.getUint32(at + RECORD_HEADER.tid, true),
      direction,
      offset: safeNumber(this.#bytes, at + DATA_RECORD.offset),
      bytes: this.#bytes.subarray(start, start + length),
    }
  }

  #connectionOf(at: number): ConnectionId {
    if (this.#last !== undefined && this.#isSame(at, this.#lastAt)) return this.#last
    const view = this.#view
    this.#lastAt = at
    return (this.#last = {
      pid: view.getUint32(at + RECORD_HEADER.pid, true),
      startBoottimeNs: view.getBigUint64(at + RECORD_HEADER.start_boottime_ns, true),
      ssl: view.getBigUint64(at + DATA_RECORD.connection + CONNECTION.ssl, true),
      generation: view.getBigUint64(at + DATA_RECORD.connection + CONNECTION.generation, true),
    })
  }

  #isSame(a: number, b: number): boolean {
    const view = this.#view
    for (const field of CONNECTION_WORDS)
      if (view.getUint32(a + field, true) !== view.getUint32(b + field, true)) return false
    return true
  }
}

/** Where the 32-bit halves stand that name a connection. */
const CONNECTION_WORDS = [
  RECORD_HEADER.pid,
  RECORD_HEADER.start_boottime_ns,
  RECORD_HEADER.start_boottime_ns + 4,
  DATA_RECORD.connection + CONNECTION.ssl,
  DATA_RECORD.connection + CONNECTION.ssl + 4,
  DATA_RECORD.connection + CONNECTION.generation,
  DATA_RECORD.connection + CONNECTION.generation + 4,
] as const

function decodeGap(r: Buffer, timeUnixNano: bigint): CaptureRecord | undefined {
  const direction = directionOf(r.readUInt32LE(GAP_RECORD.direction))
  const reason = GAP_REASONS[r.readUInt32LE(GAP_RECORD.reason)]
  if (direction === undefined || reason === undefined) return undefined
  return {
    kind: 'gap',
    timeUnixNano,
    connection: connectionOf(r),
    direction,
    offset: safeNumber(r, GAP_RECORD.offset),
    length: safeNumber(r, GAP_RECORD.length),
    reason,
  }
}

function decodeProcess(r: Buffer, kind: 'process' | 'exec', timeUnixNano: bigint): ProcessRecord | undefined {
  let at: number = PROCESS_RECORD.SIZE
  const take = (field: number): Buffer => {
    const length = r.readUInt32LE(field)
    const bytes = r.subarray(at, at + length)
    at += length
    return bytes
  }
  const cgroups = take(PROCESS_RECORD.cgroups_length)
  const executable = take(PROCESS_RECORD.executable_length)
  const interpreter = take(PROCESS_RECORD.interpreter_length)
  const argumentArea = take(PROCESS_RECORD.arguments_length)
  if (at > r.length) return undefined
  return {
    kind,
    timeUnixNano,
    process: processOf(r),
    parentPid: r.readUInt32LE(PROCESS_RECORD.parent_pid),
    userId: r.readUInt32LE(PROCESS_RECORD.user_id),
    groupId: r.readUInt32LE(PROCESS_RECORD.group_id),
    cgroupId: r.readBigUInt64LE(PROCESS_RECORD.cgroup_id),
    cgroupNames: splitCgroups(cgroups),
    comm: untilNul(r.subarray(PROCESS_RECORD.comm, PROCESS_RECORD.comm + CAPTURE_COMM_BYTES)),
    executable: executable.toString('utf8'),
    interpreter: interpreter.toString('utf8'),
    arguments: splitArguments(argumentArea),
    argumentsBytes: r.readUInt32LE(PROCESS_RECORD.arguments_total),
  }
}

/** Behind its NUL a field holds what was in the ring before. */
function splitCgroups(fields: Buffer): string[] {
  const names: string[] = []
  for (let at = 0; at < fields.length; at += CAPTURE_CGROUP_NAME_BYTES)
    names.push(untilNul(fields.subarray(at, at + CAPTURE_CGROUP_NAME_BYTES)))
  return names.filter((name) => name !== '')
}

function decodeMapping(r: Buffer): MappingRecord | undefined {
  const length = r.readUInt32LE(MAPPING_RECORD.path_length)
  if (MAPPING_RECORD.SIZE + length > r.length) return undefined
  return {
    kind: 'mapping',
    pid: r.readUInt32LE(RECORD_HEADER.pid),
    address: r.readBigUInt64LE(MAPPING_RECORD.address),
    length: r.readBigUInt64LE(MAPPING_RECORD.length),
    inode: r.readBigUInt64LE(MAPPING_RECORD.inode),
    inodeGeneration: r.readBigUInt64LE(MAPPING_RECORD.inode_generation),
    deviceMajor: r.readUInt32LE(MAPPING_RECORD.device_major),
    deviceMinor: r.readUInt32LE(MAPPING_RECORD.device_minor),
    path: r.toString('utf8', MAPPING_RECORD.SIZE, MAPPING_RECORD.SIZE + length),
  }
}

/** 2^53 bytes of one stream are out of reach; a recording that claims more gets the largest number, never a wrong one. */
function safeNumber(r: Buffer, at: number): number {
  const value = r.readUInt32LE(at + 4) * 2 ** 32 + r.readUInt32LE(at)
  return Math.min(value, Number.MAX_SAFE_INTEGER)
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

function splitArguments(area: Buffer): string[] {
  if (area.length === 0) return []
  const end = area[area.length - 1] === 0 ? area.length - 1 : area.length
  return area.toString('utf8', 0, end).split('\0')
}
