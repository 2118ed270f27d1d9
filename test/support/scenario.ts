// SPDX-License-Identifier: Apache-2.0
/**
 * A scenario's recording through the real pipeline, as often and as damaged as a law wants it. In: a folder of test/scenarios.
 * Out: what left redaction, or what a collector would have received.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createExporter } from '../../src/exporter/index.js'
import { createPipeline, type PipelineSettings } from '../../src/pipeline.js'
import {
  decodeBatch,
  openRecording,
  type CaptureRecord,
  type RecordingHeader,
} from '../../src/receiver/index.js'
import type { RedactionMode } from '../../src/redaction/types.js'
import type { LogRecord, Span, Telemetry } from '../../src/run/types.js'
import { createBudget, createStats, type Budget, type Stats } from '../../src/stats.js'
import { createMemoryCollector, type CanonicalOtlp, type SentRequest } from './otlp-sink.js'

const FOLDER = resolve(import.meta.dirname, '../scenarios')

/** What the tests use instead of a secret: the hashes in the goldens depend on it. */
export const TEST_KEY = Buffer.alloc(32, 7)

export interface Capture {
  header: RecordingHeader
  records: CaptureRecord[]
}

export const goldenPath = (name: string): string => join(FOLDER, name, 'expected.otlp.json')
export const capturePath = (name: string): string => join(FOLDER, name, 'capture.rec')

export const scenarios: readonly string[] = readdirSync(FOLDER)
  .filter((name) => existsSync(capturePath(name)))
  .sort()

export function readCapture(name: string): Capture {
  const recording = openRecording(capturePath(name))
  const records: CaptureRecord[] = []
  const { boottimeToUnixNano } = recording.header
  const damaged = recording.read((batch) =>
    decodeBatch(batch, { boottimeToUnixNano }, (record) => {
      if (record.kind !== 'mapping' && record.kind !== 'duplicate') records.push(record)
    }),
  )
  recording.close()
  if (damaged > 0 || !recording.isComplete) throw new Error(`${name}/capture.rec is damaged: record it again`)
  return { header: recording.header, records }
}

function settingsFor(
  header: RecordingHeader,
  mode: RedactionMode,
  stats: Stats,
  budget: Budget,
): PipelineSettings {
  return {
    stats,
    budget,
    boottimeToUnixNano: header.boottimeToUnixNano,
    bootId: header.bootId,
    key: TEST_KEY,
    redactionMode: mode,
    profile: 'genai-dev-1.42+aliases',
    traceparent: 'link',
    metricIntervalMs: 60_000,
    maxBodyBytes: 64 * 1024 * 1024,
    version: '0.0.0',
    resource: {
      attributes: { 'service.name': 'oisp-sensor', 'service.version': '0.0.0' },
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
    },
  }
}

export interface Outcome {
  spans: Span[]
  logRecords: LogRecord[]
  stats: Stats
  /** Must be 0: everything reserved was released. */
  budgetUsedBytes: number
}

/** Synchronous, up to and including redaction. */
export function play({ header, records }: Capture, mode: RedactionMode = 'safe'): Outcome {
  const stats = createStats()
  const budget = createBudget()
  const spans: Span[] = []
  const logRecords: LogRecord[] = []
  const consume = (telemetry: Telemetry): void => {
    spans.push(...telemetry.spans)
    logRecords.push(...telemetry.logRecords)
  }
  const sink = { consume, tick: () => undefined, end: () => undefined }
  feed(createPipeline(settingsFor(header, mode, stats, budget), sink), records)
  return { spans, logRecords, stats, budgetUsedBytes: budget.usedBytes }
}

export interface Exported {
  otlp: CanonicalOtlp
  requests: SentRequest[]
}

/** Through the real exporter: what a collector received, decoded from the wire. */
export async function playToCollector(capture: Capture, mode: RedactionMode = 'safe'): Promise<Exported> {
  const stats = createStats()
  const collector = createMemoryCollector(stats)
  const exporter = createExporter({ sinks: [collector.sink] })
  feed(createPipeline(settingsFor(capture.header, mode, stats, createBudget()), exporter), capture.records)
  await exporter.shutdown(5_000)
  return { otlp: collector.read(), requests: collector.requests }
}

function feed(pipeline: ReturnType<typeof createPipeline>, records: readonly CaptureRecord[]): void {
  let latest = 0n
  for (const record of records) {
    pipeline.consume(record)
    if (record.timeUnixNano > latest) pipeline.tick((latest = record.timeUnixNano))
  }
  pipeline.end()
}

/** The same capture with every data record cut into pieces whose lengths `next` chooses. */
export function rechunk({ header, records }: Capture, next: () => number): Capture {
  const out: CaptureRecord[] = []
  for (const record of records) {
    if (record.kind !== 'data') {
      out.push(record)
      continue
    }
    for (let at = 0; at < record.bytes.length;) {
      const length = Math.max(1, next())
      out.push({ ...record, offset: record.offset + at, bytes: record.bytes.subarray(at, at + length) })
      at += length
    }
  }
  return { header, records: out }
}

/** Deterministic: xorshift32. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** JSON with bigints, for comparing spans by value. */
export const asText = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item))
