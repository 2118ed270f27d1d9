// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * `npm run demo`. In: nothing. Out: real clients talk to a fake provider on this machine, the sensor's lines on the screen;
 * exit 0 only if every exchange was seen, once and complete.
 * @module
 */
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { spawnAs, withoutExport } from './accounts.mjs'
import { ROOT } from './checkout.mjs'
import { CLIENT_PACKAGES } from './packages.mjs'
import { MAIN, prepare, sensorUid, stopOnSignal } from './prepare.mjs'

/** Each call has a model name of its own, by which its line is found. @type {[client: string, args: string[]][]} */
const CALLS = [
  ['curl', ['--api', 'openai']],
  ['curl', ['--api', 'anthropic', '--stream']],
  ['node-https', ['--api', 'openai', '--stream']],
  ['node-fetch', ['--api', 'anthropic']],
  ['python-urllib', ['--api', 'openai']],
  ['python-urllib', ['--api', 'anthropic', '--stream']],
]
const DEADLINE_MS = 20_000

export async function demo() {
  const { captureProblem } = await prepare({ packages: CLIENT_PACKAGES })
  if (captureProblem !== undefined) {
    console.log(`\nThe demo needs live capture, and that is not possible here: ${captureProblem}`)
    return spawnAs(sensorUid(), [process.execPath, MAIN, 'run']).ended
  }
  const env = withoutExport()
  const sensor = spawnAs(sensorUid(), [process.execPath, MAIN, 'run'], {
    output: 'pipe',
    isSensor: true,
    env,
  })
  stopOnSignal(sensor)
  sensor.child.stderr?.pipe(process.stderr)
  const screen = watchLines(sensor.child.stdout)
  const isReady = await Promise.race([screen.until((line) => line.includes(READY)), sensor.ended])
  if (isReady !== true) return /** @type {number} */ (isReady) || 1
  const missing = await makeCalls(screen)
  sensor.stop()
  const code = await sensor.ended
  const complete = CALLS.length - missing.length
  console.log(`\ndemo: ${complete} of ${CALLS.length} exchanges arrived complete`)
  for (const name of missing) console.log(`  missing, doubled or damaged: ${name}`)
  return missing.length === 0 ? code : 1
}

/** The last line of the ready block (src/commands/ready.ts). */
const READY = 'npm run demo'

/** @param {ReturnType<typeof watchLines>} screen @returns {Promise<string[]>} the calls without exactly one good line */
async function makeCalls(screen) {
  const [{ startFakeServer }, { runWorkload }] = await Promise.all([
    import(join(ROOT, 'test/server/start.mjs')),
    import(join(ROOT, 'test/workloads/run.mjs')),
  ])
  const server = await startFakeServer()
  const names = CALLS.map(([client], number) => `demo-${number + 1}-${client}`)
  try {
    for (const [number, [client, args]] of CALLS.entries()) {
      const options = { url: server.baseUrl, caFile: server.caFile }
      const { exitCode, stderr } = await runWorkload(client, [...args, '--model', names[number]], options)
      if (exitCode !== 0) console.error(`${client} failed (exit ${exitCode}): ${stderr}`)
    }
    await screen.until(() => names.every((name) => screen.count(name) > 0), DEADLINE_MS)
  } finally {
    await server.stop()
  }
  return names.filter((name) => screen.count(name) !== 1 || screen.count(name, /\bcomplete\b/) !== 1)
}

/**
 * Shows the sensor's lines and remembers them.
 * @param {import('node:stream').Readable | null} stream
 */
function watchLines(stream) {
  if (stream === null) throw new Error('no pipe')
  /** @type {string[]} */
  const lines = []
  const reader = createInterface({ input: stream })
  reader.on('line', (line) => {
    lines.push(line)
    console.log(line)
  })
  const count = (/** @type {string} */ name, pattern = /./) =>
    lines.filter((line) => line.includes(name) && pattern.test(line)).length
  /** @param {(line: string) => boolean} isReached @param {number} [deadlineMs] @returns {Promise<boolean>} */
  const until = (isReached, deadlineMs) =>
    new Promise((resolve) => {
      const deadline = deadlineMs === undefined ? undefined : setTimeout(() => finish(false), deadlineMs)
      const check = (/** @type {string} */ line) => isReached(line) && finish(true)
      const finish = (/** @type {boolean} */ value) => {
        clearTimeout(deadline)
        reader.off('line', check)
        resolve(value)
      }
      reader.on('line', check)
      if (lines.some(isReached)) finish(true)
    })
  return { count, until }
}
