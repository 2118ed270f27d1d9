// SPDX-License-Identifier: Apache-2.0
/** What waits when message content may leave no more. Replacing in general: test/config/reload.test.ts. */
import { afterEach, describe, expect, it } from 'vitest'
import { startHttpCollector, type Collector } from '../../test/support/collector.js'
import { makeSpan, makeTelemetry } from '../../test/support/collector-telemetry.js'
import { parseConfig, type Config } from '../config/index.js'
import { createStats } from '../stats.js'
import { createExporterSlot } from './exporter-slot.js'

const collectors: Collector[] = []
afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.stop()))
})

async function start(): Promise<Collector> {
  const collector = await startHttpCollector()
  collectors.push(collector)
  return collector
}

function configFor(url: string, redactionMode: Config['redactionMode']): Config {
  const flags = {
    export: 'otlp',
    otlpEndpoint: url,
    flushInterval: '0',
    exportConcurrency: '1',
    redactionMode,
  }
  return parseConfig({ flags, env: {}, userId: 1000, isTerminal: false })
}

const SAID = 'a prompt of the time before'
const withPrompt = makeTelemetry({ spans: [makeSpan({ attributes: { 'gen_ai.input.messages': SAID } })] })
const without = makeTelemetry({ spans: [makeSpan()] })

async function setUp(mode: Config['redactionMode']) {
  const [first, second] = [await start(), await start()]
  first.answer(...Array.from({ length: 100 }, () => ({ status: 503, headers: { 'retry-after': '60' } })))
  const stats = createStats()
  const lines: string[] = []
  const say = (text: string): void => void lines.push(text)
  const log = { error: say, warn: say, info: say, debug: say }
  const slot = createExporterSlot({ config: configFor(first.url, mode), version: '0', stats, log })
  slot.consume(withPrompt)
  await first.received(1)
  for (let count = 0; count < 5; count++) slot.consume(withPrompt)
  return { slot, stats, lines, second }
}

const spansAt = (collector: Collector): unknown[] => collector.read().traces.flatMap(({ items }) => items)

describe('an exporter that is replaced', () => {
  it('drops and counts what waits when redaction becomes safe', async () => {
    const { slot, stats, lines, second } = await setUp('full')
    slot.replace(configFor(second.url, 'safe'))
    slot.consume(without)
    await second.received(1)
    await slot.shutdown(5_000)
    expect(second.requests.some(({ body }) => Buffer.from(body).includes(SAID))).toBe(false)
    expect(spansAt(second)).toHaveLength(1)
    expect(stats.get('exporter.items.dropped', 'redaction_changed')).toBe(6)
    expect(lines.filter((line) => line.startsWith('redaction is safe again: 6 items'))).toHaveLength(1)
  })

  it('forgets as well what an exporter replaced earlier still holds', async () => {
    const { slot, stats, second } = await setUp('full')
    slot.replace(configFor('http://127.0.0.1:9', 'full'))
    slot.replace(configFor(second.url, 'safe'))
    slot.consume(without)
    await second.received(1)
    await slot.shutdown(5_000)
    expect(spansAt(second)).toHaveLength(1)
    expect(stats.get('exporter.items.dropped', 'redaction_changed')).toBe(6)
  })

  it('hands everything over when nothing was full', async () => {
    const { slot, stats, second } = await setUp('safe')
    slot.replace(configFor(second.url, 'safe'))
    await second.received(1)
    await slot.shutdown(5_000)
    expect(spansAt(second)).toHaveLength(6)
    expect(stats.get('exporter.items.dropped')).toBe(0)
  })
})
