// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ProcessedRecord, ProcessRef } from '../process/types.js'
import type { Direction } from '../receiver/types.js'
import { createStats } from '../stats.js'
import { createStream, type StreamSettings } from './streams.js'
import type { StreamEvent } from './types.js'

const newProcess = (pid: number): ProcessRef => ({
  key: `${pid}:5`,
  pid,
  startBoottimeNs: 5n,
  startUnixNano: 5n,
  parentPid: undefined,
  userId: undefined,
  groupId: undefined,
  cgroupId: undefined,
  containerId: undefined,
  comm: undefined,
  executable: undefined,
  script: undefined,
  arguments: [],
  isKnown: false,
  exited: false,
})
const ref = newProcess(7)
const connection = (generation = 1n, ssl = 0xabcn) => ({ pid: 7, startBoottimeNs: 5n, ssl, generation })

const data = (
  direction: Direction,
  offset: number,
  text: string,
  at = 0n,
  id = connection(),
): ProcessedRecord => ({
  kind: 'data',
  timeUnixNano: at,
  connection: id,
  threadId: 7,
  direction,
  offset,
  bytes: Buffer.from(text),
  ref,
})
const close = (
  transmitted: number,
  received: number,
  peerClosed = false,
  id = connection(),
): ProcessedRecord => ({
  kind: 'close',
  timeUnixNano: 9n,
  connection: id,
  transmitted,
  received,
  peerClosed,
  ref,
})

/** Events in short: `open key`, `transmit 0 "abc"`, `gap receive 3+2 lost`, `close key closed`. */
function play(records: ProcessedRecord[], settings: Partial<StreamSettings> = {}) {
  const stats = createStats()
  const out: string[] = []
  const say = (event: StreamEvent): string => {
    if (event.kind === 'bytes')
      return `${event.direction} ${event.offset} "${Buffer.from(event.bytes).toString()}"`
    if (event.kind === 'gap') return `gap ${event.direction} ${event.offset}+${event.length} ${event.reason}`
    if (event.kind === 'close')
      return `close ${event.connection.key} ${event.reason}${event.peerClosed ? ' peer' : ''}`
    return `open ${event.connection.key}`
  }
  const stream = createStream(
    { stats, ...settings },
    { consume: (event) => out.push(say(event)), tick: () => undefined, end: () => undefined },
  )
  for (const record of records) stream.consume(record)
  return { out, stats, stream }
}

describe('stream', () => {
  it('passes ordered bytes of both directions', () => {
    const { out } = play([
      data('transmit', 0, 'ab'),
      data('receive', 0, 'x'),
      data('transmit', 2, 'c'),
      close(3, 1, true),
    ])
    expect(out).toEqual([
      'open 7:5:abc:1',
      'transmit 0 "ab"',
      'receive 0 "x"',
      'transmit 2 "c"',
      'close 7:5:abc:1 closed peer',
    ])
  })

  it('shows lost bytes as a gap: at the beginning, in the middle, at the end', () => {
    const { out } = play([data('transmit', 2, 'c'), data('transmit', 5, 'f'), close(8, 4)])
    expect(out).toEqual([
      'open 7:5:abc:1',
      'gap transmit 0+2 lost',
      'transmit 2 "c"',
      'gap transmit 3+2 lost',
      'transmit 5 "f"',
      'gap transmit 6+2 lost',
      'gap receive 0+4 lost',
      'close 7:5:abc:1 closed',
    ])
  })

  it('keeps the reason of a gap that the kernel side names', () => {
    const gap: ProcessedRecord = {
      kind: 'gap',
      timeUnixNano: 0n,
      connection: connection(),
      direction: 'transmit',
      offset: 3,
      length: 4,
      reason: 'sendfile',
      ref,
    }
    expect(play([data('transmit', 0, 'a'), gap, data('transmit', 7, 'b')]).out).toEqual([
      'open 7:5:abc:1',
      'transmit 0 "a"',
      'gap transmit 1+2 lost',
      'gap transmit 3+4 sendfile',
      'transmit 7 "b"',
    ])
  })

  it('drops and counts bytes that come twice', () => {
    const { out, stats } = play([
      data('transmit', 0, 'abc'),
      data('transmit', 1, 'bcd'),
      data('transmit', 0, 'a'),
    ])
    expect(out).toEqual(['open 7:5:abc:1', 'transmit 0 "abc"', 'transmit 3 "d"'])
    expect(stats.get('bytes.dropped', 'overlap')).toBe(3)
  })

  it('ends the old session when its pointer serves a new one', () => {
    const { out } = play([data('transmit', 0, 'a'), data('transmit', 0, 'b', 1n, connection(2n))])
    expect(out).toEqual([
      'open 7:5:abc:1',
      'transmit 0 "a"',
      'close 7:5:abc:1 idle',
      'open 7:5:abc:2',
      'transmit 0 "b"',
    ])
  })

  it('closes what a process leaves behind when it exits, and nothing of another', () => {
    const other = newProcess(8)
    const exit = (process: ProcessRef): ProcessedRecord => ({
      kind: 'exit',
      timeUnixNano: 9n,
      process: { pid: process.pid, startBoottimeNs: 5n },
      exitCode: 9,
      ref: process,
    })
    const { out } = play([data('transmit', 0, 'a'), exit(other), exit(ref)])
    expect(out).toEqual(['open 7:5:abc:1', 'transmit 0 "a"', 'close 7:5:abc:1 exit'])
  })

  it('is bounded: the connection used longest ago goes first, counted', () => {
    const of = (ssl: bigint, offset = 0) => data('transmit', offset, 'a', 0n, connection(1n, ssl))
    const { out, stats } = play([of(1n), of(2n), of(1n, 1), of(3n)], { maxConnections: 2 })
    expect(out.filter((line) => line.startsWith('close'))).toEqual(['close 7:5:2:1 limit'])
    expect(stats.get('connections.dropped', 'limit')).toBe(1)
  })

  it('closes silent connections by capture time and the rest at the end', () => {
    const { out, stream } = play(
      [data('transmit', 0, 'a', 0n), data('transmit', 0, 'b', 5_000_000n, connection(1n, 2n))],
      {
        idleTimeoutMs: 10,
      },
    )
    stream.tick(9_999_999n)
    expect(out.at(-1)).toBe('transmit 0 "b"')
    stream.tick(10_000_000n)
    expect(out.at(-1)).toBe('close 7:5:abc:1 idle')
    stream.end()
    expect(out.at(-1)).toBe('close 7:5:2:1 end')
  })

  it('counts what the kernel lost', () => {
    const { out, stats } = play([
      { kind: 'lost', timeUnixNano: 0n, reason: 'ring_full', records: 2, bytes: 300 },
    ])
    expect(out).toEqual([])
    expect([stats.get('records.lost', 'ring_full'), stats.get('bytes.lost', 'ring_full')]).toEqual([2, 300])
  })
})
