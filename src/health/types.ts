// SPDX-License-Identifier: Apache-2.0
/**
 * What the sensor says of itself: numbers from the table in semconv/ and sentences that we wrote. There is no field into which
 * a byte of captured traffic could go, so it needs no redaction and is no `Redacted<Telemetry>`: the exporter takes it through a
 * door of its own. Types only.
 * @module
 */

/** Words from closed lists, and numbers. */
export type OwnAttributes = Readonly<Record<string, string | number>>

export interface OwnPoint {
  attributes: OwnAttributes
  value: number
}

export interface OwnMetric {
  name: string
  unit: string
  description: string
  instrument: 'counter' | 'updowncounter' | 'gauge'
  points: OwnPoint[]
}

/** A line of the operational log (src/log.ts). */
export interface OwnLogRecord {
  timeUnixNano: bigint
  severityNumber: number
  severityText: string
  body: string
  attributes: OwnAttributes
}

export interface OwnResource {
  attributes: OwnAttributes
  schemaUrl: string
}

export interface OwnTelemetry {
  resource: OwnResource
  scope: { name: string; version: string; schemaUrl: string }
  /** Since when the sums count: one value for the life of the process. */
  startUnixNano: bigint
  timeUnixNano: bigint
  metrics: OwnMetric[]
  logRecords: OwnLogRecord[]
}

/** One signal's way to its destination. */
export interface LaneHealth {
  signal: 'traces' | 'logs' | 'metrics'
  protocol: 'grpc' | 'http/protobuf'
  serverAddress: string | undefined
  serverPort: number | undefined
  /** The endpoint does not take the signal: nothing is sent any more. */
  isOff?: boolean
  /** Not yet in a request. */
  waitingItems: number
  /** In requests under way, or between two attempts. */
  inFlightItems: number
  exportedItems: number
  droppedItems: ReadonlyMap<string, number>
}

export interface SinkHealth {
  queueBytes: number
  /** Undefined for a queue on disk, which has limits of its own. */
  queueLimitBytes: number | undefined
  lanes: LaneHealth[]
}

/** Of the capture, as the kernel side and the attach decisions stand. Counts never go down. */
export interface CaptureHealth {
  transfers: number
  bytes: number
  probeHits: number
  repeatedCalls: number
  orphanedReturns: number
  attachedFiles: number
  hookedProcesses: number
  blindProcesses: number
}

/** Of the sensor's own process. */
export interface ProcessUsage {
  userCpuMicros: number
  systemCpuMicros: number
  residentBytes: number
  uptimeSeconds: number
}
