// SPDX-License-Identifier: Apache-2.0
/** Answers of receivers, made by reflection over proto/ and read back; the official deserializer is the second opinion. */
import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { describe, expect, it } from 'vitest'
import { encodeResponse, encodeStatus } from '../../test/support/collector.js'
import { decodeExportResponse, decodeRpcStatus } from './response.js'

const OFFICIAL = {
  traces: ProtobufTraceSerializer,
  logs: ProtobufLogsSerializer,
  metrics: ProtobufMetricsSerializer,
}
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

describe('decodeExportResponse', () => {
  it.each(['traces', 'logs', 'metrics'] as const)('reads partial success of %s', (signal) => {
    const body = encodeResponse(signal, { rejected: 3, message: 'too old' })
    expect(decodeExportResponse(body)).toEqual({ rejectedItems: 3, message: 'too old' })
    expect(JSON.stringify(OFFICIAL[signal].deserializeResponse(body))).toContain('"errorMessage":"too old"')
  })

  it('reads these bytes', () => {
    expect(decodeExportResponse(Buffer.from('0a06 0805 1202 6e6f'.replaceAll(' ', ''), 'hex'))).toEqual({
      rejectedItems: 5,
      message: 'no',
    })
  })

  it.each([
    ['nothing', Buffer.alloc(0), undefined],
    ['JSON without details', json({}), 'application/json'],
    ['JSON null', json(null), 'application/json; charset=utf-8'],
    ['broken JSON', Buffer.from('{'), 'application/json'],
    ['a page', Buffer.from('<html>ok</html>'), 'text/html'],
    ['cut protobuf', Buffer.from('0aff', 'hex'), undefined],
  ])('takes %s as plain success', (_name, body, contentType) => {
    expect(decodeExportResponse(body, contentType)).toEqual({ rejectedItems: 0, message: undefined })
  })

  it('reads JSON with numbers and decimal strings', () => {
    const body = json({ partialSuccess: { rejectedLogRecords: '4', errorMessage: 'x' } })
    expect(decodeExportResponse(body, 'application/json')).toEqual({ rejectedItems: 4, message: 'x' })
  })
})

describe('decodeRpcStatus', () => {
  it('finds RetryInfo among other details', () => {
    expect(decodeRpcStatus(encodeStatus(8, 'slow down', 1_250))).toEqual({
      message: 'slow down',
      retryDelayMs: 1_250,
    })
  })

  it('tells no RetryInfo from a delay of zero', () => {
    expect(decodeRpcStatus(encodeStatus(14, 'x')).retryDelayMs).toBeUndefined()
    expect(decodeRpcStatus(encodeStatus(14, 'x', 0)).retryDelayMs).toBe(0)
  })

  it('survives anything else', () => {
    expect(decodeRpcStatus(Buffer.from('ffffffffff', 'hex'))).toEqual({
      message: undefined,
      retryDelayMs: undefined,
    })
    expect(decodeRpcStatus(json({ message: 'no' }), 'application/json').message).toBe('no')
    expect(decodeRpcStatus(json(null), 'application/json').message).toBeUndefined()
  })
})
