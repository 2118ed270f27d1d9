// SPDX-License-Identifier: Apache-2.0
/** The disk queue behind the real sink: batches, lanes and retry on a fake clock, over a transport that the test answers for. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeClock } from '../../../test/support/collector-clock.js'
import { later, OK, setUpExporter, settled, spans } from '../../../test/support/collector-exporter.js'
import { createMemoryLog } from '../../../test/support/collector-telemetry.js'
import { createStats } from '../../stats.js'
import { openDiskQueue } from './disk-queue.js'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'oisp-delivery-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function setUp() {
  const stats = createStats()
  const log = createMemoryLog()
  const clock = createFakeClock()
  const queue = await openDiskQueue({ directory, stats, log, clock })
  const { exporter, sent } = setUpExporter({ queue, stats, log, clock }, ['traces'])
  const dropped = (): number => stats.get('exporter.items.dropped')
  return { exporter, sent, log, clock, exported: () => stats.get('exporter.items.exported'), dropped }
}

type Running = Awaited<ReturnType<typeof setUp>>

/** Reading back from disk takes turns of the event loop, as many as it takes. */
async function untilSent({ sent }: Running, count: number): Promise<void> {
  while (sent.length < count) await settled()
}

describe('the sink with a disk queue', () => {
  it('keeps at shutdown what the receiver does not take, asks it once, and sends the same bytes after a restart', async () => {
    const first = await setUp()
    first.exporter.consume(spans(3))
    first.clock.advance(1_000)
    await untilSent(first, 1)
    const ended = first.exporter.shutdown(5_000)
    await first.sent[0]!.answer(later(3_600_000))
    expect(await ended).toEqual({ unsentItems: 0, keptItems: 3 })
    expect(first.sent).toHaveLength(1)
    expect([first.exported(), first.dropped()]).toEqual([0, 0])
    expect(first.log.lines.at(-1)).toMatch(/3 items stay there for the next start/)

    const second = await setUp()
    await untilSent(second, 1)
    expect(Buffer.from(second.sent[0]!.body)).toEqual(Buffer.from(first.sent[0]!.body))
    await second.sent[0]!.answer(OK)
    expect([second.exported(), second.dropped()]).toEqual([3, 0])
    expect(await second.exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
    expect(readdirSync(directory)).toEqual([])
  })

  it('does not hammer a receiver that is down while it ends', async () => {
    const running = await setUp()
    running.exporter.consume(spans(1))
    running.clock.advance(1_000)
    await untilSent(running, 1)
    await running.sent[0]!.answer(later())
    const ended = running.exporter.shutdown(600)
    // The wait for the next attempt ends at once: one last try, then nothing within the deadline.
    await untilSent(running, 2)
    await running.sent[1]!.answer(later())
    expect(await ended).toEqual({ unsentItems: 0, keptItems: 1 })
    expect(running.sent).toHaveLength(2)
  })

  it('sends what an earlier run left before anything new', async () => {
    const first = await setUp()
    first.exporter.consume(spans(1, 'old'))
    const ended = first.exporter.shutdown(5_000)
    await untilSent(first, 1)
    await first.sent[0]!.answer(later(3_600_000))
    await ended
    const second = await setUp()
    second.exporter.consume(spans(1, 'new'))
    second.clock.advance(1_000)
    await untilSent(second, 2)
    const texts = second.sent.map(({ body }) => (Buffer.from(body).includes('old') ? 'old' : 'new'))
    expect(texts.sort()).toEqual(['new', 'old'])
    for (const { answer } of second.sent) await answer(OK)
    expect(second.exported()).toBe(2)
    await second.exporter.shutdown(5_000)
  })
})
