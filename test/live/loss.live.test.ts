// SPDX-License-Identifier: Apache-2.0
/**
 * What is lost is said, to the byte; and a sensor that is killed leaves nothing behind. The ring is as small as it can be and
 * the clients write as fast as they can.
 * @module
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFakeServer, type FakeServer } from '../server/start.mjs'
import { runWorkload, startWorkload } from '../workloads/run.mjs'
import { mappedLibssl, readInstructions } from './support/machine.js'
import { findByContent, keepRawBytes } from './support/observe.js'
import { readSpans } from './support/otlp.js'
import { describeLive } from './support/permitted.js'
import { readCapturedFile } from './support/recording.js'
import { killSensors, replay, startSensor } from './support/sensor.js'
import { until } from './support/until.js'

const RING_BYTES = 64 * 1024
const BURST_CLIENTS = 8

let folder: string
let server: FakeServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-loss-'))
  server = await startFakeServer({ bytesDir: folder })
})
afterEach(async () => {
  await killSensors()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Every client is a process with one connection: large requests, large answers, small ones among them, one after them. */
async function burst(): Promise<number[]> {
  const options = { url: server.baseUrl, caFile: server.caFile }
  const large = ['--prompt-bytes', '3000000', '--model', 'fake-bytes3000000']
  const results = await Promise.all(
    Array.from({ length: BURST_CLIENTS }, (_, number) =>
      runWorkload('python-urllib', number % 2 === 0 ? large : [], options),
    ),
  )
  results.push(await runWorkload('python-urllib', [], options))
  expect(results.map(({ exitCode }) => exitCode)).toEqual(results.map(() => 0))
  return results.flatMap(({ reports }) => reports.map(({ pid }) => pid))
}

describeLive('a ring of 64 KiB under burst', () => {
  test('captured bytes and missing bytes are together what the clients sent, and no damaged exchange is complete', async () => {
    const sensor = await startSensor('capture', join(folder, 'raw.rec'), ['--ring-bytes', String(RING_BYTES)])
    const pids = await burst()
    await sensor.stop()
    const truth = keepRawBytes(await server.read())
    const captured = readCapturedFile(sensor.output)
    const mine = captured.connections.filter(({ pid }) => pids.includes(pid))

    const missing = new Map<number, number>()
    for (const connection of mine) {
      const { transmit, receive } = connection
      const theirs = findByContent(connection, truth)
      expect(theirs, `captured bytes of process ${connection.pid} are the server's`).toBeDefined()
      expect(transmit.capturedBytes + transmit.missingBytes).toBe(theirs?.received.bytes)
      expect(receive.capturedBytes + receive.missingBytes).toBe(theirs?.sent.bytes)
      missing.set(connection.pid, transmit.missingBytes + receive.missingBytes)
    }
    const whole = pids.filter((pid) => missing.get(pid) === 0)
    // Without loss, or without a whole exchange, the test would prove nothing.
    expect(whole.length).toBeLessThan(pids.length)
    expect(whole).not.toEqual([])
    expect(captured.lost.bytes).toBeGreaterThan(0)

    const telemetry = join(folder, 'telemetry.jsonl')
    replay(sensor.output, telemetry)
    const complete = readSpans(telemetry)
      .filter(({ attributes }) => attributes['oisp.capture.completeness'] === 'complete')
      .map(({ resource }) => Number(resource['process.pid']))
      .filter((pid) => pids.includes(pid)) // others on this machine may speak with providers as well
    expect(complete.sort()).toEqual(whole.sort())
  })
})

describeLive('a sensor that is killed', () => {
  test('leaves no breakpoint, and the program it watched goes on', async () => {
    const copy = join(folder, 'libssl.so.3')
    copyFileSync(mappedLibssl('/usr/bin/python3'), copy)
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    const client = startWorkload('python-dlopen', ['--libssl', copy, '--gate', '--calls', '2'], {
      url: server.baseUrl,
      caFile: server.caFile,
    })
    await client.nextLine()
    client.go()
    const { functions } = (await client.nextLine()) as { functions: Record<string, number> }
    const isPatched = (name: string): boolean => {
      const { inMemory, inFile } = readInstructions(client.pid, functions[name]!)
      return !inMemory.equals(inFile)
    }
    const names = ['SSL_write', 'SSL_read']
    await until('a breakpoint in the new library', () => names.every(isPatched) || undefined)

    await sensor.kill()
    // The kernel takes a dead process's probes away after an RCU grace period, a moment later.
    await until('the breakpoints to go', () => !Object.keys(functions).some(isPatched) || undefined)
    client.go()
    const { exitCode, reports, stderr } = await client.done()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(reports[0]?.calls).toMatchObject([{ status: 200 }, { status: 200 }])
  })

  test('in the middle of a stream does not disturb the client', async () => {
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    const running = runWorkload('node-https', ['--stream', '--model', 'fake-events300-pace5'], {
      url: server.baseUrl,
      caFile: server.caFile,
    })
    await untilStreaming()
    await sensor.kill()
    const { exitCode, reports } = await running
    const { exchanges } = await server.read()
    expect(exitCode).toBe(0)
    expect(reports[0]?.calls).toMatchObject([{ status: 200, body: exchanges[0]?.response }])
    // A recording that was cut by the kill is readable up to there, and says that it is not whole.
    expect(readCapturedFile(sensor.output).isComplete).toBe(false)
  })
})

async function untilStreaming(): Promise<void> {
  await until('the first bytes of the answer', async () => {
    const { exchanges } = await server.read()
    return (exchanges[0]?.response.bytes ?? 0) > 0 || undefined
  })
}
