// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createMemoryLog,
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
} from '../../test/support/collector-telemetry.js'
import { messageType, type PlainObject } from '../../test/support/otlp-sink.js'
import { createStats } from '../stats.js'
import { createExporter } from './exporter.js'
import { createFileSink } from './file-sink.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-file-sink-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function setUp(path = join(folder, 'out.jsonl'), queueBytes?: number) {
  const stats = createStats()
  const log = createMemoryLog()
  const sink = createFileSink({ path, stats, log, ...(queueBytes === undefined ? {} : { queueBytes }) })
  return { path, stats, log, exporter: createExporter({ sinks: [sink] }) }
}

describe('createFileSink', () => {
  it('writes one signal per line, which the protobuf schema reads back', async () => {
    const { exporter, path, stats } = setUp()
    for (let round = 0; round < 2; round++)
      exporter.consume(
        makeTelemetry({
          spans: [makeSpan(), makeSpan()],
          logRecords: [makeLogRecord()],
          metrics: makeMetrics(),
        }),
      )
    exporter.end()
    expect(await exporter.shutdown(5_000)).toEqual({ unsentItems: 0 })
    const text = readFileSync(path, 'utf8')
    expect(text.endsWith('}\n')).toBe(true)
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PlainObject)
    expect(lines.map((line) => Object.keys(line)[0])).toEqual([
      'resourceSpans',
      'resourceLogs',
      'resourceMetrics',
      'resourceSpans',
      'resourceLogs',
      'resourceMetrics',
    ])
    const [spans] = lines.map((line) => messageType('traces', 'Request').fromObject(line).toJSON())
    const [span] = spans!.resourceSpans[0].scopeSpans[0].spans
    expect(span).toMatchObject({ startTimeUnixNano: '1700000000123456789', name: 'chat gpt-4o-mini' })
    expect(JSON.stringify(lines[0])).toContain('"traceId":"0102030405060708090a0b0c0d0e0f10"')
    expect(stats.get('exporter.items.exported', 'file')).toBe(2 * (2 + 1 + 2))
  })

  it('makes a file for its owner alone, and never writes through what is there', () => {
    const { path } = setUp()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(() => setUp(path)).toThrow(
      expect.objectContaining({ code: 'ERR_EXPORTER_OUTPUT_EXISTS', exitCode: 2 }),
    )
    const target = join(folder, 'target')
    writeFileSync(target, 'mine')
    symlinkSync(target, join(folder, 'link'))
    expect(() => setUp(join(folder, 'link'))).toThrow('is there already')
    expect(readFileSync(target, 'utf8')).toBe('mine')
  })

  it('says what to do when the folder is missing', () => {
    expect(() => setUp(join(folder, 'no', 'such'))).toThrow(
      expect.objectContaining({ code: 'ERR_EXPORTER_OUTPUT' }),
    )
  })

  it('is bounded: what does not fit the buffer is dropped and counted', async () => {
    const { exporter, stats, path } = setUp(undefined, 5_000)
    for (let index = 0; index < 10; index++) exporter.consume(makeTelemetry({ spans: [makeSpan()] }))
    await exporter.shutdown(5_000)
    const written = readFileSync(path, 'utf8').trimEnd().split('\n').length
    expect(written).toBeLessThan(10)
    expect(stats.get('exporter.items.exported', 'file')).toBe(written)
    expect(stats.get('exporter.items.dropped', 'queue_full')).toBe(10 - written)
    exporter.consume(makeTelemetry({ spans: [makeSpan()] }))
    expect(stats.get('exporter.items.dropped', 'shutdown')).toBe(1)
  })
})
