// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:live [-- --json]`: what the observed program pays. Alternating pairs of runs with and without the sensor, on
 * loopback. In: the build and root. Out: a table or JSON lines; fails only beyond three times a limit.
 * @module
 */
import { execFileSync, fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'

const PAIRS = 6
const REQUESTS = 2_000
const BODY_BYTES = 20_000
const PACED = { perSecond: 500, seconds: 20 }

const folder = join(import.meta.dirname, '../../.cache/bench')
mkdirSync(folder, { recursive: true })
const client = join(folder, 'client')
execFileSync('cc', ['-O2', '-o', client, join(import.meta.dirname, 'client.c'), '-ldl'])
const list = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' })
const library = /libssl\.so\.3 .* => (\S+)/.exec(list)?.[1] ?? /libssl\.so\S* .* => (\S+)/.exec(list)?.[1]
if (library === undefined) throw new Error('no libssl on this machine: apt-get install libssl3')

const child = (file, ...args) =>
  fork(new URL(file, import.meta.url), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
const server = child('live-server.mjs')
const [port] = await once(server, 'message')

const run = (requests, perSecond) =>
  new Promise((resolve, reject) => {
    import('node:child_process').then(({ execFile }) =>
      execFile(client, [library, port, requests, BODY_BYTES, perSecond].map(String), (error, out) =>
        error ? reject(error) : resolve(JSON.parse(out)),
      ),
    )
  })

async function withSensor(requests, perSecond) {
  const sensor = child('live-sensor.mjs', library)
  await once(sensor, 'message')
  const client = await run(requests, perSecond)
  sensor.send('stop')
  const [report] = await once(sensor, 'message')
  return { client, ...report }
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
const results = []
const report = (name, value, unit, limit, isFailed = false) =>
  results.push({ name, value: Number(value.toPrecision(4)), unit, limit, isOk: !isFailed, isFailed })

await run(REQUESTS / 4, 0) // warm
const ratios = []
const added = []
for (let pair = 0; pair < PAIRS; pair++) {
  const without = await run(REQUESTS, 0)
  const { client: watched } = await withSensor(REQUESTS, 0)
  ratios.push(without.seconds / watched.seconds)
  added.push(((watched.seconds - without.seconds) / REQUESTS) * 1e6)
}
report('requests/s with the sensor ÷ without', median(ratios), 'ratio')
report('added per request', median(added), 'µs')

const paced = await withSensor(PACED.perSecond * PACED.seconds, PACED.perSecond)
const { requests, reads, writes, bytes } = paced.client
const lost = paced.counters.losses.reduce((sum, { records }) => sum + records, 0)
const hits = paced.counters.calls
const label = `${PACED.perSecond} requests/s × ${BODY_BYTES / 1000} KB × ${PACED.seconds} s`
report(
  `${label}: probe hits ÷ (2 × library calls)`,
  hits / (2 * (reads + writes)),
  'ratio',
  1,
  hits !== 2 * (reads + writes),
)
report(`${label}: sensor CPU per 1,000 requests`, (paced.cpuMicroseconds / requests) * 1e-3, 's')
report(`${label}: losses`, lost, 'records', 0, lost > 0)
report(
  `${label}: complete exchanges ÷ requests`,
  paced.complete / requests,
  'ratio',
  1,
  paced.complete !== requests,
)
report(`${label}: bytes the client wrote`, bytes / 1e6, 'MB')
server.disconnect()

for (const { name, value, unit, limit, isOk } of results) {
  if (process.argv.includes('--json')) console.log(JSON.stringify({ name, value, unit, limit, isOk }))
  else
    console.log(
      `${name.padEnd(66)} ${String(value).padStart(8)} ${unit}${limit === undefined ? '' : ` (must be ${limit}: ${isOk ? 'ok' : 'NOT'})`}`,
    )
}
process.exitCode = results.some(({ isFailed }) => isFailed) ? 1 : 0
