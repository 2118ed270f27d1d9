// SPDX-License-Identifier: Apache-2.0
/**
 * One segment file. In: requests to append, to read back and to mark as settled. Out: the same bytes, or undefined when they are
 * damaged. Every call waits for the system in a thread of its own and rejects with the system's error. Knows no queue.
 * @module
 */
import { constants } from 'node:fs'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import type { Signal } from '../types.js'
import { segmentName, type QueueFolder } from './folder.js'
import {
  encodeEntryHeader,
  encodeSegmentHeader,
  ENTRY_HEADER_BYTES,
  isPayloadIntact,
  parseEntryHeader,
  SEGMENT_HEADER_BYTES,
  SETTLED,
  STATE_OFFSET,
} from './format.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants

export interface NewRequest {
  body: Uint8Array
  items: number
}

export class Segment {
  /** On disk, headers and settled entries included. */
  size: number
  /** Entries that are not settled. */
  live = 0
  #nextNumber = 0
  /** Open while requests are appended. */
  #handle: FileHandle | undefined
  #isDirty = false

  private constructor(
    readonly folder: QueueFolder,
    readonly number: number,
    readonly signal: Signal,
    readonly salt: number,
    size: number,
  ) {
    this.size = size
  }

  /** A new, empty file. Its header is written with the first requests: there is no segment without one. */
  static async create(folder: QueueFolder, number: number, signal: Signal, salt: number): Promise<Segment> {
    const segment = new Segment(folder, number, signal, salt, 0)
    segment.#handle = await open(segment.#path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600)
    return segment
  }

  /** One of an earlier process: nothing is appended to it. */
  static recover(
    folder: QueueFolder,
    number: number,
    header: { signal: Signal; salt: number },
    size: number,
  ): Segment {
    return new Segment(folder, number, header.signal, header.salt, size)
  }

  get #path(): string {
    return this.folder.at(segmentName(this.number))
  }

  /** What appending would add. */
  static bytesOf(requests: readonly NewRequest[]): number {
    return requests.reduce((sum, { body }) => sum + ENTRY_HEADER_BYTES + body.length, 0)
  }

  /** All or none. Gives the place of each. */
  async append(requests: readonly NewRequest[], writtenUnixMs: number): Promise<number[]> {
    const handle = this.#handle!
    const pieces: Uint8Array[] = this.size === 0 ? [encodeSegmentHeader(this)] : []
    const offsets: number[] = []
    let end = this.size === 0 ? SEGMENT_HEADER_BYTES : this.size
    for (const [index, { body, items }] of requests.entries()) {
      const number = this.#nextNumber + index
      pieces.push(encodeEntryHeader({ number, items, writtenUnixMs }, body, this.salt), body)
      offsets.push(end)
      end += ENTRY_HEADER_BYTES + body.length
    }
    try {
      await writeAll(handle, pieces, this.size)
    } catch (error) {
      // What is half there must not lie between this entry and the next; if even this fails, the next write goes over it.
      await handle.truncate(this.size).catch(() => undefined)
      throw error
    }
    this.size = end
    this.#nextNumber += requests.length
    this.live += requests.length
    this.#isDirty = true
    return offsets
  }

  async read(offset: number, payloadBytes: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#withHandle(async (handle) => {
      const buffer = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + payloadBytes)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
      return buffer.subarray(0, bytesRead)
    })
    const header = parseEntryHeader(bytes.subarray(0, ENTRY_HEADER_BYTES), this.salt)
    const payload = bytes.subarray(ENTRY_HEADER_BYTES)
    return header !== undefined && isPayloadIntact(payload, header) ? payload : undefined
  }

  /** So that a later process does not send it again. */
  async mark(offset: number): Promise<void> {
    // Positioned: the file is not opened for appending, where Linux would ignore the place (pwrite(2), BUGS).
    const mark = Uint8Array.of(SETTLED)
    await this.#withHandle((handle) => handle.write(mark, 0, 1, offset + STATE_OFFSET)).catch(ignoreMissing)
    this.#isDirty = true
  }

  /** Cuts off what a reader found behind the last entry. */
  async cut(): Promise<void> {
    await this.#withHandle((handle) => handle.truncate(this.size))
  }

  /** To the device. A killed process loses nothing that was written; a machine without power loses what came after this. */
  async sync(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    await this.#withHandle((handle) => handle.datasync()).catch(ignoreMissing)
  }

  /** Nothing more is appended. */
  async seal(): Promise<void> {
    const handle = this.#handle
    if (handle === undefined) return
    this.#handle = undefined
    try {
      if (this.#isDirty) await handle.datasync()
    } finally {
      this.#isDirty = false
      await handle.close()
    }
  }

  async remove(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    this.#isDirty = false
    await handle?.close()
    await unlink(this.#path).catch(ignoreMissing)
  }

  async #withHandle<T>(work: (handle: FileHandle) => Promise<T>): Promise<T> {
    if (this.#handle !== undefined) return work(this.#handle)
    const handle = await open(this.#path, O_RDWR | O_NOFOLLOW)
    try {
      return await work(handle)
    } finally {
      await handle.close()
    }
  }
}

/** `writev` may write less than it was given. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  let rest = pieces
  let at = position
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at)
    at += bytesWritten
    rest = withoutFirst(rest, bytesWritten)
  }
}

function withoutFirst(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest = [...pieces]
  let skip = count
  while (rest[0] !== undefined && rest[0].length <= skip) skip -= rest.shift()!.length
  if (rest[0] !== undefined && skip > 0) rest[0] = rest[0].subarray(skip)
  return rest
}

/** Of a file that is gone nothing is sent again: its last request was settled in the meantime, or somebody removed it. */
function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
