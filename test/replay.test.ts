// SPDX-License-Identifier: Apache-2.0
/** Every scenario: recording → pipeline → exporter → what a collector decoded = the golden. `npm run golden` rewrites them. */
import { describe, expect, it } from 'vitest'
import { goldenPath, play, playToCollector, readCapture, scenarios } from './support/scenario.js'

describe('replay', () => {
  it('finds the scenarios', () => expect(scenarios.length).toBeGreaterThanOrEqual(20))

  it.each(scenarios)('%s gives its golden telemetry', async (name) => {
    const { otlp } = await playToCollector(readCapture(name))
    await expect(`${JSON.stringify(otlp, undefined, 2)}\n`).toMatchFileSnapshot(goldenPath(name))
  })

  it.each(scenarios)(
    '%s gives each exchange one span and one log record, and gives all memory back',
    (name) => {
      const { spans, logRecords, budgetUsedBytes } = play(readCapture(name))
      expect(spans.length).toBeGreaterThan(0)
      expect(logRecords.map(({ spanContext }) => spanContext?.spanId)).toEqual(
        spans.map((span) => span.spanContext.spanId),
      )
      expect(new Set(spans.map((span) => span.spanContext.spanId)).size).toBe(spans.length)
      expect(budgetUsedBytes).toBe(0)
    },
  )
})
