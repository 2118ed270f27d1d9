// SPDX-License-Identifier: Apache-2.0
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TRUST } from '../../test/support/collector.js'
import { createFakeClock } from '../../test/support/collector-clock.js'
import { createMemoryLog, makeDestination } from '../../test/support/collector-telemetry.js'
import { createStats } from '../stats.js'
import { MAX_WAITING_LOG_RECORDS, OwnLogExporter, type OfficialOptions } from './own-log-exporter.js'
import { TLS_CHECK_MS } from './tls-files.js'
import type { OtlpSettings } from './types.js'

const UNAVAILABLE = Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'connection refused' })
const record = {} as ReadableLogRecord

function setUp(url = 'http://collector.test:4317', change: Partial<OtlpSettings> = {}) {
  const log = createMemoryLog()
  const stats = createStats()
  const clock = createFakeClock()
  const made: OfficialOptions[] = []
  const failures: Error[] = []
  let attempts = 0
  const official: LogRecordExporter = {
    export(_records, done) {
      attempts += 1
      const error = failures.shift()
      done(error === undefined ? { code: 0 } : { code: 1, error })
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const exporter = new OwnLogExporter({
    destination: makeDestination(url, { signal: 'logs', protocol: 'grpc', ...change }),
    stats,
    log,
    version: '1.2.3',
    clock,
    random: () => 1,
    createOfficial(options) {
      made.push(options)
      return official
    },
  })
  const send = (count: number): Promise<number> => {
    for (let index = 0; index < count; index++) expect(exporter.admit()).toBe(true)
    const records = new Array<ReadableLogRecord>(count).fill(record)
    return new Promise((resolve) => exporter.export(records, ({ code }) => resolve(code)))
  }
  return { exporter, log, stats, clock, made, failures, send, attempts: () => attempts }
}

describe('OwnLogExporter', () => {
  it('sends again, with growing pauses, until the receiver is back; and says it in two lines', async () => {
    const { log, stats, clock, failures, send, attempts } = setUp()
    failures.push(...new Array<Error>(5).fill(UNAVAILABLE))
    const done = send(3)
    for (const pause of [1000, 2000, 4000, 8000, 16_000]) {
      expect(await clock.untilTimer(() => true)).toBe(pause)
      clock.advance(pause)
    }
    expect(await done).toBe(0)
    expect(attempts()).toBe(6)
    expect(stats.snapshot()).toEqual([{ name: 'own_logs.exported', reason: 'otlp', count: 3 }])
    expect(log.lines).toHaveLength(2)
    expect(log.lines[0]).toMatch(/^warn own log: .*retrying$/)
    expect(log.lines[1]).toBe('info own log: export works again')
  })

  it('holds so many lines and counts the rest', () => {
    const { exporter, stats, log } = setUp()
    for (let index = 0; index < MAX_WAITING_LOG_RECORDS + 10; index++) exporter.admit()
    expect(stats.get('own_logs.dropped', 'queue_full')).toBe(10)
    expect(log.lines).toHaveLength(1)
  })

  it('has room again after a success', async () => {
    const { exporter, send } = setUp()
    await send(MAX_WAITING_LOG_RECORDS)
    expect(exporter.admit()).toBe(true)
  })

  it('gives up a pause at the end, and the batch after one more attempt', async () => {
    const { exporter, stats, clock, failures, send, attempts } = setUp()
    failures.push(UNAVAILABLE, UNAVAILABLE)
    const done = send(2)
    await clock.untilTimer(() => true)
    exporter.end()
    expect(await done).toBe(0)
    expect(attempts()).toBe(2)
    expect(stats.snapshot()).toEqual([{ name: 'own_logs.dropped', reason: 'shutdown', count: 2 }])
  })

  it('counts every line once when the deadline comes first', async () => {
    const { exporter, stats, clock, failures, send } = setUp()
    failures.push(UNAVAILABLE)
    const done = send(2)
    await clock.untilTimer(() => true)
    exporter.abandon()
    exporter.end()
    await done
    expect(stats.snapshot()).toEqual([{ name: 'own_logs.dropped', reason: 'shutdown', count: 2 }])
  })

  it('takes a fault of the package for a lost batch, not for the end', async () => {
    const { stats, failures, send } = setUp()
    failures.push(new Error('Concurrent export limit reached'))
    await send(1)
    await send(1)
    expect(stats.get('own_logs.dropped', 'rejected')).toBe(1)
    expect(stats.get('own_logs.exported')).toBe(1)
  })

  it('makes another official exporter when the TLS files were replaced: that one reads them once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oisp-own-log-'))
    try {
      const caFile = join(folder, 'ca.pem')
      copyFileSync(TRUST.caFile, caFile)
      const tls = { ...TRUST, caFile }
      const { made, send, clock } = setUp('https://collector.test:4317', { tls })
      await send(1)
      await send(1)
      expect(made).toHaveLength(1)
      rmSync(caFile)
      copyFileSync(TRUST.caFile, caFile)
      clock.advance(TLS_CHECK_MS)
      await send(1)
      expect(made).toHaveLength(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    ['http://collector.test:4317', 'http://collector.test:4317'],
    ['https://collector.test', 'https://collector.test'],
    ['http://collector.test', 'grpc://collector.test:80'],
    ['https://[::1]:4317/x?token=secret', 'https://[::1]:4317'],
  ])('leads the official exporter from %s to %s', async (url, expected) => {
    const { made, send } = setUp(url)
    await send(1)
    expect(made.map((options) => options.url)).toEqual([expected])
  })
})
