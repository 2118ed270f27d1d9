// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { spans } from '../../test/support/collector-exporter.js'
import { parseConfig } from '../config/index.js'
import { createStats } from '../stats.js'
import { createExporterSlot } from './exporter-slot.js'

it('bounds all that waits, in the queue or on its way there, and keeps room for what the sensor says of itself', async () => {
  const flags = { otlpEndpoint: 'http://127.0.0.1:1' }
  const parsed = parseConfig({ flags, env: { HOME: '/home/u' }, userId: 1000, isTerminal: false })
  const say = (): void => {}
  const stats = createStats()
  const slot = createExporterSlot({
    config: { ...parsed, hasConsole: false, queueBytes: 100_000 },
    version: '0',
    stats,
    log: { error: say, warn: say, info: say, debug: say },
  })
  for (let round = 0; round < 60; round++) {
    slot.consume(spans(1, 'x'.repeat(5_000)))
    if (round < 30) slot.end()
  }
  const { queueBytes } = slot.readHealth()[0]!
  expect(queueBytes).toBeGreaterThan(80_000)
  expect(queueBytes).toBeLessThanOrEqual((100_000 * 15) / 16)
  await slot.shutdown(0)
  expect(stats.get('exporter.items.dropped')).toBe(60)
})
