// SPDX-License-Identifier: Apache-2.0
/** The ELF reader against real and hostile files. Needs the built addon, no privilege. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadAddon } from '../../src/receiver/addon.js'
import { WANTED_FUNCTIONS } from '../../src/receiver/attach.js'

const addon = loadAddon()
const folder = mkdtempSync(join(tmpdir(), 'elf-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Function -> file offset as binutils see it: `nm` gives addresses, `readelf` the segments. */
function offsetsByBinutils(path: string): Record<string, number> {
  const segments = [
    ...execFileSync('readelf', ['-lW', path], { encoding: 'utf8' }).matchAll(
      /LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x\w+ R E/g,
    ),
  ].map((match) => match.slice(1, 4).map((hex) => parseInt(hex, 16)) as [number, number, number])
  const out: Record<string, number> = {}
  for (const line of execFileSync('nm', ['-D', '--defined-only', path], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  }).split('\n')) {
    const match = /^(\w+) T (\w+)(@.*)?$/.exec(line)
    if (match === null || !WANTED_FUNCTIONS.includes(match[2]!)) continue
    const address = parseInt(match[1]!, 16)
    const segment = segments.find(([, start, size]) => address >= start && address < start + size)
    if (segment !== undefined) out[match[2]!] = address - segment[1] + segment[0]
  }
  return out
}

describe('inspectElf', () => {
  it.each(['libssl', 'node'])('finds in %s what binutils find', (name) => {
    const path =
      name === 'node'
        ? process.execPath
        : execFileSync('sh', ['-c', 'ldconfig -p | sed -n "s/.*libssl.so.3 .*=> //p" | head -1'], {
            encoding: 'utf8',
          }).trim()
    const expected = offsetsByBinutils(path)
    expect(Object.keys(expected)).toContain('SSL_write')
    expect(addon.inspectElf(path, WANTED_FUNCTIONS).functions).toEqual(expected)
  })

  it('reads the build-id as readelf does', () => {
    const notes = execFileSync('readelf', ['-n', process.execPath], { encoding: 'utf8' })
    expect(addon.inspectElf(process.execPath, []).buildId).toBe(/Build ID: (\w+)/.exec(notes)![1])
  })

  it('says "no ELF" of other files and refuses what is no regular file, without waiting', () => {
    const text = join(folder, 'text')
    writeFileSync(text, '#!/bin/sh\n')
    expect(addon.inspectElf(text, WANTED_FUNCTIONS)).toMatchObject({ isElf: false, functions: {} })
    const fifo = join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    for (const path of [fifo, folder, '/dev/zero', join(folder, 'none')])
      expect(() => addon.inspectElf(path, WANTED_FUNCTIONS)).toThrow(/regular file|No such file/)
  })

  it('survives any truncation and any damage', () => {
    const original = readFileSync(sampleLibrary())
    const path = join(folder, 'damaged')
    for (let i = 0; i < 400; i++) {
      writeFileSync(path, original.subarray(0, Math.floor((original.length * i) / 400)))
      addon.inspectElf(path, ['SSL_read'])
    }
    for (let seed = 0; seed < 2000; seed++) {
      const damaged = Buffer.from(original)
      const random = createHash('sha256').update(`${seed}`).digest()
      // Mostly the headers, where a byte decides most.
      for (let i = 0; i < 8; i++) {
        const at = random.readUInt32LE(i * 4) % (seed % 2 === 0 ? 0x400 : damaged.length)
        damaged[at] = random[i]!
      }
      writeFileSync(path, damaged)
      addon.inspectElf(path, ['SSL_read'])
    }
  })

  it('is bounded on a 10 GB sparse file with enormous section counts', () => {
    const path = join(folder, 'sparse')
    const header = Buffer.from(readFileSync(sampleLibrary()).subarray(0, 64))
    header.writeBigUInt64LE(0x1_0000_0000n, 40) // e_shoff
    header.writeUInt16LE(0xffff, 60) // e_shnum
    header.writeUInt16LE(0xffff, 56) // e_phnum
    writeFileSync(path, header)
    const fd = openSync(path, 'r+')
    ftruncateSync(fd, 10 * 1024 ** 3)
    closeSync(fd)
    const before = process.memoryUsage().rss
    expect(addon.inspectElf(path, ['SSL_read'])).toMatchObject({ isElf: true, functions: {} })
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })
})

/** A small shared library with one exported SSL_read, made here. */
function sampleLibrary(): string {
  const source = join(folder, 'sample.c')
  const library = join(folder, 'sample.so')
  writeFileSync(source, 'int SSL_read(void *s, void *b, int n) { return n; }\n')
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source])
  expect(Object.keys(addon.inspectElf(library, ['SSL_read']).functions)).toEqual(['SSL_read'])
  return library
}
