// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Makes the recordings of scenarios: `npm run capture -- [SCENARIO…]`, as root, in a built checkout. In: each folder's
 * workload.json. Out: capture.rec beside it, holding the records of the workload's processes and of nothing else that ran on
 * this machine. It runs in a mount namespace where the checkout is /srv, so no path of this machine gets into a recording.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeServer } from '../server/start.mjs'
import { runWorkload } from '../workloads/run.mjs'

const NEUTRAL_ROOT = '/srv/'
const ROOT = new URL('../../', import.meta.url).pathname
const SCENARIOS = new URL('./', import.meta.url).pathname

/** Typed by every workload as its key; the secrets test looks for it, and for `canary-`, in everything that is exported. */
const API_KEY = 'sk-canary-0123456789abcdef'
/** Ids are made from it; a fixed one also says nothing of this machine. */
const BOOT_ID = '00000000-0000-4000-8000-000000000001'

/**
 * @typedef {object} Scenario workload.json
 * @property {string} about
 * @property {import('../workloads/run.mjs').ClientName} client
 * @property {string[]} args `$PROXY_URL` and `$CA_FILE` are filled in
 * @property {Record<string, string>} [env]
 * @property {boolean} [keepServer] the server's side of the connections stays in the recording
 */

if (ROOT === NEUTRAL_ROOT) await main(process.argv.slice(2))
else process.exitCode = enterNeutralRoot()

/** @returns {number} exit code */
function enterNeutralRoot() {
  const script = 'mount --bind "$1" /srv && cd /srv && shift && exec "$@"'
  const command = [
    process.execPath,
    join(NEUTRAL_ROOT, 'test/scenarios/record.mjs'),
    ...process.argv.slice(2),
  ]
  const unshare = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ROOT, ...command]
  return spawnSync('unshare', unshare, { stdio: 'inherit' }).status ?? 1
}

/** @param {string[]} names */
async function main(names) {
  const all = readdirSync(SCENARIOS).filter((name) => existsSync(join(SCENARIOS, name, 'workload.json')))
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0)
    throw new Error(`no such scenario: ${unknown.join(', ')}; there are ${all.join(', ')}`)
  for (const name of names.length > 0 ? names : all) {
    const folder = join(SCENARIOS, name)
    const scenario = JSON.parse(readFileSync(join(folder, 'workload.json'), 'utf8'))
    console.log(`${name}: ${await recordScenario(folder, scenario)} records`)
  }
}

/** @param {string} folder @param {Scenario} scenario */
async function recordScenario(folder, scenario) {
  const scratch = mkdtempSync(join(tmpdir(), 'oisp-scenario-'))
  const raw = join(scratch, 'raw.rec')
  const server = await startFakeServer()
  try {
    const stopSensor = await startCapture(raw)
    const fill = { $PROXY_URL: server.proxyUrl, $CA_FILE: server.caFile }
    const args = scenario.args.map((arg) => fill[/** @type {keyof typeof fill} */ (arg)] ?? arg)
    const { reports, exitCode, stderr } = await runWorkload(scenario.client, args, {
      url: server.baseUrl,
      caFile: server.caFile,
      apiKey: API_KEY,
      ...(scenario.env && { env: scenario.env }),
    })
    if (exitCode !== 0) throw new Error(`${scenario.client} ended with ${exitCode}: ${stderr}`)
    await stopSensor()
    const pids = reports.flatMap(({ pid, calls }) => [pid, ...calls.flatMap((call) => call.pid ?? [])])
    if (scenario.keepServer === true) pids.push(server.pid)
    return await keepProcesses(raw, join(folder, 'capture.rec'), new Set(pids))
  } finally {
    await server.stop()
    rmSync(scratch, { recursive: true })
  }
}

/** @param {string} output @returns {Promise<() => Promise<void>>} a function that stops it */
async function startCapture(output) {
  const sensor = spawn(process.execPath, [join(ROOT, 'dist/main.js'), 'capture', '--output', output], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(sensor, 'exit')
  let said = ''
  await new Promise((resolve, reject) => {
    sensor.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
      if (/\bready\b/.test(said)) resolve(undefined)
    })
    void exited.then(([code]) => reject(new Error(`capture ended with ${code}:\n${said}`)))
  })
  return async () => {
    sensor.kill('SIGINT')
    const [code] = await exited
    if (code !== 0) throw new Error(`capture ended with ${code}:\n${said}`)
  }
}

/**
 * Copies the records of `pids`. A capture sees every process of the machine; none of the others is anybody's business.
 * @param {string} from
 * @param {string} to
 * @param {Set<number>} pids
 */
async function keepProcesses(from, to, pids) {
  const { openRecording, createRecordingWriter } = await import(join(ROOT, 'dist/receiver/index.js'))
  const { RECORD_HEADER, RECORD_KIND } = await import(join(ROOT, 'dist/receiver/layout.js'))
  const recording = openRecording(from)
  if (!recording.isComplete) throw new Error('the capture did not finish its file')
  rmSync(to, { force: true })
  const kernelRelease = /^\d+\.\d+/.exec(recording.header.kernelRelease)?.[0] ?? ''
  const writer = createRecordingWriter(to, { ...recording.header, bootId: BOOT_ID, kernelRelease })
  let records = 0
  recording.read((/** @type {Buffer} */ batch) => {
    for (let at = 0; at < batch.length;) {
      const size = batch.readUInt32LE(at + RECORD_HEADER.size)
      const kind = batch.readUInt32LE(at + RECORD_HEADER.kind)
      if (kind === RECORD_KIND.RECORD_LOST)
        throw new Error('records were lost; record again on a quieter machine')
      const isWanted =
        pids.has(batch.readUInt32LE(at + RECORD_HEADER.pid)) && kind < RECORD_KIND.RECORD_MAPPING
      if (isWanted) writer.write(batch.subarray(at, at + size))
      records += isWanted ? 1 : 0
      at += (size + 7) & ~7
    }
  })
  recording.close()
  writer.close()
  return records
}
