// SPDX-License-Identifier: Apache-2.0
/**
 * The exporter is replaced while telemetry flows: every item arrives at one of the two receivers, and the counters say so.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { createExporterSlot } from '../../src/commands/exporter-slot.js'
import { parseConfig, type Config } from '../../src/config/index.js'
import { createPipeline } from '../../src/pipeline.js'
import { createBudget, createStats } from '../../src/stats.js'
import { startHttpCollector, type Collector } from '../support/collector.js'
import { makeLogRecord, makeMetrics, makeSpan, makeTelemetry } from '../support/collector-telemetry.js'
import { readCapture, TEST_KEY } from '../support/scenario.js'

const collectors: Collector[] = []
afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.stop()))
})

async function start(): Promise<Collector> {
  const collector = await startHttpCollector()
  collectors.push(collector)
  return collector
}

function configFor(url: string): Config {
  const flags = { export: 'otlp', otlpEndpoint: url, flushInterval: '0', exportConcurrency: '1' }
  return parseConfig({ flags, env: {}, userId: 1000, isTerminal: false })
}

function setUp(url: string) {
  const stats = createStats()
  const lines: string[] = []
  const say = (text: string): void => void lines.push(text)
  const log = { error: say, warn: say, info: say, debug: say }
  const slot = createExporterSlot({ config: configFor(url), version: '0', stats, log })
  const exported = (): number => stats.get('exporter.items.exported')
  const dropped = (): number => stats.get('exporter.items.dropped')
  return { slot, stats, lines, exported, dropped }
}

function makeItems() {
  return makeTelemetry({ spans: [makeSpan()], logRecords: [makeLogRecord()], metrics: makeMetrics() })
}

const spansAt = ({ requests }: Collector): number =>
  requests.filter(({ signal }) => signal === 'traces').length

describe('replacing the exporter', () => {
  it('sends what comes afterwards to the new receiver', async () => {
    const [first, second] = [await start(), await start()]
    const { slot, exported, dropped } = setUp(first.url)
    slot.consume(makeItems())
    await first.received(3)
    slot.replace(configFor(second.url))
    slot.consume(makeItems())
    await second.received(3)
    await slot.shutdown(5_000)
    expect([spansAt(first), spansAt(second)]).toEqual([1, 1])
    expect([exported() > 0, dropped()]).toEqual([true, 0])
  })

  it('hands over what waits for a receiver that is gone', async () => {
    const [first, second] = [await start(), await start()]
    first.answer(...Array.from({ length: 100 }, () => ({ status: 503, headers: { 'retry-after': '60' } })))
    const { slot, exported, dropped } = setUp(first.url)
    slot.consume(makeItems())
    await first.received(3)
    for (let count = 0; count < 20; count++) slot.consume(makeItems())
    slot.replace(configFor(second.url))
    await second.received(3)
    const report = await slot.shutdown(5_000)
    expect(report.unsentItems).toBe(0)
    expect(dropped()).toBe(0)
    expect(exported()).toBe(21 * itemsOf(makeItems()))
    expect(second.read().traces.flatMap(({ items }) => items).length).toBe(21)
  })

  it('lets a request under way end where it is', async () => {
    const [first, second] = [await start(), await start()]
    const { slot, dropped } = setUp(first.url)
    slot.consume(makeItems())
    slot.replace(configFor(second.url))
    const report = await slot.shutdown(5_000)
    expect([report.unsentItems, dropped()]).toEqual([0, 0])
    expect(spansAt(first) + spansAt(second)).toBe(1)
  })

  it('counts what neither takes', async () => {
    const { slot, exported, dropped } = setUp('http://127.0.0.1:9')
    slot.consume(makeItems())
    slot.replace(configFor('http://127.0.0.1:9'))
    slot.consume(makeItems())
    await slot.shutdown(200)
    expect([exported(), dropped()]).toEqual([0, 2 * itemsOf(makeItems())])
  })
})

describe('switching the redaction mode', () => {
  it('changes whole items: content is in all of one or in nothing of it', () => {
    const { header, records } = readCapture('openai-chat-plain-node')
    const play = (readMode: () => 'safe' | 'full'): boolean[] => {
      const hasContent: boolean[] = []
      const budget = createBudget()
      const pipeline = createPipeline(
        {
          ...header,
          stats: createStats(),
          budget,
          key: TEST_KEY,
          redactionMode: readMode,
          profile: 'genai-dev-1.42',
          traceparent: 'link',
          metricIntervalMs: 60_000,
          maxBodyBytes: 1024 * 1024,
          version: '0',
          resource: { attributes: {}, schemaUrl: '' },
        },
        {
          consume: ({ spans }) =>
            hasContent.push(...spans.map(({ attributes }) => 'gen_ai.input.messages' in attributes)),
          tick() {},
          end() {},
        },
      )
      for (const record of records) pipeline.consume(record)
      pipeline.end()
      return hasContent
    }
    expect(play(() => 'safe')).toEqual([false])
    expect(play(() => 'full')).toEqual([true])
  })
})

function itemsOf({ spans, logRecords, metrics }: ReturnType<typeof makeTelemetry>): number {
  return spans.length + logRecords.length + metrics.reduce((sum, { points }) => sum + points.length, 0)
}
