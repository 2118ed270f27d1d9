// SPDX-License-Identifier: Apache-2.0
/**
 * What the Collector's file exporter wrote: OTLP/JSON lines. In: a folder with a file per signal. Out: the requests, their items and
 * ids. A line that a kill cut off is no request: the sender got no answer to it.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Signal } from '../../../src/exporter/types.js'
import type { AnyValue, DecodedOtlp } from '../../support/conformance.js'

export interface Written {
  requests: DecodedOtlp[]
  /** Of every span and of every log record, in the order of arrival. */
  spanIds: string[]
  logSpanIds: string[]
  items: Record<Signal, number>
}

export function readWritten(folder: string): Written {
  const requests = (['traces', 'logs', 'metrics'] as const).flatMap((signal) =>
    readLines(join(folder, `${signal}.jsonl`)),
  )
  const spans = flatSpans({ requests })
  const logRecords = requests
    .flatMap(({ resourceLogs = [] }) => resourceLogs)
    .flatMap(({ scopeLogs = [] }) => scopeLogs)
    .flatMap((scope) => scope.logRecords ?? [])
  // The Collector's data model has no absent value: it writes an absent body as an empty one.
  for (const record of logRecords) if (JSON.stringify(record.body) === '{}') delete record.body
  const points = requests
    .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
    .flatMap(({ scopeMetrics = [] }) => scopeMetrics)
    .flatMap(({ metrics = [] }) => metrics)
    .flatMap(({ sum, histogram }) => (sum ?? histogram)?.dataPoints ?? [])
  return {
    requests,
    spanIds: spans.map(({ spanId }) => spanId),
    logSpanIds: logRecords.map(({ spanId }) => spanId!),
    items: { traces: spans.length, logs: logRecords.length, metrics: points.length },
  }
}

export interface FlatSpan {
  name: string
  spanId: string
  attributes: Map<string, AnyValue>
}

export function flatSpans({ requests }: Pick<Written, 'requests'>): FlatSpan[] {
  return requests
    .flatMap(({ resourceSpans = [] }) => resourceSpans)
    .flatMap(({ scopeSpans = [] }) => scopeSpans)
    .flatMap(({ spans = [] }) => spans)
    .map(({ name, spanId, attributes = [] }) => ({
      name: name!,
      spanId: spanId!,
      attributes: new Map(attributes.map(({ key, value }) => [key, value ?? {}])),
    }))
}

/**
 * After a kill the next request may stand directly behind a cut one, or behind a whole one without its end. Inside a JSON text these
 * characters cannot stand: its quotes are escaped.
 */
const BORDER = /\n|(?=\{"resource(?:Spans|Logs|Metrics)":)/

function readLines(path: string): DecodedOtlp[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split(BORDER)
  return lines.filter((line) => line !== '').flatMap(parseLine)
}

function parseLine(line: string): DecodedOtlp[] {
  try {
    return [JSON.parse(line) as DecodedOtlp]
  } catch {
    return []
  }
}
