// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a running sensor does its work, for container engines and scripts: `run` answers on a Unix socket that it was told to
 * make, `oisp-sensor health` asks. In: readings of the moment. Out: one JSON object for each caller, 0 or 1. No port is opened, and
 * only the sensor's own user can ask; an answer also proves that the event loop turns.
 * @module
 */
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { dirname } from 'node:path'
import { SensorError } from '../errors.js'
import type { CaptureHealth, SinkHealth } from '../health/types.js'

/** A sensor that has not answered by then is stuck. */
const ANSWER_MS = 3000
const MAX_ANSWER_BYTES = 64 * 1024

export interface HealthReadings {
  /** Undefined until capture has begun. */
  capture: CaptureHealth | undefined
  /** What the check at start found wrong; undefined: nothing, or it is not over. */
  selfCheckFailure: string | undefined
  sinks: readonly SinkHealth[]
}

export interface HealthReport {
  /** `failing`: something that a look at the sensor, or a restart, has to mend. A receiver that is away is not: the queue holds. */
  status: 'ok' | 'failing'
  /** Why it is failing. */
  reasons: string[]
  attachedFiles: number
  hookedProcesses: number
  blindProcesses: number
  signals: SignalReport[]
}

export interface SignalReport {
  signal: string
  exportedItems: number
  /** In the queue or under way. */
  waitingItems: number
  droppedItems: number
}

export function toHealthReport({ capture, selfCheckFailure, sinks }: HealthReadings): HealthReport {
  const lanes = sinks.flatMap((sink) => sink.lanes)
  const reasons: string[] = []
  if (capture === undefined) reasons.push('capture has not begun')
  else if (capture.attachedFiles === 0) reasons.push('no file has probes: nothing can be seen')
  if (selfCheckFailure !== undefined) reasons.push(`the check at start failed: ${selfCheckFailure}`)
  if (
    lanes.length > 0 &&
    lanes.every(({ isOff, droppedItems }) => isOff === true || droppedItems.has('signal_off'))
  )
    reasons.push('the endpoint takes none of the signals: nothing is sent any more')
  return {
    status: reasons.length === 0 ? 'ok' : 'failing',
    reasons,
    attachedFiles: capture?.attachedFiles ?? 0,
    hookedProcesses: capture?.hookedProcesses ?? 0,
    blindProcesses: capture?.blindProcesses ?? 0,
    signals: lanes.map(({ signal, exportedItems, waitingItems, inFlightItems, droppedItems }) => ({
      signal,
      exportedItems,
      waitingItems: waitingItems + inFlightItems,
      droppedItems: [...droppedItems.values()].reduce((sum, items) => sum + items, 0),
    })),
  }
}

/** Answers until it is closed. Throws SensorError when the socket cannot be made. */
export async function serveHealth(
  path: string,
  read: () => HealthReadings,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((socket) => {
    // Who hangs up early has had enough.
    socket.on('error', () => socket.destroy())
    socket.end(`${JSON.stringify(toHealthReport(read()))}\n`)
  })
  try {
    // One level: below /proc, Node 20 would try to make the parents for ever.
    if (!existsSync(dirname(path))) mkdirSync(dirname(path), { mode: 0o700 })
    // What a sensor that was killed left behind; one that lives keeps its socket.
    if (await isAnswered(path)) throw new Error('another sensor answers there')
    rmSync(path, { force: true })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
    chmodSync(path, 0o600)
  } catch (error) {
    throw new SensorError({
      code: 'ERR_HEALTH_SOCKET',
      message: `the health socket ${path} cannot be made: ${(error as Error).message}`,
      hint: 'name another path with --health-socket or OISP_HEALTH_SOCKET, in a folder that the sensor may write to',
      cause: error,
    })
  }
  server.on('error', () => undefined) // of one caller; the next is served
  // It must not keep a sensor alive that has nothing else to do.
  server.unref()
  return { close: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** Does the work and, where a path is named, answers meanwhile. */
export async function withHealth<T>(
  path: string | undefined,
  read: () => HealthReadings,
  work: () => Promise<T>,
): Promise<T> {
  const server = path === undefined ? undefined : await serveHealth(path, read)
  try {
    return await work()
  } finally {
    await server?.close()
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** `oisp-sensor health`: 0 when the sensor behind the socket is well, else 1 and the reason. */
export async function runHealth(path: string | undefined, options: { json?: boolean }): Promise<0 | 1> {
  if (path === undefined)
    throw new SensorError({
      code: 'ERR_HEALTH_SOCKET',
      message: 'no health socket is named',
      hint: 'start the sensor with --health-socket PATH (or OISP_HEALTH_SOCKET) and name the same path here',
      exitCode: 2,
    })
  const report = await askHealth(path)
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : formatHealth(report))
  return report.status === 'ok' ? 0 : 1
}

/** Throws SensorError when nobody answers. */
export async function askHealth(path: string, deadlineMs = ANSWER_MS): Promise<HealthReport> {
  const socket = createConnection(path)
  const deadline = setTimeout(
    () => socket.destroy(new Error(`no answer within ${deadlineMs / 1000} s`)),
    deadlineMs,
  )
  try {
    let text = ''
    for await (const piece of socket.setEncoding('utf8')) {
      text += String(piece)
      if (text.length > MAX_ANSWER_BYTES) throw new Error('the answer is not a report')
    }
    return JSON.parse(text) as HealthReport
  } catch (error) {
    throw new SensorError({
      code: 'ERR_HEALTH_ANSWER',
      message: `no sensor answers on ${path}: ${(error as Error).message}`,
      hint: 'it is not running, hangs, or was started without --health-socket',
      cause: error,
    })
  } finally {
    clearTimeout(deadline)
    socket.destroy()
  }
}

function formatHealth(report: HealthReport): string {
  const { status, reasons, attachedFiles, hookedProcesses, blindProcesses, signals } = report
  const lines = [
    status === 'ok' ? 'ok' : `failing: ${reasons.join('; ')}`,
    `  capture  ${attachedFiles} files with probes, ${hookedProcesses} processes with TLS hooked, ${blindProcesses} blind`,
    ...signals.map(
      ({ signal, exportedItems, waitingItems, droppedItems }) =>
        `  ${signal.padEnd(7)}  ${exportedItems} sent, ${waitingItems} waiting, ${droppedItems} dropped`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
