// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Consumer } from '../../consumer.js'
import type { CaptureRecord } from '../../receiver/index.js'
import { createTap } from './tap.js'

function remember() {
  const calls: string[] = []
  const consumer: Consumer<CaptureRecord> = {
    consume: (record) => calls.push(record.kind),
    tick: () => calls.push('tick'),
    end: () => calls.push('end'),
  }
  return { calls, consumer }
}

function exec(pid: number, startBoottimeNs: bigint, argument: string): CaptureRecord {
  return {
    kind: 'exec',
    timeUnixNano: 1n,
    process: { pid, startBoottimeNs },
    parentPid: 1,
    userId: 0,
    groupId: 0,
    cgroupId: 0n,
    cgroupNames: [],
    comm: 'curl',
    executable: '/usr/bin/curl',
    interpreter: '',
    arguments: ['curl', argument],
    argumentsBytes: 10,
  }
}

function data(pid: number, startBoottimeNs: bigint): CaptureRecord {
  return {
    kind: 'data',
    timeUnixNano: 2n,
    connection: { pid, startBoottimeNs, ssl: 1n, generation: 0n },
    threadId: pid,
    direction: 'transmit',
    offset: 0,
    bytes: new Uint8Array(1),
  }
}

describe('the self-check tap', () => {
  it('leads the traffic of the marked process aside and leaves the others', () => {
    const main = remember()
    const check = remember()
    const tap = createTap('marker-7', main.consumer, check.consumer)
    for (const record of [
      exec(10, 100n, 'https://api.example'),
      exec(11, 110n, 'X-Self-Check: marker-7'),
      data(10, 100n),
      data(11, 110n),
    ])
      tap.consume(record)
    expect(main.calls).toEqual(['exec', 'exec', 'data'])
    expect(check.calls).toEqual(['exec', 'data'])
    expect(tap.recordsSeen()).toBe(2)
  })

  it('does not mistake a later process with the same pid for the marked one', () => {
    const main = remember()
    const check = remember()
    const tap = createTap('marker-7', main.consumer, check.consumer)
    tap.consume(exec(11, 110n, 'marker-7'))
    tap.consume(data(11, 999n))
    expect(main.calls).toEqual(['exec', 'data'])
  })

  it('passes loss, time and the end on', () => {
    const main = remember()
    const check = remember()
    const tap = createTap('marker-7', main.consumer, check.consumer)
    tap.consume({ kind: 'lost', timeUnixNano: 1n, reason: 'ring_full', records: 1, bytes: 1 })
    tap.tick(2n)
    tap.end()
    expect(main.calls).toEqual(['lost', 'tick', 'end'])
    expect(check.calls).toEqual(['tick', 'end'])
  })
})
