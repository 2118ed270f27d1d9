// SPDX-License-Identifier: Apache-2.0
/**
 * Each connection's two ordered byte streams. In: records with positions, possibly with holes. Out: contiguous bytes and explicit
 * gaps, between one `open` and one `close`. Buffers nothing: records of one direction come in order, because one thread at a
 * time may use an SSL object, so a position ahead of the expected one means loss. Parses nothing.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { ProcessedRecord, ProcessRef } from '../process/types.js'
import type { Direction, GapReason } from '../receiver/types.js'
import type { Stats } from '../stats.js'
import type { ConnectionRef, StreamClose, StreamEvent } from './types.js'

export const DEFAULT_MAX_CONNECTIONS = 16_384
/** Agents keep a connection for the length of a session; a model may think for many minutes. */
export const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000

export interface StreamSettings {
  stats: Stats
  /** Beyond it the connection used longest ago is closed with reason `limit`. */
  maxConnections?: number
  /** A connection silent for this long, in capture time, is closed with reason `idle`. */
  idleTimeoutMs?: number
}

interface Connection extends ConnectionRef {
  /** `pid:start:ssl`: a new generation of the same pointer ends the old one. */
  pointer: string
  ssl: bigint
  generation: bigint
  next: Record<Direction, number>
  usedUnixNano: bigint
}

type DataLike = Extract<ProcessedRecord, { kind: 'data' }>
type GapLike = Extract<ProcessedRecord, { kind: 'gap' }>
type CloseLike = Extract<ProcessedRecord, { kind: 'close' }>

export function createStream(
  settings: StreamSettings,
  next: Consumer<StreamEvent>,
): Consumer<ProcessedRecord> {
  const streams = new Streams(settings, next)
  return {
    consume(record) {
      switch (record.kind) {
        case 'data':
          return streams.data(record)
        case 'gap':
          return streams.gap(record)
        case 'close':
          return streams.close(record)
        case 'exit':
          return streams.exit(record.ref, record.timeUnixNano)
        case 'lost':
          settings.stats.add('records.lost', record.reason, record.records)
          settings.stats.add('bytes.lost', record.reason, record.bytes)
      }
    },
    tick(now) {
      streams.expire(now)
      next.tick(now)
    },
    end() {
      streams.end()
      next.end()
    },
  }
}

class Streams {
  readonly #stats: Stats
  readonly #next: Consumer<StreamEvent>
  readonly #maxConnections: number
  readonly #idleNs: bigint
  /** By pointer, in the order of last use. */
  readonly #byPointer = new Map<string, Connection>()
  readonly #byProcess = new Map<ProcessRef, Set<Connection>>()
  /** Records come in runs of one connection: a comparison is cheaper than making its key. */
  #last: Connection | undefined

  constructor(settings: StreamSettings, next: Consumer<StreamEvent>) {
    this.#stats = settings.stats
    this.#next = next
    this.#maxConnections = settings.maxConnections ?? DEFAULT_MAX_CONNECTIONS
    this.#idleNs = BigInt(settings.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS) * 1_000_000n
  }

  data(record: DataLike): void {
    const connection = this.#connectionOf(record)
    const { direction, timeUnixNano } = record
    let { offset, bytes } = record
    const seen = connection.next[direction] - offset
    if (seen > 0) {
      // Cannot happen while the kernel side numbers bytes; a damaged recording can say anything.
      this.#stats.add('bytes.dropped', 'overlap', Math.min(seen, bytes.length))
      if (seen >= bytes.length) return
      bytes = bytes.subarray(seen)
      offset += seen
    }
    this.#skipTo(connection, direction, offset, 'lost', timeUnixNano)
    connection.next[direction] = offset + bytes.length
    if (bytes.length > 0)
      this.#next.consume({ kind: 'bytes', connection, direction, offset, bytes, timeUnixNano })
  }

  gap(record: GapLike): void {
    const connection = this.#connectionOf(record)
    const { direction, offset, length, reason, timeUnixNano } = record
    this.#skipTo(connection, direction, offset, 'lost', timeUnixNano)
    this.#skipTo(connection, direction, offset + length, reason, timeUnixNano)
  }

