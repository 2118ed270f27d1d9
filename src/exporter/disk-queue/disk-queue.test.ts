// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeClock } from '../../../test/support/collector-clock.js'
import { settled } from '../../../test/support/collector-exporter.js'
import { createMemoryLog } from '../../../test/support/collector-telemetry.js'
import { createStats } from '../../stats.js'
import type { HeldRequest, RequestQueue, Signal } from '../types.js'
import { openDiskQueue, type DiskQueueSettings } from './disk-queue.js'
import { ENTRY_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format.js'

let directory: string
const open = new Set<RequestQueue>()

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'oisp-queue-')), 'queue')
})
afterEach(async () => {
  for (const queue of open) await queue.close(1_000)
  open.clear()
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

async function setUp(change: Partial<DiskQueueSettings> = {}) {
  const stats = createStats()
  const log = createMemoryLog()
  const clock = createFakeClock()
  const queue = await openDiskQueue({ directory, stats, log, clock, ...change })
  open.add(queue)
  const close = async (): Promise<void> => {
    open.delete(queue)
    await queue.close(1_000)
  }
  const push = (text: string, signal: Signal = 'traces', items = 1) =>
    queue.push({ signal, body: Buffer.from(text), items })
  const counters = () =>
    Object.fromEntries(stats.snapshot().map(({ name, reason, count }) => [`${name} ${reason}`, count]))
  return { queue, stats, log, clock, close, push, counters }
}

const segments = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.otlpq'))
const pathOf = (name: string): string => join(directory, name)

async function textOf(held: HeldRequest | undefined): Promise<string | undefined> {
  const body = await held?.read()
  return body && Buffer.from(body).toString()
}

/** Takes and settles everything. */
async function drain(queue: RequestQueue, signal: Signal = 'traces'): Promise<(string | undefined)[]> {
  const texts: (string | undefined)[] = []
  for (let held = queue.take(signal); held; held = queue.take(signal)) {
    texts.push(await textOf(held))
    queue.settle(held)
  }
  return texts
}

describe('a disk queue', () => {
  it('gives back what was pushed, per signal and in order, before and after a restart', async () => {
    const first = await setUp()
    for (const text of ['a', 'b', 'c']) first.push(text)
    first.push('log', 'logs', 5)
    expect(await textOf(first.queue.take('traces'))).toBe('a')
    await first.close()
    const second = await setUp()
    second.push('d')
    expect(second.queue.size('logs')).toEqual({ requests: 1, items: 5, bytes: 3 })
    expect(await drain(second.queue)).toEqual(['a', 'b', 'c', 'd'])
    expect(await drain(second.queue, 'logs')).toEqual(['log'])
    expect(second.queue.size('logs')).toEqual({ requests: 0, items: 0, bytes: 0 })
    expect(second.log.lines.join()).toMatch(
      /8 items of an earlier run wait to be sent, the oldest since 2023-11-14/,
    )
    await second.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('never gives again what was settled, in whatever order', async () => {
    const first = await setUp()
    for (const text of ['a', 'b', 'c', 'd']) first.push(text)
    const [a, b, c] = [first.queue.take('traces')!, first.queue.take('traces')!, first.queue.take('traces')!]
    first.queue.settle(c)
    first.queue.settle(a)
    first.queue.release(b)
    expect(first.queue.size('traces')).toEqual({ requests: 2, items: 2, bytes: 2 })
    await first.close()
    const second = await setUp()
    expect(await drain(second.queue)).toEqual(['b', 'd'])
  })

  it('puts released requests back to their places', async () => {
    const { queue, push } = await setUp()
    for (const text of ['a', 'b', 'c', 'd']) push(text)
    const [a, b, c] = [queue.take('traces')!, queue.take('traces')!, queue.take('traces')!]
    for (const held of [b, c, a]) queue.release(held)
    expect(await drain(queue)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('rotates segments and removes each as soon as nothing is left in it', async () => {
    const first = await setUp({ maxBytes: 1024 * 1024 })
    const body = 'x'.repeat(50_000)
    for (let i = 0; i < 5; i++) first.push(`${i}${body}`)
    await first.close()
    expect(segments()).toHaveLength(5)
    const second = await setUp({ maxBytes: 1024 * 1024 })
    const held = Array.from({ length: 5 }, () => second.queue.take('traces')!)
    second.queue.settle(held[3]!)
    second.queue.release(held[4]!)
    await second.close()
    expect(segments()).toEqual([
      '0000000000000001.otlpq',
      '0000000000000002.otlpq',
      '0000000000000003.otlpq',
      '0000000000000005.otlpq',
    ])
  })

  it('refuses what is new when its bound is reached, and leaves each signal a share', async () => {
    const maxBytes = 100_000
    const { queue, push } = await setUp({ maxBytes })
    const body = 'x'.repeat(10_000 - ENTRY_HEADER_BYTES)
    const refusals = Array.from({ length: 10 }, () => push(body))
    // Each of the two other signals may always use an eighth.
    expect(refusals).toEqual([...Array(7).fill(undefined), ...Array(3).fill('queue_full')])
    expect(push(body, 'logs')).toBeUndefined()
    expect(push(body, 'logs')).toBe('queue_full')
    queue.settle(queue.take('traces')!)
    expect(push('y')).toBeUndefined()
  })

  it('never holds more on disk than its bound', async () => {
    const maxBytes = 300_000
    const { close, push } = await setUp({ maxBytes })
    while (push('x'.repeat(997)) === undefined);
    await close()
    const bytes = segments().reduce((sum, name) => sum + statSync(pathOf(name)).size, 0)
    expect(bytes).toBeLessThanOrEqual(maxBytes)
    expect(bytes).toBeGreaterThan(maxBytes * 0.7)
  })

  it('bounds what is in memory only', async () => {
    const { push } = await setUp({ memoryBytes: 1_000 })
    expect(push('x'.repeat(900))).toBeUndefined()
    expect(push('x'.repeat(900))).toBe('queue_full')
  })

  it('makes its folder and files for its owner only', async () => {
    const { close, push } = await setUp()
    push('secret')
    await close()
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(segments().map((name) => statSync(pathOf(name)).mode & 0o777)).toEqual([0o600])
  })
})

describe('the folder of a disk queue', () => {
  it('is for one sensor at a time', async () => {
    const first = await setUp()
    await expect(setUp()).rejects.toMatchObject({ code: 'ERR_EXPORTER_QUEUE_LOCKED' })
    await first.close()
    await setUp()
  })

  it('is free again after a sensor that could not say good-bye', async () => {
    mkdirSync(directory, { mode: 0o700 })
    // What is left of a socket when its process dies: a name where nobody listens.
    writeFileSync(pathOf('lock-0123456789abcdef.sock'), '')
    const { close } = await setUp()
    await close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is refused when others can write it', async () => {
    mkdirSync(directory)
    chmodSync(directory, 0o770)
    await expect(setUp()).rejects.toMatchObject({ code: 'ERR_EXPORTER_QUEUE_FOLDER', exitCode: 2 })
  })

  it('is refused when it is a link', async () => {
    mkdirSync(`${directory}-real`, { mode: 0o700 })
    symlinkSync(`${directory}-real`, directory)
    await expect(setUp()).rejects.toMatchObject({ code: 'ERR_EXPORTER_QUEUE_FOLDER' })
    expect(readdirSync(`${directory}-real`)).toEqual([])
  })

  it('may hold links and foreign files: they are neither read nor removed', async () => {
    mkdirSync(directory, { mode: 0o700 })
    const elsewhere = `${directory}-elsewhere`
    writeFileSync(elsewhere, 'OISPOTLQ')
    symlinkSync(elsewhere, pathOf('0000000000000007.otlpq'))
    writeFileSync(pathOf('notes.txt'), 'mine')
    const { log, close, push } = await setUp()
    push('a')
    await close()
    expect(log.lines.join()).toMatch(/1 files of a later version or of others are left alone/)
    expect(readdirSync(directory).sort()).toEqual([
      '0000000000000007.otlpq',
      '0000000000000008.otlpq',
      'notes.txt',
    ])
    expect(readFileSync(elsewhere, 'utf8')).toBe('OISPOTLQ')
  })
})

/** A folder whose sensor died with three requests unsent. */
async function leaveThree(): Promise<string> {
  const { close, push } = await setUp()
  push('first', 'traces', 1)
  push('second', 'traces', 2)
  push('third', 'traces', 3)
  await close()
  return pathOf(segments()[0]!)
}

function damage(path: string, at: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from([0xee]), 0, 1, at)
  closeSync(file)
}

const SECOND = SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES + 'first'.length

describe('damage on disk', () => {
  it('in a payload costs that request, and its items are known', async () => {
    damage(await leaveThree(), SECOND + ENTRY_HEADER_BYTES)
    const { queue, counters, log } = await setUp()
    expect(queue.size('traces').items).toBe(6)
    expect(await drain(queue)).toEqual(['first', undefined, 'third'])
    expect(counters()).toEqual({
      'exporter.bytes.damaged damaged': 6,
      'exporter.requests.damaged damaged': 1,
    })
    expect(log.lines.join()).toMatch(/6 bytes cannot be read and are lost/)
  })

  it('in a header costs that request', async () => {
    damage(await leaveThree(), SECOND + 12)
    const { queue, counters } = await setUp()
    expect(await drain(queue)).toEqual(['first', 'third'])
    expect(counters()).toEqual({
      'exporter.bytes.damaged damaged': ENTRY_HEADER_BYTES + 6,
      'exporter.requests.damaged damaged': 1,
    })
  })

  it("in the segment's header costs the segment, which is removed", async () => {
    const path = await leaveThree()
    damage(path, 3)
    const { queue, counters, close, push } = await setUp()
    push('new')
    expect(await drain(queue)).toEqual(['new'])
    expect(counters()).toMatchObject({ 'exporter.requests.damaged damaged': 1 })
    await close()
    expect(existsSync(path)).toBe(false)
  })

  it('by a torn last write is cut off, said and counted once', async () => {
    const path = await leaveThree()
    truncateSync(path, statSync(path).size - 1)
    const first = await setUp()
    expect(first.counters()).toEqual({
      'exporter.bytes.damaged torn': ENTRY_HEADER_BYTES + 4,
      'exporter.items.dropped damaged': 3,
      'exporter.requests.damaged torn': 1,
    })
    expect(first.log.lines.join()).toMatch(/a write was cut off/)
    await first.close()
    const second = await setUp()
    expect(second.counters()).toEqual({})
    expect(await drain(second.queue)).toEqual(['first', 'second'])
  })

  it('of an empty or a missing file is nothing to speak of', async () => {
    const path = await leaveThree()
    writeFileSync(pathOf('0000000000000005.otlpq'), '', { mode: 0o600 })
    const { queue, counters, close } = await setUp()
    rmSync(path)
    expect(await drain(queue)).toEqual([undefined, undefined, undefined])
    expect(counters()).toEqual({ 'exporter.disk_operations.failed other': 3 })
    await close()
    expect(segments()).toEqual([])
  })
})

describe('a disk that cannot be used', () => {
  it('at start is said once; memory takes over until it can', async () => {
    // A file where a folder of the path should be: as unusable as a read-only disk, for root as well.
    const parent = join(directory, '..', 'blocked')
    writeFileSync(parent, '')
    const at = join(parent, 'queue')
    const { queue, push, log, clock, close, counters } = await setUp({ directory: at, memoryBytes: 1_000 })
    expect(push('a')).toBeUndefined()
    expect(push('b')).toBeUndefined()
    expect(push('x'.repeat(1_000))).toBe('disk_failed')
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toMatch(/until then telemetry waits in memory/)
    queue.settle(queue.take('traces')!)
    clock.advance(10_000)
    await clock.untilTimer((delayMs) => delayMs === 10_000)
    await settled()
    expect(log.lines).toHaveLength(1)
    rmSync(parent)
    clock.advance(10_000)
    // What is written is flushed a second later.
    await clock.untilTimer((delayMs) => delayMs === 1_000)
    await close()
    expect(log.lines.slice(1)).toEqual([
      expect.stringMatching(/it can be written again/),
      expect.stringMatching(/1 items stay there for the next start/),
    ])
    expect(counters()['exporter.items.dropped disk_failed']).toBeUndefined()
    const next = await setUp({ directory: at })
    expect(await drain(next.queue)).toEqual(['b'])
  })

  it('to the end costs what is in memory, which is counted', async () => {
    const parent = join(directory, '..', 'blocked')
    writeFileSync(parent, '')
    const { queue, push, close, counters } = await setUp({ directory: join(parent, 'queue') })
    push('a', 'traces', 4)
    push('b', 'logs', 3)
    await close()
    expect(counters()).toMatchObject({ 'exporter.items.dropped disk_failed': 7 })
    expect(queue.size('traces').items + queue.size('logs').items).toBe(0)
  })
})
