// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { decodeBatch, LOSS_REASONS, type DecodedRecord } from './decode.js'
import { encodeLostRecord, encodeProcessRecord } from './encode.js'

const settings = { boottimeToUnixNano: 1_000_000_000_000n }

function decode(bytes: Uint8Array): { records: DecodedRecord[]; understood: number } {
  const records: DecodedRecord[] = []
  const understood = decodeBatch(bytes, settings, (record) => records.push(record))
  return { records, understood }
}

const hex = (text: string): Buffer => Buffer.from(text.replace(/#.*$/gm, '').replace(/\s+/g, ''), 'hex')

/** pid 258, tid 259, started at 5 ns, at 16 ns */
const HEADER_REST = '1000000000000000 02010000 03010000 0500000000000000'
const CONNECTION = 'efbeadde00000000 0700000000000000'
const CONNECTION_ID = { pid: 258, startBoottimeNs: 5n, ssl: 0xdeadbeefn, generation: 7n }

const DATA = hex(`
  01000000 43000000 ${HEADER_REST}   # kind, size = 64 + 3
  ${CONNECTION}
  0a00000000000000 03000000 01000000 # offset 10, length 3, receive
  616263 0000000000                  # "abc", padded to 8
`)

describe('decodeBatch', () => {
  it('reads a data record', () => {
    expect(decode(DATA)).toEqual({
      records: [
        {
          kind: 'data',
          timeUnixNano: 1_000_000_000_016n,
          connection: CONNECTION_ID,
          threadId: 259,
          direction: 'receive',
          offset: 10,
          bytes: Buffer.from('abc'),
        },
      ],
      understood: 72,
    })
  })

  it('reads gap, close, fork, exit, lost, mapping and duplicate records', () => {
    const batch = hex(`
      02000000 48000000 ${HEADER_REST} ${CONNECTION} 0100000000000000 0200000000000000 00000000 01000000
      03000000 48000000 ${HEADER_REST} ${CONNECTION} 0300000000000000 0400000000000000 01000000 00000000
      05000000 30000000 ${HEADER_REST} 0900000000000000 08000000 e8030000
      06000000 28000000 ${HEADER_REST} 00010000 00000000
      08000000 38000000 ${HEADER_REST} 00000000 00000000 0200000000000000 0300000000000000
      09000000 5e000000 ${HEADER_REST} 0010000000000000 0020000000000000 0000000000000000 0400000000000000
                                       0500000000000000 08000000 01000000 06000000 00000000 2f612e736f2e 0000
      0a000000 30000000 ${HEADER_REST} 0100000000000000 0200000000000000
    `)
    const { records, understood } = decode(batch)
    const timeUnixNano = 1_000_000_000_016n
    const process = { pid: 258, startBoottimeNs: 5n }
    expect(understood).toBe(batch.length)
    expect(records).toEqual([
      {
        kind: 'gap',
        timeUnixNano,
        connection: CONNECTION_ID,
        direction: 'transmit',
        offset: 1,
        length: 2,
        reason: 'call_too_large',
      },
      {
        kind: 'close',
        timeUnixNano,
        connection: CONNECTION_ID,
        transmitted: 3,
        received: 4,
        peerClosed: true,
      },
      { kind: 'fork', timeUnixNano, process, parent: { pid: 8, startBoottimeNs: 9n }, userId: 1000 },
      { kind: 'exit', timeUnixNano, process, exitCode: 256 },
      { kind: 'lost', timeUnixNano, reason: 'ring_full', records: 2, bytes: 3 },
      {
        kind: 'mapping',
        pid: 258,
        address: 4096n,
        length: 8192n,
        inode: 4n,
        inodeGeneration: 5n,
        deviceMajor: 8,
        deviceMinor: 1,
        path: '/a.so.',
      },
      { kind: 'duplicate', keptCookie: 1n, duplicateCookie: 2n },
    ])
  })

  it('reads back what encode.ts writes', () => {
    const record = encodeProcessRecord(
      {
        process: { pid: 258, startBoottimeNs: 5n },
        parentPid: 1,
        userId: 1000,
        groupId: 1001,
        cgroupId: 77n,
        cgroupNames: ['leaf.scope', 'a.slice', 'x'.repeat(200), ''],
        comm: 'a)b(c',
        executable: '/usr/bin/наука',
        arguments: Buffer.from('node\0--x\0'),
      },
      16n,
    )
    expect(decode(record).records).toEqual([
      {
        kind: 'process',
        timeUnixNano: 1_000_000_000_016n,
        process: { pid: 258, startBoottimeNs: 5n },
        parentPid: 1,
        userId: 1000,
        groupId: 1001,
        cgroupId: 77n,
        cgroupNames: ['leaf.scope', 'a.slice', 'x'.repeat(127)],
        comm: 'a)b(c',
        executable: '/usr/bin/наука',
        interpreter: '',
        arguments: ['node', '--x'],
        argumentsBytes: 9,
      },
    ])
    expect(decode(encodeLostRecord(3, 4, 5, 16n)).records).toMatchObject([
      { reason: 'not_copied', records: 4, bytes: 5 },
    ])
  })

  it('reads no cgroup out of a record that has none, nor what stands behind a name', () => {
    const process = { pid: 258, startBoottimeNs: 5n }
    const facts = { process, parentPid: 1, userId: 0, groupId: 0, cgroupId: 1n, comm: 'a', executable: '/a' }
    const full = encodeProcessRecord({ ...facts, cgroupNames: ['n'], arguments: Buffer.alloc(0) }, 16n)
    full.write('stale', 88 + 2)
    expect(decode(full).records).toMatchObject([{ cgroupNames: ['n'], executable: '/a' }])
    const older = Buffer.concat([full.subarray(0, 88), Buffer.from('/a')])
    older.writeUInt32LE(older.length, 4)
    older.writeUInt32LE(0, 68)
    expect(decode(older).records).toMatchObject([{ cgroupNames: [], executable: '/a' }])
  })

  it('stops at a size that cannot be, and says how far it came', () => {
    for (const size of ['00000000', '1f000000', 'ffffffff', '49000000']) {
      const damaged = Buffer.concat([DATA, hex(`01000000 ${size}`), DATA.subarray(8)])
      expect(decode(damaged)).toMatchObject({ records: [{ kind: 'data' }], understood: DATA.length })
    }
  })

  it('skips a record of unknown kind, an unknown direction and a length beyond its record', () => {
    const unknownKind = Buffer.from(DATA)
    unknownKind.writeUInt32LE(99, 0)
    const unknownDirection = Buffer.from(DATA)
    unknownDirection.writeUInt32LE(2, 60)
    const tooLong = Buffer.from(DATA)
    tooLong.writeUInt32LE(4, 56)
    const { records, understood } = decode(Buffer.concat([unknownKind, unknownDirection, tooLong, DATA]))
    expect(records).toHaveLength(1)
    expect(understood).toBe(4 * DATA.length)
  })

  it('never throws on any prefix or any single damaged byte', () => {
    for (let length = 0; length <= DATA.length; length++) decode(DATA.subarray(0, length))
    for (let at = 0; at < DATA.length; at++) {
      const damaged = Buffer.from(DATA)
      damaged[at] = 0xff
      expect(decode(damaged).records.length).toBeLessThanOrEqual(1)
    }
  })

  it('names every loss reason of the kernel side', () => {
    expect(LOSS_REASONS).toEqual([
      'ring_full',
      'user_read_failed',
      'call_too_large',
      'not_copied',
      'active_calls_full',
      'connections_full',
      'call_depth',
      'process_record',
    ])
  })
})
