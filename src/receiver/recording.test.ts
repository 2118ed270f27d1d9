// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../consumer.js'
import { createStats } from '../stats.js'
import { encodeLostRecord } from './encode.js'
import { createRecordingWriter, openRecording, type RecordingHeader } from './recording.js'
import { replayRecording } from './replay.js'
import type { CaptureRecord } from './types.js'

const header: RecordingHeader = {
  captureVersion: 1,
  architecture: 'x64',
  boottimeToUnixNano: 1_795_631_628_900_698_150n,
  bootId: '0f1e2d3c-0000-4000-8000-000000000001',
  writer: 'oisp-sensor 0.1.0',
  kernelRelease: '6.18.0',
  hostName: 'build-7.example',
}

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recording-'))
  path = join(folder, 'a.rec')
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(records: Buffer[], isFinished = true): void {
  const writer = createRecordingWriter(path, header)
  for (const record of records) writer.write(record)
  if (isFinished) writer.close()
}

function replay(): {
  records: CaptureRecord[]
  ticks: bigint[]
  ended: number
  result: ReturnType<typeof replayRecording>
} {
  const records: CaptureRecord[] = []
  const ticks: bigint[] = []
  let ended = 0
  const sink: Consumer<CaptureRecord> = {
    consume: (record) => records.push(record),
    tick: (now) => ticks.push(now),
    end: () => ended++,
  }
  const result = replayRecording(path, createStats(), () => sink)
  return { records, ticks, ended, result }
}

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined // the descriptor of the listing itself
  }
}

const lost = (count: number, at = 16n): Buffer => encodeLostRecord(0, count, 0, at)

describe('recording', () => {
  it('believes no host name that is none', () => {
    createRecordingWriter(path, { ...header, hostName: 'a b\nc' }).close()
    expect(replay().result.header).toMatchObject({ kernelRelease: '6.18.0', hostName: '' })
  })

  it('gives back the header and every record, in order, and ends the pipeline once', () => {
    write([lost(1), lost(2), Buffer.concat([lost(3), lost(4)])])
    const played = replay()
    expect(played.result).toEqual({ header, records: 4, isComplete: true, damagedBytes: 0 })
    expect(played.records.map((record) => record.kind === 'lost' && record.records)).toEqual([1, 2, 3, 4])
    expect(played.ended).toBe(1)
  })

  it('ticks from record time, at most once a second and never backwards', () => {
    const s = 1_000_000_000n
    write([lost(1, s), lost(2, s + 5n), lost(3, 3n * s), lost(4, 2n * s), lost(5, 4n * s)])
    expect(replay().ticks.map((at) => at - header.boottimeToUnixNano)).toEqual([s, 3n * s, 4n * s])
  })

  it('is 0600, and never overwrites a file or follows a link to one', () => {
    write([])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(() => createRecordingWriter(path, header)).toThrow(/cannot create the recording/)
  })

  it('is readable after a crash at any byte, and says that it is not complete', () => {
    write([lost(1), lost(2)], false)
    const whole = readFileSync(path)
    const recordsStart = whole.length - 2 * lost(1).length
    for (let length = recordsStart; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      const { result } = replay()
      expect(result.isComplete).toBe(false)
      expect(result.records).toBe(Math.floor((length - recordsStart) / lost(1).length))
      expect(result.damagedBytes).toBe((length - recordsStart) % lost(1).length)
    }
    for (let length = 0; length < recordsStart; length++) {
      writeFileSync(path, whole.subarray(0, length))
      expect(() => openRecording(path)).toThrow(/is not a recording/)
    }
  })

  it('throws when a write fails and does not call itself complete', () => {
    write([])
    rmSync(path)
    const writer = createRecordingWriter(path, header)
    const real = Number(readdirSync('/proc/self/fd').find((fd) => linkOf(fd) === path))
    expect(real).toBeGreaterThan(2)
    closeSync(real)
    expect(() => writer.write(lost(1))).toThrow(/cannot go on/)
    expect(readFileSync(path).readUInt32LE(12)).toBe(0)
  })

  it('counts a damaged record and everything behind it', () => {
    const bad = lost(9)
    bad.writeUInt32LE(5, 4)
    write([lost(1), bad, lost(2)])
    expect(replay().result).toMatchObject({ records: 1, damagedBytes: 2 * bad.length })
  })

  it('refuses other files and newer versions with a reason', () => {
    writeFileSync(path, 'GIF89a')
    expect(() => openRecording(path)).toThrow(/does not begin with OISPREC1/)
    const newer = join(folder, 'b.rec')
    createRecordingWriter(newer, { ...header, captureVersion: 2 }).close()
    expect(() => openRecording(newer)).toThrow(/capture version 2; this sensor reads version 1/)
    expect(() => openRecording(join(folder, 'none'))).toThrow(/cannot open/)
    expect(() => openRecording(folder)).toThrow(/no regular file/)
  })
})
