// SPDX-License-Identifier: Apache-2.0
/**
 * What /proc says of processes and their mappings. In: pids. Out: facts, or undefined for a process that is gone or not ours
 * to read. Decides nothing. Names and paths in it are chosen by the observed processes: they are facts, never identities.
 * @module
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs'
import type { ProcessFacts } from './encode.js'

/** One executable, file-backed mapping. */
export interface ExecutableMapping {
  /** As /proc names it in map_files: `start-end`, hex. */
  range: string
  start: bigint
  end: bigint
  pageOffset: bigint
  /** `major:minor:inode`: names the file for one mount, not for good (capture rule 6). */
  fileKey: string
  inode: bigint
  path: string
  isDeleted: boolean
}

/** Some thousand mappings; a process with more is looked at as far as this goes. */
const MAX_TEXT_BYTES = 4 << 20
/** Longer argument areas are counted as this long. */
const MAX_ARGUMENTS_BYTES = 1 << 20
const READ_BYTES = 64 * 1024

/** Pids of all processes that /proc shows. */
export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

const MAPS_LINE = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) +(\/.*)$/

/** Undefined: the process is gone, or we may not look. */
export function readMappings(pid: number): ExecutableMapping[] | undefined {
  const text = readText(`/proc/${pid}/maps`)
  if (text === undefined) return undefined
  const out: ExecutableMapping[] = []
  for (const line of text.split('\n')) {
    const match = MAPS_LINE.exec(line)
    if (match === null || match[6] === '0') continue
    const [, start, end, offset, major, minor, inode, path] = match as unknown as string[]
    const isDeleted = path!.endsWith(' (deleted)')
    out.push({
      range: `${start}-${end}`,
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      pageOffset: BigInt(`0x${offset}`),
      inode: BigInt(inode!),
      fileKey: `${parseInt(major!, 16)}:${parseInt(minor!, 16)}:${inode}`,
      path: isDeleted ? path!.slice(0, -' (deleted)'.length) : path!,
      isDeleted,
    })
  }
  return out
}

/**
 * Paths under which the mapped file itself can be opened, best first: map_files names the very inode, in any mount
 * namespace, deleted or not (needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN); root is the way without it.
 */
export function openPaths(pid: number, mapping: { range: string; path: string }): string[] {
  return [`/proc/${pid}/map_files/${mapping.range}`, `/proc/${pid}/root${mapping.path}`]
}

/** Which file it is, and whether it is still what it was. */
export interface FileIdentity {
  /** st_dev and st_ino. */
  device: bigint
  inode: bigint
  /** st_ctim, ns: moves whenever the file is written. */
  changedNs: bigint
}

/** Throws when nothing is there. Follows links, map_files included. */
export function identifyFile(path: string): FileIdentity {
  const { dev: device, ino: inode, ctimeNs: changedNs } = statSync(path, { bigint: true })
  return { device, inode, changedNs }
}

/** How much of a function is compared: a breakpoint is one byte. */
const INSTRUCTION_BYTES = 8

/** The process runs other bytes at `offset` of the file than the file has: a breakpoint stands there, of whichever tool. */
export function hasProbe(pid: number, mapping: ExecutableMapping, offset: number): boolean {
  const address = mapping.start + BigInt(offset) - mapping.pageOffset
  if (BigInt(offset) < mapping.pageOffset || address >= mapping.end) return false
  const inMemory = readAt(`/proc/${pid}/mem`, Number(address))
  const inFile = openPaths(pid, mapping)
    .map((path) => readAt(path, offset))
    .find((bytes) => bytes !== undefined)
  return inMemory !== undefined && inFile !== undefined && !inMemory.equals(inFile)
}

function readAt(path: string, position: number): Buffer | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const bytes = Buffer.alloc(INSTRUCTION_BYTES)
    return readSync(fd, bytes, 0, bytes.length, position) === bytes.length ? bytes : undefined
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** `startTicks`: field 22 of /proc/PID/stat, clock ticks (10 ms) since boot. */
export interface HostProcess extends Omit<ProcessFacts, 'process'> {
  pid: number
  startTicks: bigint
}

export function readProcess(pid: number): HostProcess | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  const status = readText(`/proc/${pid}/status`)
  if (stat === undefined || status === undefined) return undefined
  // comm stands in parentheses and may hold any character, also ')': the fields begin after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return {
    pid,
    startTicks: BigInt(fields[19] ?? 0),
    parentPid: Number(fields[1] ?? 0),
    userId: field('Uid'),
    groupId: field('Gid'),
    cgroupId: readCgroupId(pid),
    cgroupNames: readCgroupNames(pid),
    comm: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    executable: readLink(`/proc/${pid}/exe`) ?? '',
    arguments: readArguments(pid),
  }
}

/** The kernel's cgroup id is the inode number of the v2 folder; 0 where only v1 hierarchies exist. */
function readCgroupId(pid: number): bigint {
  const path = /^0::(\/.*)$/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1]
  if (path === undefined) return 0n
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    try {
      return statSync(`${root}${path}`, { bigint: true }).ino
    } catch {
      continue
    }
  }
  return 0n
}

/** As bpf/capture.h orders them: the folder and the one above it, in the v2 hierarchy, then in that of the pids controller. */
function readCgroupNames(pid: number): string[] {
  const text = readText(`/proc/${pid}/cgroup`) ?? ''
  return [/^0::(\/.*)$/m, /^\d+:(?:[\w=]+,)*pids(?:,[\w=]+)*:(\/.*)$/m].flatMap((line) => {
    const [name = '', above = ''] = (line.exec(text)?.[1] ?? '').split('/').reverse()
    return [name, above]
  })
}

function readArguments(pid: number): Buffer {
  return readBounded(`/proc/${pid}/cmdline`, MAX_ARGUMENTS_BYTES) ?? Buffer.alloc(0)
}

/** Undefined when the file cannot be read. */
export function readText(path: string): string | undefined {
  return readBounded(path, MAX_TEXT_BYTES)?.toString('utf8')
}

/** A process decides how long its files in /proc are: never more than `limit` bytes. */
function readBounded(path: string, limit: number): Buffer | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const pieces: Buffer[] = []
    for (let total = 0; total < limit;) {
      const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, limit - total))
      const n = readSync(fd, piece)
      if (n === 0) break
      pieces.push(piece.subarray(0, n))
      total += n
    }
    return Buffer.concat(pieces)
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
