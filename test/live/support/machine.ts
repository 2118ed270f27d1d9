// SPDX-License-Identifier: Apache-2.0
/**
 * What the kernel itself says of a process, without the sensor: its mappings and its instructions. In: a pid. Out: paths and
 * bytes. The outside judge of what is attached.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** The libssl a program would use, asked of the loader. */
export function mappedLibssl(program: string): string {
  const { stdout } = spawnSync(program, ['-c', 'import ssl; print(open("/proc/self/maps").read())'], {
    encoding: 'utf8',
  })
  const path = /\S*libssl\.so\S*/.exec(stdout)?.[0]
  if (path === undefined) throw new Error(`${program} maps no libssl`)
  return path
}

/** The bytes at `address` as the process would run them, and as they are in the file it is mapped from. */
export function readInstructions(
  pid: number,
  address: number,
  length = 8,
): { inMemory: Buffer; inFile: Buffer; fileOffset: number } {
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, start, end, offset, path] =
      /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+\s+(\/.*)$/.exec(line) ?? []
    if (path === undefined || address < parseInt(start!, 16) || address >= parseInt(end!, 16)) continue
    const at = address - parseInt(start!, 16) + parseInt(offset!, 16)
    return {
      inMemory: readAt(`/proc/${pid}/mem`, address, length),
      inFile: readAt(`/proc/${pid}/root${path}`, at, length),
      fileOffset: at,
    }
  }
  throw new Error(`process ${pid} maps no file at ${address.toString(16)}`)
}

function readAt(path: string, position: number, length: number): Buffer {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(length)
    readSync(fd, bytes, 0, length, position)
    return bytes
  } finally {
    closeSync(fd)
  }
}
