// SPDX-License-Identifier: Apache-2.0
/**
 * The folder of the queue, of one sensor alone. In: its path. Out: names in it that cannot lead elsewhere, and the segments that
 * are there. Refuses a folder that another user can write, and every file that is not a plain one of ours. Knows no format.
 * @module
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
} from 'node:fs'
import { SensorError } from '../../errors.js'
import type { ByteSource } from './scan.js'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const WRITABLE_BY_OTHERS = 0o022
const NUMBER_DIGITS = 16
const SEGMENT_NAME = /^(\d{16})\.otlpq$/

export interface QueueFolder {
  /** As the user wrote it. */
  readonly path: string
  /** A path to open `name` by. It goes through our descriptor: whoever swaps the folder for another does not move us. */
  at(name: string): string
  names(): string[]
  close(): void
}

/** Makes the folder when there is none. Throws SensorError when it is not safe, a system error when it cannot be used. */
export function openFolder(path: string): QueueFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const descriptor = openDirectory(path)
  try {
    refuseShared(path, fstatSync(descriptor))
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  const here = `/proc/self/fd/${descriptor}`
  return {
    path,
    at: (name) => `${here}/${name}`,
    names: () => readdirSync(here).sort(),
    close: () => closeSync(descriptor),
  }
}

function openDirectory(path: string): number {
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  } catch (error) {
    // Linux says ENOTDIR of a link, too, when both flags are given.
    if (!['ELOOP', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw refusal(`the queue folder ${path} is a link or no folder at all`, 'Name the folder itself.')
  }
}

function refuseShared(path: string, { uid, mode }: Stats): void {
  const isOurs = uid === process.geteuid?.()
  if (isOurs && (mode & WRITABLE_BY_OTHERS) === 0) return
  throw refusal(
    isOurs
      ? `the queue folder ${path} can be written by others`
      : `the queue folder ${path} belongs to another user`,
    `${isOurs ? `chmod 700 ${path}` : `chown "$(id -u)" ${path}`}   (what waits in it is sent as the sensor's own)`,
  )
}

function refusal(message: string, hint: string): SensorError {
  return new SensorError({
    code: 'ERR_EXPORTER_QUEUE_FOLDER',
    message,
    hint: `${hint} Or name another: --queue-directory, OISP_QUEUE_DIRECTORY`,
    exitCode: 2,
  })
}

export const segmentName = (number: number): string => `${String(number).padStart(NUMBER_DIGITS, '0')}.otlpq`

/** Oldest first. */
export function segmentNumbers(folder: QueueFolder): number[] {
  return folder
    .names()
    .flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? [])
    .map(Number)
}

/** Calls `work` with the file's bytes, or gives undefined when it is not a plain file that only we can write. */
export function withSegmentBytes<T>(
  folder: QueueFolder,
  number: number,
  work: (source: ByteSource) => T,
): T | undefined {
  const file = openPlain(folder.at(segmentName(number)))
  if (file === undefined) return undefined
  try {
    const { size, mode, uid, nlink } = fstatSync(file)
    const isPlain = (mode & constants.S_IFMT) === constants.S_IFREG && nlink === 1
    if (!isPlain || uid !== process.geteuid?.() || (mode & WRITABLE_BY_OTHERS) !== 0) return undefined
    return work(createSource(file, size))
  } finally {
    closeSync(file)
  }
}

function openPlain(path: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    // A link, a socket, or somebody else's file.
    if (['ELOOP', 'ENXIO', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Headers of small requests stand close together: most are in the block that was read for the one before. */
const BLOCK_BYTES = 64 * 1024

function createSource(file: number, size: number): ByteSource {
  let block: Buffer = Buffer.alloc(0)
  let blockAt = 0
  return {
    size,
    read(offset, length) {
      const end = Math.min(size, offset + length)
      if (offset < blockAt || end > blockAt + block.length) {
        blockAt = offset
        block = readBytes(file, offset, Math.min(Math.max(BLOCK_BYTES, length), size - offset))
      }
      return block.subarray(offset - blockAt, end - blockAt)
    },
  }
}

function readBytes(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, length))
  let done = 0
  while (done < bytes.length) {
    const count = readSync(file, bytes, done, bytes.length - done, offset + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}
