// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LaneHealth } from '../health/types.js'
import { askHealth, runHealth, serveHealth, toHealthReport, type HealthReadings } from './health.js'

const capture = {
  transfers: 0,
  bytes: 0,
  probeHits: 0,
  repeatedCalls: 0,
  orphanedReturns: 0,
  attachedFiles: 2,
  hookedProcesses: 3,
  blindProcesses: 1,
}

function lane(signal: LaneHealth['signal'], dropped: [string, number][] = []): LaneHealth {
  return {
    signal,
    protocol: 'grpc',
    serverAddress: 'collector',
    serverPort: 4317,
    waitingItems: 2,
    inFlightItems: 5,
    exportedItems: 11,
    droppedItems: new Map(dropped),
  }
}

const well: HealthReadings = {
  capture,
  selfCheckFailure: undefined,
  sinks: [{ queueBytes: 0, queueLimitBytes: 1, lanes: [lane('traces', [['queue_full', 4]])] }],
}

describe('the report', () => {
  it('is ok while probes are in place and something is sent, a full queue included', () => {
    expect(toHealthReport(well)).toEqual({
      status: 'ok',
      reasons: [],
      attachedFiles: 2,
      hookedProcesses: 3,
      blindProcesses: 1,
      signals: [{ signal: 'traces', exportedItems: 11, waitingItems: 7, droppedItems: 4 }],
    })
  })

  it('is ok for a sensor that exports nothing', () => {
    expect(toHealthReport({ ...well, sinks: [] }).status).toBe('ok')
  })

  it.each<[string, Partial<HealthReadings>, string]>([
    ['before capture', { capture: undefined }, 'capture has not begun'],
    ['without a probe', { capture: { ...capture, attachedFiles: 0 } }, 'no file has probes'],
    ['after a failed check', { selfCheckFailure: 'curl was not seen' }, 'curl was not seen'],
  ])('fails %s', (_, readings, reason) => {
    const report = toHealthReport({ ...well, ...readings })
    expect([report.status, report.reasons.join()]).toEqual(['failing', expect.stringContaining(reason)])
  })

  it('fails when every signal was refused for good, not when one was', () => {
    const off: [string, number][] = [['signal_off', 1]]
    const sink = { queueBytes: 0, queueLimitBytes: 1 }
    const oneOff = [lane('traces'), lane('logs', off)]
    expect(toHealthReport({ ...well, sinks: [{ ...sink, lanes: oneOff }] }).status).toBe('ok')
    const allOff = [lane('traces', off), lane('logs', off)]
    expect(toHealthReport({ ...well, sinks: [{ ...sink, lanes: allOff }] }).status).toBe('failing')
    // A queue on disk keeps it all: nothing is dropped, and nothing is sent.
    const allKept = [{ ...lane('traces'), isOff: true }]
    expect(toHealthReport({ ...well, sinks: [{ ...sink, lanes: allKept }] }).status).toBe('failing')
  })
})

describe('the socket', () => {
  let folder: string
  let path: string
  const servers: Server[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oisp-health-'))
    path = join(folder, 'run', 'health.sock')
  })

  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function listen(at: string, onConnection: (socket: import('node:net').Socket) => void): Promise<void> {
    const server = createServer(onConnection)
    servers.push(server)
    return new Promise((resolve) => server.listen(at, resolve))
  }

  it('answers with the readings of the moment, to its own user only', async () => {
    let readings: HealthReadings = { ...well, capture: undefined }
    const server = await serveHealth(path, () => readings)
    expect((await askHealth(path)).reasons).toEqual(['capture has not begun'])
    readings = well
    expect(await askHealth(path)).toEqual(toHealthReport(well))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'run')).mode & 0o777).toBe(0o700)
    await server.close()
    await expect(askHealth(path)).rejects.toThrow('no sensor answers')
  })

  it('replaces what a killed sensor left, and never the socket of a live one', async () => {
    const first = await serveHealth(path, () => well)
    await expect(serveHealth(path, () => well)).rejects.toThrow('another sensor answers there')
    await first.close()
    // A listener that is killed leaves its file: a link does the same without a process.
    await listen(join(folder, 'other'), () => undefined)
    const { linkSync } = await import('node:fs')
    linkSync(join(folder, 'other'), path)
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
    expect(statSync(path).isSocket()).toBe(true)
    const second = await serveHealth(path, () => well)
    expect((await askHealth(path)).status).toBe('ok')
    await second.close()
  })

  it('cannot be made everywhere, and says where', async () => {
    await expect(serveHealth('/proc/none/health.sock', () => well)).rejects.toMatchObject({
      code: 'ERR_HEALTH_SOCKET',
      exitCode: 1,
      message: expect.stringContaining('/proc/none/health.sock') as string,
    })
  })

  it('is believed only when it answers in time, shortly and in JSON', async () => {
    const hangs = join(folder, 'hangs')
    await listen(hangs, () => undefined)
    await expect(askHealth(hangs, 20)).rejects.toThrow('no answer within 0.02 s')
    const floods = join(folder, 'floods')
    await listen(floods, (socket) => socket.on('error', () => undefined).write('x'.repeat(200_000)))
    await expect(askHealth(floods)).rejects.toThrow('not a report')
    const garbage = join(folder, 'garbage')
    await listen(garbage, (socket) => socket.end('hello'))
    await expect(askHealth(garbage)).rejects.toThrow('no sensor answers')
  })

  it('must be named to be asked', async () => {
    await expect(runHealth(undefined, {})).rejects.toMatchObject({ exitCode: 2 })
  })
})
