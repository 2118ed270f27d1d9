// SPDX-License-Identifier: Apache-2.0
/**
 * One observation: the fake server and two real sensors (one keeps raw records, one makes telemetry) around some client
 * programs. In: what to run. Out: the three views of it, and the assertions that hold for every client. Knows no client.
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ConnectionEntry, Truth } from '../../server/ledger.mjs'
import { startFakeServer, type FakeServer } from '../../server/start.mjs'
import type { Report } from '../../workloads/run.mjs'
import { readSpans, type FlatSpan } from './otlp.js'
import { digestOf, readCapturedFile, type CapturedConnection, type CapturedFile } from './recording.js'
import { replay, startSensor } from './sensor.js'

/** As far as a provider on another continent; in that time the sensor must have found a library nobody used before. */
export const DISTANCE_MS = 100

export interface Observation {
  truth: Truth
  captured: CapturedFile
  spans: FlatSpan[]
  /** Empty unless it was asked for. */
  replayedSpans: FlatSpan[]
  /** Where the fake server and its proxy listened. */
  ports: number[]
}

export interface ObserveOptions {
  /** Runs while the server is up and no sensor is: for what existed before the sensor did. */
  before?: (server: FakeServer) => Promise<unknown>
  /** The raw recording is played through the pipeline as well. */
  isReplayed?: boolean
}

