// SPDX-License-Identifier: Apache-2.0
/** What is cut in two is the same telemetry. */
import { describe, expect, it } from 'vitest'
import {
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
} from '../../test/support/collector-telemetry.js'
import { canonical } from '../../test/support/otlp-sink.js'
import { toOtlp } from './convert.js'
import { encodeHead, encodeLogRecord, encodeMetric, encodeSpan } from './encode.js'
import { encodeRequest } from './request.js'
import { splitRequest } from './split.js'
import type { Signal } from './types.js'

function encode(signal: Signal): Uint8Array {
  const records = ['a', 'b', 'c'].flatMap((name) => {
    const otlp = toOtlp(
      makeTelemetry({
        resource: { attributes: { 'service.name': name }, schemaUrl: `https://example.test/${name}` },
        spans: [makeSpan(), makeSpan()],
        logRecords: [makeLogRecord()],
        metrics: makeMetrics(),
      }),
    )
    const bodies = {
      traces: otlp.spans.map(encodeSpan),
      logs: otlp.logRecords.map(encodeLogRecord),
      metrics: otlp.metrics.map(encodeMetric),
    }[signal]
    const head = encodeHead(otlp)
    return bodies.map((body) => ({ head, body }))
  })
  return encodeRequest(records)
}

/** Every item with its resource, whichever request it came in. */
const flatten = (signal: Signal, bodies: Uint8Array[]): unknown[] =>
  bodies
    .flatMap((body) => canonical([{ signal, body }])[signal])
    .flatMap(({ items, ...around }) => items.map((item: unknown) => ({ ...around, item })))

describe('a request cut in two', () => {
  it.each([
    ['traces', 6],
    ['logs', 3],
    ['metrics', 6],
  ] as const)('has the same %s as before, %i items', (signal, items) => {
    const whole = encode(signal)
    const halves = splitRequest(signal, whole)!
    expect(halves[0].items + halves[1].items).toBe(items)
    for (const half of halves) expect(half.body.length).toBeLessThan(0.75 * whole.length)
    expect(
      flatten(
        signal,
        halves.map(({ body }) => body),
      ),
    ).toEqual(flatten(signal, [whole]))
  })

  it('cannot be one record', () => {
    const otlp = toOtlp(makeTelemetry({ spans: [makeSpan()] }))
    const body = encodeRequest([{ head: encodeHead(otlp), body: encodeSpan(otlp.spans[0]!) }])
    expect(splitRequest('traces', body)).toBeUndefined()
  })

  it('cuts beside the one record that outweighs all others', () => {
    const otlp = toOtlp(
      makeTelemetry({
        spans: [makeSpan(), makeSpan(), makeSpan({ attributes: { text: 'x'.repeat(10_000) } })],
      }),
    )
    const head = encodeHead(otlp)
    const halves = splitRequest(
      'traces',
      encodeRequest(otlp.spans.map((span) => ({ head, body: encodeSpan(span) }))),
    )!
    expect(halves.map(({ items }) => items)).toEqual([2, 1])
  })
})
