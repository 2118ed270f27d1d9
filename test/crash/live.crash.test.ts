// SPDX-License-Identifier: Apache-2.0
/**
 * kill -9 of the sensor itself while it captures a real client: what had ended in time is at the receiver after a restart, once by
 * its ids, and the client never notices. Fewer kills than the synthetic test makes: each attaches real probes.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeLive } from '../live/support/permitted.js'
import { until } from '../live/support/until.js'
import { startFakeServer, type FakeServer } from '../server/start.mjs'
import { runWorkload } from '../workloads/run.mjs'
import { chooseSeed, createRandom } from './support/random.js'
import { nowMs, startReceiver, type CrashReceiver } from './support/receiver.js'

const MAIN = process.env['OISP_TEST_MAIN'] ?? new URL('../../dist/main.js', import.meta.url).pathname
const KILLS = 10
const FLUSH_MS = 200
/** From the kernel's ring to the exporter, and from there to the file. */
const ALLOWANCE_MS = 500
const LONGEST_LIFE_MS = 1_500

let folder: string
let receiver: CrashReceiver
let server: FakeServer
let sensor: ChildProcess | undefined

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-crash-'))
  receiver = await startReceiver()
  server = await startFakeServer({ bytesDir: folder })
})
afterEach(async () => {
  sensor?.kill('SIGKILL')
  await server.stop()
  await receiver.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function startRun(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, 'run'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_BSP_SCHEDULE_DELAY: String(FLUSH_MS),
      OISP_STATE_DIRECTORY: join(folder, 'state'),
      OISP_QUEUE_DIRECTORY: join(folder, 'queue'),
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  await until(
    'the sensor to be ready',
    () => {
      if (child.exitCode !== null) throw new Error(`the sensor ended with ${child.exitCode}:\n${said}`)
      return / is ready/.test(said) || undefined
    },
    60_000,
  )
  return (sensor = child)
}

/** No two runs of this test ask the same. */
const RUN = randomUUID()

/**
 * How long the threads of a process have been ready to run and were not let: proc(5), schedstat, the second number. Such time does
 * not count: what the machine does not run can neither read the ring nor flush.
 */
function waitedMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const waitedNs = threads.map((thread) => {
    const [, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    return Number(waited)
  })
  return waitedNs.reduce((sum, ns) => sum + ns, 0) / 1e6
}

interface Round {
  responseIds: string[]
  /** When all of its calls had ended, and what the sensor had waited by then. */
  endedAt: number
  waitedMs: number
}

/** Calls until `endsAt`. */
async function call(pid: number, life: number, endsAt: number): Promise<Round[]> {
  const rounds: Round[] = []
  for (let round = 0; nowMs() < endsAt; round++) {
    await server.reset()
    // The server makes its ids from the prompt, and another test's sensor may be watching this machine.
    const prompt = `kill ${life}, round ${round} of ${RUN}`
    const { exitCode } = await runWorkload('node-https', ['--calls', '3', '--prompt', prompt], {
      url: server.baseUrl,
      caFile: server.caFile,
    })
    const endedAt = nowMs()
    expect(exitCode).toBe(0)
    // The last round may outlive the sensor.
    const waited = endedAt < endsAt ? waitedMs(pid) : 0
    const { exchanges } = await server.read()
    const responseIds = exchanges.flatMap(({ responseId }) => responseId ?? [])
    rounds.push({ endedAt, waitedMs: waited, responseIds })
  }
  return rounds
}

interface Life {
  /** Response ids of all calls, and of those that must not be lost. */
  made: string[]
  safe: string[]
}

async function killOnce(life: number, random: () => number): Promise<Life> {
  receiver.state = random() < 0.5 ? 'up' : 'unavailable'
  const child = await startRun()
  const lifeMs = FLUSH_MS + ALLOWANCE_MS + random() * LONGEST_LIFE_MS
  const killAt = nowMs() + lifeMs
  const killed = new Promise<Omit<Round, 'responseIds'>>((resolve) =>
    setTimeout(() => {
      const end = { endedAt: nowMs(), waitedMs: waitedMs(child.pid!) }
      child.kill('SIGKILL')
      resolve(end)
    }, lifeMs),
  )
  const rounds = await call(child.pid!, life, killAt)
  const end = await killed
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const isInTime = (round: Round): boolean => {
    const waited = end.waitedMs - round.waitedMs
    return round.endedAt + FLUSH_MS + ALLOWANCE_MS + waited < end.endedAt
  }
  return {
    made: rounds.flatMap(({ responseIds }) => responseIds),
    safe: rounds.filter(isInTime).flatMap(({ responseIds }) => responseIds),
  }
}

/** Restarts it with the receiver up until nothing is left on disk. */
async function drain(): Promise<void> {
  receiver.state = 'up'
  for (let attempt = 0; attempt < 5; attempt++) {
    const child = await startRun()
    child.kill('SIGINT')
    await once(child, 'exit')
    if (readdirSync(join(folder, 'queue')).length === 0) return
  }
  throw new Error('the queue does not get empty')
}

describeLive('the sensor with a disk queue', () => {
  it(`loses and doubles nothing in ${KILLS} kills`, async () => {
    const seed = chooseSeed()
    const random = createRandom(seed)
    const lives: Life[] = []
    for (let kill = 0; kill < KILLS; kill++) lives.push(await killOnce(kill, random))
    await drain()
    // Others on this machine make calls, too, and some make the same ones again and again.
    const arrived = lives.flatMap(({ made }) => made.filter((id) => receiver.exchanges.has(id)))
    const safe = lives.flatMap((life) => life.safe)
    console.log(
      `seed ${seed}: ${KILLS} kills; ${safe.length} exchanges ended in time, ${arrived.length} arrived`,
    )
    expect(safe.length).toBeGreaterThan(0)
    expect(safe.filter((id) => !receiver.exchanges.has(id))).toEqual([])
    expect(arrived.filter((id) => receiver.exchanges.get(id)!.spanIds.size > 1)).toEqual([])
  })
})
