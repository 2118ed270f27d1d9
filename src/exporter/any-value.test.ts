// SPDX-License-Identifier: Apache-2.0
/** The wire type of every attribute value, read from what would be sent. */
import { describe, expect, it } from 'vitest'
import { makeLogRecord, makeSpan, makeTelemetry } from '../../test/support/collector-telemetry.js'
import { createMemoryCollector, type CanonicalOtlp, type PlainObject } from '../../test/support/otlp-sink.js'
import type { Redacted } from '../redaction/types.js'
import type { Attributes, Telemetry } from '../run/types.js'
import { createStats } from '../stats.js'
import { createExporter } from './exporter.js'

function send(telemetry: Redacted<Telemetry>): CanonicalOtlp {
  const collector = createMemoryCollector(createStats())
  const exporter = createExporter({ sinks: [collector.sink] })
  exporter.consume(telemetry)
  exporter.end()
  return collector.read()
}

function onlySpan(attributes: Attributes): PlainObject {
  const { traces } = send(makeTelemetry({ spans: [makeSpan({ attributes })] }))
  return traces[0]!.items[0]!.attributes as PlainObject
}

function onlyLogRecord(attributes: Attributes): PlainObject {
  const { logs } = send(makeTelemetry({ logRecords: [makeLogRecord({ attributes })] }))
  return logs[0]!.items[0]!.attributes as PlainObject
}

describe('attribute values', () => {
  it('types numbers by the conventions, not by their value', () => {
    const read = onlySpan({
      'gen_ai.request.temperature': 1,
      'gen_ai.request.max_tokens': 100,
      'made.up': 3,
      'made.up.too': 3.5,
    })
    expect(read).toEqual({
      'gen_ai.request.temperature': { doubleValue: 1 },
      'gen_ai.request.max_tokens': { intValue: '100' },
      'made.up': { intValue: '3' },
      'made.up.too': { doubleValue: 3.5 },
    })
  })

  it('writes structured values as JSON text on spans and as maps on log records', () => {
    const attributes = {
      'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'hi', n: null }] }],
    }
    expect(onlySpan(attributes)).toEqual({
      'gen_ai.input.messages': {
        stringValue: '[{"role":"user","parts":[{"type":"text","content":"hi","n":null}]}]',
      },
    })
    const message = onlyLogRecord(attributes)['gen_ai.input.messages']
    expect(JSON.stringify(message)).toContain(
      '{"key":"content","value":{"stringValue":"hi"}},{"key":"n","value":{}}',
    )
  })

  it('keeps 64-bit integers exact and says larger ones as text', () => {
    expect(onlySpan({ min: -(2n ** 63n), max: 2n ** 63n - 1n, over: 2n ** 63n })).toEqual({
      min: { intValue: '-9223372036854775808' },
      max: { intValue: '9223372036854775807' },
      over: { stringValue: '9223372036854775808' },
    })
  })

  it('never writes invalid UTF-8, short or long', () => {
    const long = 'ä'.repeat(500)
    expect(onlySpan({ short: 'a\ud800b', long: `${long}\udfff`, pair: '😀' })).toEqual({
      short: { stringValue: 'a\ufffdb' },
      long: { stringValue: `${long}\ufffd` },
      pair: { stringValue: '😀' },
    })
  })

  it('nests no deeper than receivers read, whatever a body held', () => {
    let deep: Attributes[string] = 'bottom'
    for (let level = 0; level < 10_000; level++) deep = { down: deep }
    const attributes = onlyLogRecord({ deep })
    expect(JSON.stringify(attributes).match(/kvlistValue/g)).toHaveLength(28)
    expect(onlySpan({ deep })).toEqual({ deep: { stringValue: '"[nested too deep]"' } })
  })
})