/** Starts everything, awaits `run`, stops everything and reads the files before they are deleted. */
export async function observe(
  run: (server: FakeServer) => Promise<unknown>,
  { before, isReplayed = false }: ObserveOptions = {},
): Promise<Observation> {
  const folder = mkdtempSync(join(tmpdir(), 'oisp-live-'))
  const server = await startFakeServer({ bytesDir: folder, distanceMs: DISTANCE_MS })
  try {
    await before?.(server)
    const [capture, record] = await Promise.all([
      startSensor('capture', join(folder, 'raw.rec')),
      startSensor('record', join(folder, 'telemetry.jsonl')),
    ])
    await run(server)
    await Promise.all([capture.stop(), record.stop()])
    const replayed = join(folder, 'replayed.jsonl')
    if (isReplayed) replay(capture.output, replayed)
    const observation = {
      truth: keepRawBytes(await server.read()),
      captured: readCapturedFile(capture.output),
      spans: readSpans(record.output),
      replayedSpans: isReplayed ? readSpans(replayed) : [],
      ports: [server.baseUrl, server.farUrl, server.proxyUrl].map((url) => Number(new URL(url).port)),
    }
    expect(observation.captured.isComplete).toBe(true)
    return observation
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const rawBytes = new WeakMap<ConnectionEntry, { received: Buffer; sent: Buffer }>()

/** The files of the ledger go with their folder; what the assertions need of them is read while they are there. */
export function keepRawBytes(truth: Truth): Truth {
  for (const connection of truth.connections)
    rawBytes.set(connection, {
      received: readFileSync(connection.receivedFile!),
      sent: readFileSync(connection.sentFile!),
    })
  return truth
}

/**
 * Every byte that the clients and the server exchanged was captured in the clients: one captured connection for each of the
 * server's, equal in both directions by length and hash. Where a side left in mid-stream, what was captured of the answer is a
 * prefix of what the server had sent.
 */
export function expectBytesEqual({ truth, captured }: Observation, pids: readonly number[]): void {
  const mine = captured.connections.filter(({ pid }) => pids.includes(pid))
  const unmatched = [...mine]
  for (const connection of truth.connections) {
    // A pool may open a connection and never use it.
    if (connection.received.bytes + connection.sent.bytes === 0) continue
    const at = unmatched.findIndex((candidate) => isSame(candidate, connection, truth))
    const [match] = at < 0 ? [] : unmatched.splice(at, 1)
    expect(match, `the bytes of ${describeConnections([connection], mine)}`).toBeDefined()
  }
  expect(unmatched.filter(hasBytes), 'connections the server does not know').toEqual([])
}

/** `\r\n0\r\n\r\n`: a client that has read the terminal event may close without reading how the chunked coding ends. */
const LAST_CHUNK_BYTES = 7
/** RFC 8446 5.2, 6.1: an alert of 2 bytes, its type and a tag of 16 behind a header of 5. Whoever closes need not read the inner one. */
const CLOSE_NOTIFY_BYTES = 24

function isSame(captured: CapturedConnection, connection: ConnectionEntry, truth: Truth): boolean {
  const { transmit, receive } = captured
  if (transmit.missingBytes + receive.missingBytes > 0) return false
  if (digestOf(transmit).sha256 !== connection.received.sha256) return false
  const isWhole = truth.exchanges.every(
    (exchange) => exchange.connection !== connection.id || exchange.outcome === 'completed',
  )
  if (digestOf(receive).sha256 === connection.sent.sha256) return true
  const unreadBytes = connection.listener === 'proxy' ? CLOSE_NOTIFY_BYTES : LAST_CHUNK_BYTES
  if (isWhole && connection.sent.bytes - receive.capturedBytes > unreadBytes) return false
  return receive.capturedBytes > 0 && isAtOffsets(receive.pieces, rawBytes.get(connection)!.sent)
}

/** Each captured piece equals what the server has at that place. */
function isAtOffsets(pieces: CapturedConnection['receive']['pieces'], bytes: Buffer): boolean {
  return pieces.every(({ offset, bytes: piece }) =>
    bytes.subarray(offset, offset + piece.length).equals(piece),
  )
}

function hasBytes({ transmit, receive }: CapturedConnection): boolean {
  return transmit.capturedBytes + receive.capturedBytes > 0
}

function describeConnections(expected: ConnectionEntry[], captured: CapturedConnection[]): string {
  const seen = captured.map(({ pid, transmit, receive }) => ({
    pid,
    sent: { ...digestOf(transmit), missing: transmit.missingBytes },
    received: { ...digestOf(receive), missing: receive.missingBytes },
  }))
  return JSON.stringify({ expected, captured: seen })
}

/** For the loss test: the server connection whose bytes the captured pieces are part of, or undefined. */
export function findByContent(captured: CapturedConnection, truth: Truth): ConnectionEntry | undefined {
  return truth.connections.find((connection) => {
    const { received, sent } = rawBytes.get(connection)!
    return isAtOffsets(captured.transmit.pieces, received) && isAtOffsets(captured.receive.pieces, sent)
  })
}

/** The processes that made a workload's calls: curl is one per call, the others make all calls themselves. */
export function pidsOf(reports: readonly Report[]): number[] {
  return reports.flatMap(({ pid, calls }) => calls.map((call) => call.pid ?? pid))
}

/**
 * Exactly one span per exchange of an AI API, of the right process, whole. `pids` are the processes that made the calls.
 * Spans of the server's own process do not exist either: it answers, it asks nobody.
 */
export function expectOneSpanEach(
  { truth, spans, ports }: Observation,
  pids: readonly number[],
  expected: { errorType?: string } = {},
): void {
  const calls = truth.exchanges.filter(({ method, path }) => method === 'POST' && path.startsWith('/v1/'))
  // Another sensor on this machine makes a self-check of its own, which is none of ours.
  const ours = spans.filter(({ attributes }) => ports.includes(Number(attributes['server.port'])))
  const summaries = ours.map(({ attributes, resource }) => ({
    requestId: attributes['oisp.request_id'],
    responseId: attributes['gen_ai.response.id'],
    completeness: attributes['oisp.capture.completeness'],
    errorType: attributes['error.type'],
    isRightProcess: pids.includes(Number(resource['process.pid'])),
  }))
  const wanted = calls.map(({ requestId, responseId }) => ({
    requestId,
    responseId,
    completeness: 'complete',
    errorType: expected.errorType,
    isRightProcess: true,
  }))
  expect(summaries.sort(byRequestId)).toEqual(wanted.sort(byRequestId))
}

function byRequestId(a: { requestId?: unknown }, b: { requestId?: unknown }): number {
  return String(a.requestId).localeCompare(String(b.requestId))
}
