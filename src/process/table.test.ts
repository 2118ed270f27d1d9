// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { CaptureRecord, DataRecord, ProcessId, ProcessRecord } from '../receiver/types.js'
import { createStats } from '../stats.js'
import { createProcessTable } from './table.js'
import type { ProcessedRecord, ProcessRef } from './types.js'

const id = (pid: number, start = 5n): ProcessId => ({ pid, startBoottimeNs: start })

const program = (process: ProcessId, change: Partial<ProcessRecord> = {}): ProcessRecord => ({
  kind: 'exec',
  timeUnixNano: 0n,
  process,
  parentPid: 1,
  userId: 1000,
  groupId: 1000,
  cgroupId: 3n,
  cgroupNames: ['docker-' + 'ab'.repeat(32) + '.scope', 'system.slice'],
  comm: 'node',
  executable: '/usr/bin/node',
  interpreter: '',
  arguments: ['node', 'agent.js'],
  argumentsBytes: 14,
  ...change,
})

const data = (process: ProcessId): DataRecord => ({
  kind: 'data',
  timeUnixNano: 0n,
  connection: { ...process, ssl: 1n, generation: 1n },
  threadId: process.pid,
  direction: 'transmit',
  offset: 0,
  bytes: Buffer.from('x'),
})

function play(records: CaptureRecord[], maxProcesses?: number) {
  const stats = createStats()
  const out: ProcessedRecord[] = []
  const table = createProcessTable(
    { stats, boottimeToUnixNano: 1000n, ...(maxProcesses === undefined ? {} : { maxProcesses }) },
    { consume: (record) => out.push(record), tick: () => undefined, end: () => undefined },
  )
  for (const record of records) table.consume(record)
  const refs = out.flatMap((record): ProcessRef[] => ('ref' in record ? [record.ref] : []))
  return { out, refs, stats }
}

describe('process table', () => {
  it('gives records of one process the same object, with its facts', () => {
    const { refs } = play([program(id(7)), data(id(7)), data(id(7))])
    expect(refs[0]).toBe(refs[1])
    expect(refs[0]).toMatchObject({
      key: '7:5',
      startUnixNano: 1005n,
      executable: '/usr/bin/node',
      script: undefined,
      arguments: ['node', 'agent.js'],
      containerId: 'ab'.repeat(32),
      isKnown: true,
    })
  })

  it('tells a script from its interpreter', () => {
    const { refs } = play([
      program(id(7), { executable: '/opt/agent', interpreter: '/usr/bin/python3' }),
      data(id(7)),
    ])
    expect(refs[0]).toMatchObject({ executable: '/usr/bin/python3', script: '/opt/agent' })
  })

  it('does not mix two processes with one pid', () => {
    const { refs } = play([program(id(7, 5n)), data(id(7, 5n)), data(id(7, 6n))])
    expect(refs[0]).not.toBe(refs[1])
    expect(refs[1]).toMatchObject({ isKnown: false, executable: undefined })
  })

  it('lets a fork inherit until it execs, and keeps the exec when the fork record is late', () => {
    const fork: CaptureRecord = {
      kind: 'fork',
      timeUnixNano: 0n,
      process: id(8),
      parent: id(7),
      userId: 1000,
    }
    const inherited = play([program(id(7)), fork, data(id(8))]).refs[0]
    expect(inherited).toMatchObject({
      parentPid: 7,
      executable: '/usr/bin/node',
      containerId: 'ab'.repeat(32),
      isKnown: true,
    })
    const late = play([program(id(7)), program(id(8), { executable: '/usr/bin/curl' }), fork, data(id(8))])
      .refs[0]
    expect(late).toMatchObject({ executable: '/usr/bin/curl', parentPid: 7 })
  })

  it('emits the exit and then knows the process no more', () => {
    const exit: CaptureRecord = { kind: 'exit', timeUnixNano: 0n, process: id(7), exitCode: 0 }
    const { refs } = play([program(id(7)), exit, data(id(7))])
    expect(refs[0]).toMatchObject({ exited: true, executable: '/usr/bin/node' })
    expect(refs[1]).toMatchObject({ exited: false, isKnown: false })
  })

  it('is bounded, forgets the one unused longest and counts it', () => {
    const { refs, stats } = play(
      [program(id(1)), program(id(2)), data(id(1)), program(id(3)), data(id(1)), data(id(2))],
      2,
    )
    expect(refs.map(({ isKnown }) => isKnown)).toEqual([true, true, false])
    expect(stats.get('processes.forgotten', 'limit')).toBe(2)
  })

  it('passes losses on', () => {
    const lost: CaptureRecord = { kind: 'lost', timeUnixNano: 0n, reason: 'ring_full', records: 1, bytes: 2 }
    expect(play([lost]).out).toEqual([lost])
  })
})
