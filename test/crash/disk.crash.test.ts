// SPDX-License-Identifier: Apache-2.0
/**
 * Disks that fail under the queue: full, read-only, damaged. Each is said, and costs no more than it must. The bad disks are small
 * file systems in a mount namespace of the sensor's own: nothing else on the machine sees them.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENTRY_HEADER_BYTES } from '../../src/exporter/disk-queue/format.js'
import { scanSegment, type ScannedSegment } from '../../src/exporter/disk-queue/scan.js'
import { SensorProcess, type SensorOptions } from './support/process.js'
import { startReceiver, type CrashReceiver } from './support/receiver.js'

let folder: string
let receiver: CrashReceiver
const running = new Set<SensorProcess>()

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-crash-'))
  receiver = await startReceiver()
})
afterEach(async () => {
  for (const sensor of running) await sensor.kill()
  running.clear()
  await receiver.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function start(
  change: Partial<SensorOptions> = {},
  enter: readonly string[] = [],
): Promise<SensorProcess> {
  const options = {
    directory: join(folder, 'queue'),
    url: receiver.url,
    generation: 0,
    flushMs: 20,
    ...change,
  }
  const sensor = new SensorProcess(options, enter)
  running.add(sensor)
  await sensor.ready()
  return sensor
}

/** SIGTERM with the receiver up. */
async function stop(sensor: SensorProcess): Promise<NonNullable<SensorProcess['closed']>> {
  receiver.state = 'up'
  running.delete(sensor)
  return sensor.stop()
}

/** Everything that ended is at the receiver. */
function expectAllArrived(sensor: SensorProcess): void {
  expect([...sensor.ended.keys()].filter((id) => !receiver.exchanges.has(id))).toEqual([])
  expect(sensor.ended.size).toBeGreaterThan(0)
}

const timesSaid = (sensor: SensorProcess, words: string): number =>
  sensor.logLines.filter((line) => line.includes(words)).length

const cannotMount =
  spawnSync('unshare', ['--mount', 'true']).status !== 0 && process.env['LIVE_REQUIRED'] !== '1'
const REASON = cannotMount ? ' (skipped: a mount namespace of its own is not permitted)' : ''

/** Runs the rest with a file system of its own at `folder`, prepared by `then`. */
const onDisk = (options: string, then = 'true'): string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `mount -t tmpfs -o mode=0700,${options} tmpfs "$0" && ${then} && exec "$@"`,
  folder,
]

describe.skipIf(cannotMount)(`a disk of its own${REASON}`, () => {
  it('that is full: said once, and memory takes what does not fit', async () => {
    receiver.state = 'unavailable'
    const sensor = await start({}, onDisk('size=256k'))
    await sensor.until('to fill the disk', () => timesSaid(sensor, 'the disk is full') > 0)
    const atFull = sensor.ended.size
    await sensor.until('to go on', () => sensor.ended.size > atFull + 200)
    const { keptItems, unsentItems, counters } = await stop(sensor)
    expectAllArrived(sensor)
    expect({ keptItems, unsentItems }).toEqual({ keptItems: undefined, unsentItems: 0 })
    expect(timesSaid(sensor, 'the disk is full: free some space')).toBe(1)
    expect(counters['exporter.disk_operations.failed no_space']).toBeGreaterThan(0)
    expect(Object.keys(counters).filter((name) => name.startsWith('exporter.items.dropped'))).toEqual([])
  })

  it('that is full, and memory too: what is dropped is counted, to the item', async () => {
    receiver.state = 'unavailable'
    const sensor = await start({ memoryBytes: 256 * 1024 }, onDisk('size=256k'))
    await sensor.until('to refuse', () => timesSaid(sensor, 'the disk queue cannot write') > 0)
    const { counters } = await stop(sensor)
    const spans = receiver.exchanges.size + receiver.logSpanIds.size
    const dropped = counters['exporter.items.dropped disk_failed']!
    expect(dropped).toBeGreaterThan(0)
    expect(spans + dropped).toBe(sensor.ended.size * 2)
  })

  it('that is read-only: said once, and used as soon as it can be', async () => {
    const sensor = await start({}, onDisk('size=16m', 'mkdir -m 700 "$0/queue" && mount -o remount,ro "$0"'))
    expect(timesSaid(sensor, 'the disk is read-only')).toBe(1)
    await sensor.until('to go on without', () => receiver.exchanges.size > 100)
    const remount = ['--target', String(sensor.pid), '--mount', 'mount', '-o', 'remount,rw', folder]
    expect(spawnSync('nsenter', remount).status).toBe(0)
    await sensor.until('to use the disk', () => timesSaid(sensor, 'it can be written again') > 0)
    await stop(sensor)
    expectAllArrived(sensor)
    expect(timesSaid(sensor, 'the disk is read-only')).toBe(1)
  })
})

describe('a damaged disk', () => {
  it('costs the requests that are damaged, and not one more', async () => {
    receiver.state = 'unavailable'
    const first = await start()
    await first.until('to have much on disk', () => first.ended.size > 300)
    running.delete(first)
    await first.kill()
    const { expectedSpans, damagedRequests, tornItems } = damageTraces(join(folder, 'queue'))
    const second = await start({ generation: 1, isIdle: true })
    const { counters } = await stop(second)
    expect(receiver.exchanges.size).toBe(expectedSpans)
    expect(timesSaid(second, 'cannot be read and are lost')).toBeGreaterThan(0)
    expect(counters['exporter.requests.damaged damaged']).toBe(damagedRequests)
    expect(counters['exporter.items.dropped damaged']).toBe(tornItems)
    expect(readdirSync(join(folder, 'queue'))).toEqual([])
  })
})

/** One entry's header, another's payload, and the end of the last one. */
function damageTraces(queue: string): { expectedSpans: number; damagedRequests: number; tornItems: number } {
  const found = readdirSync(queue).flatMap((name) => {
    const path = join(queue, name)
    const scanned = name.endsWith('.otlpq') ? scan(readFileSync(path)) : undefined
    return scanned?.header.signal === 'traces' ? [{ path, scanned }] : []
  })
  const { path, scanned } = found[0]!
  const { entries } = scanned
  expect(found).toHaveLength(1)
  expect(entries.length).toBeGreaterThan(5)
  const [header, payload, last] = [entries[1]!, entries[3]!, entries.at(-1)!]
  overwrite(path, header.offset + 13)
  overwrite(path, payload.offset + ENTRY_HEADER_BYTES + 7)
  truncateSync(path, scanned.endOffset - 1)
  const lostItems = header.items + payload.items + last.items
  return {
    expectedSpans: entries.reduce((sum, { items }) => sum + items, 0) - lostItems,
    damagedRequests: 2,
    tornItems: payload.items + last.items,
  }
}

function scan(bytes: Buffer): ScannedSegment | undefined {
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length)
  const scanned = scanSegment({ size: bytes.length, read })
  return typeof scanned === 'object' ? scanned : undefined
}

function overwrite(path: string, at: number): void {
  const before = readFileSync(path)[at]!
  const file = openSync(path, 'r+')
  writeSync(file, Uint8Array.of(before ^ 0x10), 0, 1, at)
  closeSync(file)
}
