// SPDX-License-Identifier: Apache-2.0
/**
 * Law: with any one record missing nothing throws, and an exchange that says `complete` says exactly what it says when nothing
 * is missing.
 */
import { describe, expect, it } from 'vitest'
import { asText, play, readCapture, scenarios, type Capture } from './support/scenario.js'
import type { Span } from '../src/run/types.js'

const isComplete = (span: Span): boolean => span.attributes['oisp.capture.completeness'] === 'complete'

function without({ header, records }: Capture, index: number): Capture {
  return { header, records: records.filter((_, at) => at !== index) }
}

describe('loss', () => {
  it.each(scenarios)('%s', (name) => {
    const capture = readCapture(name)
    const whole = new Map(play(capture, 'full').spans.map((span) => [span.spanContext.spanId, asText(span)]))
    capture.records.forEach((record, index) => {
      const { spans, budgetUsedBytes } = play(without(capture, index), 'full')
      const lies = spans
        .filter(isComplete)
        .filter((span) => whole.get(span.spanContext.spanId) !== asText(span))
        .map((span) => asText(span))
      expect(lies, `without record ${index} (${record.kind})`).toEqual([])
      expect(budgetUsedBytes).toBe(0)
    })
  })

  it('shows the loss: a missing piece of a body never leaves the exchange complete, or the exchange out uncounted', () => {
    let damaged = 0
    for (const name of scenarios) {
      const capture = readCapture(name)
      const spansOf = (of: Capture): number => play(of).spans.filter(isComplete).length
      const before = spansOf(capture)
      const clients = new Set(play(capture).spans.length > 0 ? clientConnections(capture) : [])
      capture.records.forEach((record, index) => {
        if (record.kind !== 'data' || !clients.has(keyOf(record.connection))) return
        if (spansOf(without(capture, index)) < before) damaged++
      })
    }
    expect(damaged).toBeGreaterThan(100)
  })
})

const keyOf = (id: { pid: number; ssl: bigint; generation: bigint }): string =>
  `${id.pid}:${id.ssl}:${id.generation}`

/** Connections on which the process wrote first: clients. */
function clientConnections({ records }: Capture): string[] {
  const first = new Map<string, string>()
  for (const record of records) {
    if (record.kind !== 'data') continue
    const key = keyOf(record.connection)
    if (!first.has(key)) first.set(key, record.direction)
  }
  return [...first].filter(([, direction]) => direction === 'transmit').map(([key]) => key)
}
