// SPDX-License-Identifier: Apache-2.0
/**
 * kill -9 at random moments. The sensor process makes exchanges without a pause and says on a pipe when each has ended; the receiver
 * comes and goes. What ended more than the flush interval before a kill must be at the receiver after the restart, and under one id.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SensorProcess } from './support/process.js'
import { chooseSeed, createRandom } from './support/random.js'
import { nowMs, startReceiver, type CrashReceiver, type ReceiverState } from './support/receiver.js'

const KILLS = Number(process.env['OISP_CRASH_KILLS'] ?? 200)
const FLUSH_MS = 100
/** Timers fire late and a write takes a moment; and so long an accepted request may be unmarked. */
const ALLOWANCE_MS = 50
const LONGEST_LIFE_MS = 500
/** So many lives end before the queue is even open, in the middle of reading back what the last one left. */
const EARLY_SHARE = 0.15
const STATES: readonly ReceiverState[] = ['up', 'up', 'up', 'unavailable', 'unavailable', 'deaf']

interface Life {
  /** Response id → when. */
  ended: Map<string, number>
  startedAt: number
  /** Its last sign of life: a process that the machine did not let run could neither flush nor mark. */
  aliveAt: number
  killedAt: number
}

async function live(
  receiver: CrashReceiver,
  directory: string,
  generation: number,
  random: () => number,
): Promise<Life> {
  const startedAt = nowMs()
  const sensor = new SensorProcess({ directory, url: receiver.url, generation, flushMs: FLUSH_MS })
  const isEarly = random() < EARLY_SHARE
  const lifeMs = random() * LONGEST_LIFE_MS
  receiver.state = STATES[Math.trunc(random() * STATES.length)]!
  if (!isEarly) await sensor.ready()
  await pause(lifeMs / 2)
  receiver.state = STATES[Math.trunc(random() * STATES.length)]!
  await pause(lifeMs / 2)
  const killedAt = await sensor.kill()
  // A kill cuts a write in two; it never damages what was written.
  expect(sensor.logLines.filter((line) => line.includes('were damaged'))).toEqual([])
  return { startedAt, killedAt, aliveAt: sensor.aliveAt, ended: sensor.ended }
}

/** With the receiver up, as many lives as it takes: what a shutdown cannot send in time stays on disk. */
async function drain(receiver: CrashReceiver, directory: string): Promise<void> {
  receiver.state = 'up'
  const options = { directory, url: receiver.url, flushMs: FLUSH_MS, isIdle: true }
  for (let generation = KILLS; generation < KILLS + 50; generation++) {
    const sensor = new SensorProcess({ ...options, generation })
    await sensor.ready()
    const { keptItems = 0, counters } = await sensor.stop()
    // The last kill may have cut a write in two, which was not yet to be safe.
    const isTorn = Object.hasOwn(counters, 'exporter.requests.damaged torn')
    const trouble = Object.entries(counters).filter(
      ([name]) => /dropped|damaged|failed/.test(name) && !(isTorn && /torn$|dropped damaged$/.test(name)),
    )
    expect(trouble).toEqual([])
    if (keptItems === 0) return
  }
  throw new Error('the queue does not get empty')
}

/** Response ids of what must not be lost. */
function safeIds({ ended, aliveAt }: Life): string[] {
  return [...ended].filter(([, endedAt]) => endedAt + FLUSH_MS + ALLOWANCE_MS < aliveAt).map(([id]) => id)
}

/** What was sent again although its life had had the time to mark it: milliseconds from acceptance to the last sign of life. */
function needlessRepeats({ exchanges }: CrashReceiver, lives: readonly Life[]): number[] {
  return [...exchanges.values()]
    .flatMap(({ repeats }) => repeats)
    .map((acceptedAt) => {
      const life = lives.find(({ startedAt, killedAt }) => startedAt <= acceptedAt && acceptedAt <= killedAt)
      // Between two lives: the answer left when nobody was there any more.
      return life === undefined ? 0 : life.aliveAt - acceptedAt
    })
    .filter((sparedMs) => sparedMs > ALLOWANCE_MS)
}

function judge(receiver: CrashReceiver, lives: readonly Life[]): void {
  const { exchanges, logSpanIds } = receiver
  const lost = lives.flatMap((life) =>
    safeIds(life).flatMap((id) => {
      const spanIds = [...(exchanges.get(id)?.spanIds ?? [])]
      const hasLogs = spanIds.every((spanId) => logSpanIds.has(spanId))
      const ageMs = life.aliveAt - life.ended.get(id)!
      return spanIds.length > 0 && hasLogs ? [] : [{ id, ageMs, spans: spanIds.length, hasLogs }]
    }),
  )
  expect(lost, 'exchanges lost').toEqual([])
  const doubled = [...exchanges].filter(([, { spanIds }]) => spanIds.size > 1)
  expect(doubled, 'exchanges under two ids').toEqual([])
  const ids = [...exchanges.values()].flatMap(({ spanIds }) => [...spanIds])
  expect(new Set(ids).size, 'no id is for two exchanges').toBe(exchanges.size)
  expect(needlessRepeats(receiver, lives), 'sent again after they were marked').toEqual([])
}

function report(seed: number, receiver: CrashReceiver, lives: readonly Life[]): void {
  const exchanges = [...receiver.exchanges.values()]
  const made = lives.reduce((sum, { ended }) => sum + ended.size, 0)
  const safe = lives.reduce((sum, life) => sum + safeIds(life).length, 0)
  const repeated = exchanges.filter(({ repeats }) => repeats.length > 0).length
  console.log(
    `seed ${seed}: ${lives.length} kills; ${made} exchanges ended, ${safe} of them in time; ` +
      `${exchanges.length} arrived, ${repeated} of them again after they had been accepted`,
  )
}

it(`loses and doubles nothing in ${KILLS} kills`, async () => {
  const seed = chooseSeed()
  const random = createRandom(seed)
  const directory = join(mkdtempSync(join(tmpdir(), 'oisp-crash-')), 'queue')
  const receiver = await startReceiver()
  const lives: Life[] = []
  try {
    for (let kill = 0; kill < KILLS; kill++) lives.push(await live(receiver, directory, kill, random))
    await drain(receiver, directory)
    report(seed, receiver, lives)
    judge(receiver, lives)
    expect(readdirSync(directory)).toEqual([])
  } finally {
    await receiver.stop()
    rmSync(join(directory, '..'), { recursive: true, force: true })
  }
})
