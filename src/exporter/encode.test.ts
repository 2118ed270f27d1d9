// SPDX-License-Identifier: Apache-2.0
/** What is on the wire, judged by two readers that share nothing with the encoder: our proto/ and the official serializer. */
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { describe, expect, it } from 'vitest'
import { canonical, decodeRequest, type PlainObject, type SentRequest } from '../../test/support/otlp-sink.js'
import {
  makeLogRecord,
  makeMetrics,
  makeSpan,
  makeTelemetry,
  START,
  TRACE_ID,
} from '../../test/support/collector-telemetry.js'
import type { Redacted } from '../redaction/types.js'
import type { Telemetry } from '../run/types.js'
import { toOtlp } from './convert.js'
import { encodeHead, encodeLogRecord, encodeMetric, encodeSpan } from './encode.js'
import { encodeRequest, headBytes, RECORD_FRAME_BYTES } from './request.js'
import { toJsonLines } from './json.js'
import { toReadableLogRecord, toReadableSpan } from './third-party-sink.js'

function encodeAll(telemetry: Redacted<Telemetry>): SentRequest[] {
  const otlp = toOtlp(telemetry)
  const head = encodeHead(otlp)
  const request = (bodies: Uint8Array[]): Uint8Array => encodeRequest(bodies.map((body) => ({ head, body })))
  return [
    { signal: 'traces', body: request(otlp.spans.map(encodeSpan)) },
    { signal: 'logs', body: request(otlp.logRecords.map(encodeLogRecord)) },
    { signal: 'metrics', body: request(otlp.metrics.map(encodeMetric)) },
  ]
}

describe('encodeSpan', () => {
  it('writes these bytes', () => {
    const span = makeSpan({
      name: 'chat',
      spanContext: { traceId: TRACE_ID, spanId: '1112131415161718', traceFlags: 1 },
      startUnixNano: 1n,
      endUnixNano: 0x0102030405060708n,
      attributes: { a: 'b' },
    })
    const [otlp] = toOtlp(makeTelemetry({ spans: [span] })).spans
    const expected = [
      '0a10 0102030405060708090a0b0c0d0e0f10', // 1 trace_id
      '1208 1112131415161718', // 2 span_id
      '2a04 63686174', // 5 name "chat"
      '3003', // 6 kind CLIENT
      '39 0100000000000000', // 7 start
      '41 0807060504030201', // 8 end
      '4a08 0a0161 12030a0162', // 9 attributes {a: "b"}
      '7a00', // 15 status UNSET
      '85010101 0000', // 16 flags: sampled, parent known to be local
    ]
    expect(Buffer.from(encodeSpan(otlp!)).toString('hex')).toBe(expected.join('').replaceAll(' ', ''))
  })

  it('keeps nanoseconds, links, trace state, remote flags, status and schema URLs', () => {
    const span = makeSpan({
      traceState: 'vendor=1',
      parentSpanContext: { traceId: TRACE_ID, spanId: '00000000000000ff', traceFlags: 1, isRemote: true },
      status: { code: 2, message: 'boom' },
      links: [
        {
          context: {
            traceId: 'ff'.repeat(16),
            spanId: 'ee'.repeat(8),
            traceFlags: 0,
            isRemote: true,
            traceState: 'k=v',
          },
          attributes: { why: 'traceparent' },
        },
      ],
    })
    const [group] = canonical(encodeAll(makeTelemetry({ spans: [span] }))).traces
    expect(group).toMatchObject({
      resourceSchemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
      scopeSchemaUrl: 'https://example.test/genai',
      scope: { name: 'oisp-sensor', version: '0.1.0' },
      resource: { attributes: { 'process.pid': { intValue: '4321' } } },
    })
    expect(group!.items).toEqual([
      expect.objectContaining({
        traceId: TRACE_ID,
        traceState: 'vendor=1',
        parentSpanId: '00000000000000ff',
        startTimeUnixNano: '1700000000123456789',
        endTimeUnixNano: '1700000001357456790',
        kind: 3,
        flags: 0x301,
        status: { code: 2, message: 'boom' },
        links: [
          {
            traceId: 'ff'.repeat(16),
            spanId: 'ee'.repeat(8),
            traceState: 'k=v',
            attributes: { why: { stringValue: 'traceparent' } },
            flags: 0x300,
          },
        ],
      }),
    ])
  })

  it('agrees with the official serializer', () => {
    const telemetry = makeTelemetry({
      spans: [
        makeSpan({
          traceState: 'a=1',
          parentSpanContext: { traceId: TRACE_ID, spanId: '00000000000000ff', traceFlags: 1, isRemote: true },
          status: { code: 2, message: 'é漢😀' },
          links: [
            {
              context: { traceId: TRACE_ID, spanId: 'ee'.repeat(8), traceFlags: 1, isRemote: false },
              attributes: { n: -3 },
            },
          ],
          attributes: {
            s: 'x'.repeat(300),
            i: 12,
            neg: -1,
            big: 2 ** 40,
            d: 0.25,
            b: false,
            list: ['a', ''],
            empty: '',
          },
        }),
      ],
    })
    const resource = resourceFromAttributes(
      { 'service.name': 'app', 'process.pid': 4321, 'process.executable.name': 'node' },
      telemetry.resource,
    )
    const official = ProtobufTraceSerializer.serializeRequest([
      toReadableSpan(telemetry.spans[0]!, resource, telemetry.scope),
    ])
    expect(canonical(encodeAll(telemetry)).traces).toEqual(
      canonical([{ signal: 'traces', body: official! }]).traces,
    )
  })

  it('refuses an id of the wrong size: that is our bug', () => {
    const spanContext = { traceId: 'abc', spanId: 'ee'.repeat(8), traceFlags: 1 }
    expect(() => encodeAll(makeTelemetry({ spans: [makeSpan({ spanContext })] }))).toThrow('16 bytes')
  })
})

