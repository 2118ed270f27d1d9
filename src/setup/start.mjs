// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * `npm start`. In: options of `oisp-sensor run`. Out: the sensor, live; where that is not permitted, the reasons and the
 * shipped recording instead.
 * @module
 */
import { join } from 'node:path'
import { spawnAs, withoutExport } from './accounts.mjs'
import { callerUid, ROOT } from './checkout.mjs'
import { MAIN, prepare, sensorUid, stopOnSignal } from './prepare.mjs'

/** Recorded from test/server; see test/scenarios/README.md. */
const RECORDINGS = [
  'anthropic-messages-stream-curl',
  'openai-chat-tools-node',
  'openai-chat-threads-python',
].map((scenario) => join(ROOT, 'test/scenarios', scenario, 'capture.rec'))
const NOT_PERMITTED = 3

/** @param {string[]} args */
export async function start(args) {
  const { captureProblem } = await prepare({ packages: [] })
  if (captureProblem !== undefined) console.log(`\nNo live capture: ${captureProblem}\n`)
  const sensor = spawnAs(sensorUid(), [process.execPath, MAIN, 'run', ...args], { isSensor: true })
  stopOnSignal(sensor)
  const code = await sensor.ended
  const isImpossible = code === NOT_PERMITTED || (captureProblem !== undefined && code === 1)
  return isImpossible ? playRecordings() : code
}

async function playRecordings() {
  console.log('\n================================')
  console.log(' RECORDED, not this machine')
  console.log('================================\n')
  const env = withoutExport()
  return spawnAs(callerUid(), [process.execPath, MAIN, 'replay', ...RECORDINGS], { env }).ended
}