  close(record: CloseLike): void {
    const connection = this.#connectionOf(record)
    const { timeUnixNano, peerClosed } = record
    this.#skipTo(connection, 'transmit', record.transmitted, 'lost', timeUnixNano)
    this.#skipTo(connection, 'receive', record.received, 'lost', timeUnixNano)
    this.#finish(connection, 'closed', timeUnixNano, peerClosed)
  }

  exit(process: ProcessRef, timeUnixNano: bigint): void {
    for (const connection of this.#byProcess.get(process) ?? [])
      this.#finish(connection, 'exit', timeUnixNano)
  }

  expire(nowUnixNano: bigint): void {
    for (const connection of this.#byPointer.values()) {
      if (nowUnixNano - connection.usedUnixNano < this.#idleNs) return
      this.#stats.add('connections.dropped', 'idle')
      this.#finish(connection, 'idle', nowUnixNano)
    }
  }

  end(): void {
    for (const connection of this.#byPointer.values())
      this.#finish(connection, 'end', connection.usedUnixNano)
  }

  #connectionOf(record: DataLike | GapLike | CloseLike): Connection {
    const id = record.connection
    const last = this.#last
    if (last?.ssl === id.ssl && last.generation === id.generation && last.process === record.ref) {
      last.usedUnixNano = record.timeUnixNano
      return last
    }
    const pointer = `${id.pid}:${id.startBoottimeNs}:${id.ssl.toString(16)}`
    const key = `${pointer}:${id.generation}`
    const found = this.#byPointer.get(pointer)
    if (found?.key === key) {
      this.#byPointer.delete(pointer)
      this.#byPointer.set(pointer, found)
      found.usedUnixNano = record.timeUnixNano
      return (this.#last = found)
    }
    // The pointer serves a new session, and the record that closed the old one was lost.
    if (found !== undefined) this.#finish(found, 'idle', record.timeUnixNano)
    return this.#open(pointer, key, record)
  }

  #open(pointer: string, key: string, record: DataLike | GapLike | CloseLike): Connection {
    if (this.#byPointer.size >= this.#maxConnections) {
      this.#stats.add('connections.dropped', 'limit')
      this.#finish(this.#byPointer.values().next().value!, 'limit', record.timeUnixNano)
    }
    const connection: Connection = {
      key,
      process: record.ref,
      pointer,
      ssl: record.connection.ssl,
      generation: record.connection.generation,
      next: { transmit: 0, receive: 0 },
      usedUnixNano: record.timeUnixNano,
    }
    this.#byPointer.set(pointer, connection)
    const ofProcess = this.#byProcess.get(record.ref)
    if (ofProcess === undefined) this.#byProcess.set(record.ref, new Set([connection]))
    else ofProcess.add(connection)
    this.#next.consume({ kind: 'open', connection, timeUnixNano: record.timeUnixNano })
    return (this.#last = connection)
  }

  /** A position ahead of the expected one: what is between them is lost. */
  #skipTo(
    connection: Connection,
    direction: Direction,
    offset: number,
    reason: GapReason | 'lost',
    timeUnixNano: bigint,
  ): void {
    const from = connection.next[direction]
    if (offset <= from) return
    connection.next[direction] = offset
    this.#stats.add('gaps.seen', reason)
    this.#next.consume({
      kind: 'gap',
      connection,
      direction,
      offset: from,
      length: offset - from,
      reason,
      timeUnixNano,
    })
  }

  #finish(
    connection: Connection,
    reason: StreamClose['reason'],
    timeUnixNano: bigint,
    peerClosed = false,
  ): void {
    if (this.#last === connection) this.#last = undefined
    this.#byPointer.delete(connection.pointer)
    const ofProcess = this.#byProcess.get(connection.process)
    ofProcess?.delete(connection)
    if (ofProcess?.size === 0) this.#byProcess.delete(connection.process)
    this.#next.consume({ kind: 'close', connection, timeUnixNano, reason, peerClosed })
  }
}