describe('encodeLogRecord', () => {
  it('writes event name, both times, severity and context', () => {
    const [group] = canonical(encodeAll(makeTelemetry({ logRecords: [makeLogRecord()] }))).logs
    expect(group!.items).toEqual([
      {
        eventName: 'gen_ai.client.inference.operation.details',
        timeUnixNano: '1700000000123456794',
        observedTimeUnixNano: '1700000000123456795',
        severityNumber: 9,
        severityText: 'INFO',
        traceId: TRACE_ID,
        spanId: '00000000000000aa',
        flags: 1,
        attributes: { 'gen_ai.operation.name': { stringValue: 'chat' } },
      },
    ])
  })

  it('agrees with the official serializer', () => {
    const telemetry = makeTelemetry({
      logRecords: [
        makeLogRecord({ attributes: { nested: { a: [1, 'x', { b: true }] }, n: 5 } }),
        makeLogRecord({ spanContext: undefined }),
      ],
    })
    const resource = resourceFromAttributes(
      { 'service.name': 'app', 'process.pid': 4321, 'process.executable.name': 'node' },
      telemetry.resource,
    )
    const official = ProtobufLogsSerializer.serializeRequest(
      telemetry.logRecords.map((record) => toReadableLogRecord(record, resource, telemetry.scope)),
    )
    expect(canonical(encodeAll(telemetry)).logs).toEqual(
      canonical([{ signal: 'logs', body: official! }]).logs,
    )
  })
})

describe('encodeMetric', () => {
  it('writes cumulative monotonic sums and histograms', () => {
    const [group] = canonical(encodeAll(makeTelemetry({ metrics: makeMetrics() }))).metrics
    const at = { startTimeUnixNano: String(START), timeUnixNano: String(START + 60_000_000_000n) }
    const attributes = { 'gen_ai.operation.name': { stringValue: 'chat' } }
    expect(group!.items).toEqual([
      {
        name: 'gen_ai.client.inference.duration',
        description: 'How long',
        unit: 's',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [
            {
              ...at,
              attributes,
              count: '3',
              sum: 4,
              min: 1,
              max: 2,
              bucketCounts: ['1', '2', '0'],
              explicitBounds: [1, 2.5],
            },
          ],
        },
      },
      {
        name: 'oisp.calls',
        description: 'How many',
        unit: '{call}',
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: [{ ...at, attributes, asInt: '7' }],
        },
      },
    ])
  })
})

describe('encodeRequest', () => {
  it('puts records of equal resources together and keeps others apart', () => {
    const one = toOtlp(makeTelemetry({ spans: [makeSpan(), makeSpan()] }))
    const same = toOtlp(makeTelemetry({ spans: [makeSpan()] }))
    const other = toOtlp(
      makeTelemetry({
        resource: { attributes: { 'service.name': 'b' }, schemaUrl: '' },
        spans: [makeSpan()],
      }),
    )
    const records = [one, other, same].flatMap((otlp) => {
      const head = encodeHead(otlp)
      return otlp.spans.map((span) => ({ head, body: encodeSpan(span) }))
    })
    const body = encodeRequest(records)
    const { resourceSpans } = decodeRequest('traces', body) as { resourceSpans: PlainObject[] }
    expect(resourceSpans).toHaveLength(2)
    expect(
      canonical([{ signal: 'traces', body }])
        .traces.map(({ items }) => items.length)
        .sort(),
    ).toEqual([1, 3])
  })

  it('is never larger than the bound that batches are cut by', () => {
    for (const size of [0, 1, 100, 127, 128, 16_383, 16_384, 70_000, 2_100_000]) {
      const otlp = toOtlp(makeTelemetry({ spans: [makeSpan({ attributes: { text: 'ä'.repeat(size) } })] }))
      const head = encodeHead(otlp)
      const body = encodeSpan(otlp.spans[0]!)
      const bound = headBytes(head) + RECORD_FRAME_BYTES + body.length
      expect(encodeRequest([{ head, body }]).length).toBeLessThanOrEqual(bound)
    }
  })
})

describe('toJsonLines', () => {
  it('says the same as the protobuf, one signal per line', () => {
    const telemetry = makeTelemetry({
      spans: [makeSpan({ attributes: { big: 2n ** 60n, list: ['a'], not: Number.NaN } })],
      logRecords: [makeLogRecord({ attributes: { map: { none: null, n: 1.5 } } })],
      metrics: makeMetrics(),
    })
    const lines = toJsonLines(toOtlp(telemetry)).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map((line) => Object.keys(line))).toEqual([
      ['resourceSpans'],
      ['resourceLogs'],
      ['resourceMetrics'],
    ])
    const [traces, logs, metrics] = encodeAll(telemetry)
    for (const [index, sent] of [traces!, logs!, metrics!].entries()) {
      expect(withoutDefaults(lines[index])).toEqual(withoutDefaults(decodeRequest(sent.signal, sent.body)))
    }
  })
})

/** Proto3 leaves zeros and empty lists out of the bytes; JSON may write them. Doubles that JSON lacks are words there. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(
    ([, item]) => item !== 0 && !(Array.isArray(item) && item.length === 0),
  )
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutDefaults(item)]))
}
