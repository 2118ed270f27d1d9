// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createBudget, createStats } from '../stats.js'
import type { StreamEvent } from '../stream/types.js'
import { get, newConnection, ok } from './http1/http1.cases.js'
import { createProtocol } from './index.js'
import type { ExchangeEvent } from './types.js'

const SECOND = 1_000_000_000n

function start() {
  const stats = createStats()
  const budget = createBudget()
  const events: ExchangeEvent[] = []
  const ticks: (bigint | 'end')[] = []
  const room = createProtocol(
    { stats, budget, fingerprint: () => 'f' },
    { consume: (event) => events.push(event), tick: (now) => ticks.push(now), end: () => ticks.push('end') },
  )
  const connection = newConnection()
  const bytes = (direction: 'transmit' | 'receive', text: string, timeUnixNano: bigint): void =>
    room.consume({ kind: 'bytes', connection, direction, offset: 0, bytes: Buffer.from(text), timeUnixNano })
  room.consume({ kind: 'open', connection, timeUnixNano: 0n })
  return { stats, budget, events, ticks, room, connection, bytes }
}

describe('protocol', () => {
  it('gives up an answer that nobody asks for, after capture time and not before', () => {
    const { stats, budget, events, room, bytes } = start()
    bytes('receive', ok('early'), SECOND)
    room.tick(5n * SECOND)
    expect(budget.usedBytes).toBeGreaterThan(0)
    expect(stats.get('exchanges.ignored', 'request_not_seen')).toBe(0)
    room.tick(7n * SECOND)
    expect(budget.usedBytes).toBe(0)
    expect(stats.get('exchanges.ignored', 'request_not_seen')).toBe(1)
    expect(events).toEqual([])
  })

  it('ends what nobody closed, before it ends itself', () => {
    const { budget, events, ticks, room, bytes } = start()
    bytes('transmit', get('/a'), SECOND)
    bytes('receive', 'HTTP/1.1 200 OK', 2n * SECOND)
    room.end()
    expect(events.at(-1)).toMatchObject({ kind: 'end', outcome: 'unknown', completeness: 'gap' })
    expect(budget.usedBytes).toBe(0)
    expect(ticks).toEqual(['end'])
  })

  it('passes body bytes on as they come, without a copy', () => {
    const { events, room, connection, bytes } = start()
    bytes('transmit', get('/a'), 1n)
    bytes('receive', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', 2n)
    const body = Buffer.alloc(50)
    const event: StreamEvent = {
      kind: 'bytes',
      connection,
      direction: 'receive',
      offset: 0,
      bytes: body,
      timeUnixNano: 3n,
    }
    room.consume(event)
    const last = events.at(-1)!
    expect(last.kind === 'response-body' && last.bytes.buffer === body.buffer && last.bytes.length).toBe(50)
  })

  it('forgets a closed connection and counts how its exchanges ended', () => {
    const { stats, budget, events, room, connection, bytes } = start()
    bytes('transmit', get('/a'), 1n)
    const close: StreamEvent = {
      kind: 'close',
      connection,
      reason: 'idle',
      peerClosed: false,
      timeUnixNano: 9n,
    }
    room.consume(close)
    room.consume(close)
    bytes('receive', ok('late'), 10n)
    expect(events.map(({ kind }) => kind)).toEqual(['request', 'end'])
    expect(events[1]).toMatchObject({ outcome: 'unknown', completeness: 'limit', timeUnixNano: 1n })
    expect(stats.get('exchanges.ended', 'limit')).toBe(1)
    expect(budget.usedBytes).toBe(0)
  })

  it('passes time and the end on', () => {
    const { room, ticks } = start()
    room.tick(5n)
    room.end()
    expect(ticks).toEqual([5n, 'end'])
  })
})
