// SPDX-License-Identifier: Apache-2.0
/** OTLP/gRPC against grpc-js's server. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import {
  TRUST,
  startGrpcCollector,
  startHttpCollector,
  type Collector,
} from '../../test/support/collector.js'
import { createMemoryLog, makeDestination } from '../../test/support/collector-telemetry.js'
import { systemClock } from './clock.js'
import { createGrpcTransport } from './grpc.js'
import { MAX_RESPONSE_BYTES } from './http.js'
import { userAgent } from './otlp-sink.js'
import type { OtlpSettings, Transport } from './types.js'

const BODY = Buffer.from('0a00', 'hex')
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function grpcCollector(options: { isTls?: boolean; maxBytes?: number } = {}): Promise<Collector> {
  const collector = await startGrpcCollector(options)
  closing.push(() => collector.stop())
  return collector
}

function transportTo(url: string, change: Partial<OtlpSettings> = {}): Transport {
  const transport = createGrpcTransport(makeDestination(url, { protocol: 'grpc', ...change }), {
    userAgent: userAgent('1.2.3'),
    clock: systemClock,
    log: createMemoryLog(),
  })
  closing.push(() => transport.close())
  return transport
}

describe('a call', () => {
  it.each(['traces', 'logs', 'metrics'] as const)(
    'sends %s to its service with our name and headers',
    async (signal) => {
      const collector = await grpcCollector()
      const transport = transportTo(collector.url, { signal, headers: { 'X-Tenant': 'a b' } })
      expect(await transport.send(signal, BODY)).toEqual({
        outcome: 'accepted',
        rejectedItems: 0,
        message: undefined,
      })
      const [request] = collector.requests
      expect(request!.signal).toBe(signal)
      expect(Buffer.from(request!.body)).toEqual(BODY)
      expect(request!.headers['x-tenant']).toBe('a b')
      expect(request!.headers['user-agent']).toMatch(
        /^oisp-sensor\/1\.2\.3 OTel-OTLP-Exporter-JavaScript\/1\.2\.3 grpc-node-js\//,
      )
    },
  )

  it('is compressed when asked', async () => {
    // A gRPC message on the wire: one byte "compressed", four bytes length, then the message.
    const received: { encoding: unknown; bytes: Buffer }[] = []
    const server = createHttp2Server()
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        received.push({ encoding: headers['grpc-encoding'], bytes: Buffer.concat(chunks) })
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' },
          { endStream: true },
        )
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    const body = Buffer.alloc(100_000, 'abc')
    const transport = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      compression: 'gzip',
    })
    await transport.send('traces', body)
    await transport.close()
    const [{ encoding, bytes }] = received as [(typeof received)[0]]
    expect(encoding).toBe('gzip')
    expect(bytes[0]).toBe(1)
    expect(gunzipSync(bytes.subarray(5)).equals(body)).toBe(true)
  })

  it('trusts the configured authority, and nobody else', async () => {
    const collector = await grpcCollector({ isTls: true })
    expect((await transportTo(collector.url, { tls: TRUST }).send('traces', BODY)).outcome).toBe('accepted')
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({
      outcome: 'retry',
      reason: 'certificate',
    })
    expect(collector.requests).toHaveLength(1)
  })
})

describe('a status', () => {
  it.each([
    [1, 'retry', 'grpc_1'],
    [2, 'rejected', 'grpc_2'],
    [3, 'rejected', 'grpc_3'],
    [4, 'retry', 'timeout'],
    [5, 'rejected', 'grpc_5'],
    [6, 'rejected', 'grpc_6'],
    [7, 'rejected', 'grpc_7'],
    [8, 'rejected', 'grpc_8'],
    [9, 'rejected', 'grpc_9'],
    [10, 'retry', 'grpc_10'],
    [11, 'retry', 'grpc_11'],
    [12, 'unsupported', 'grpc_12'],
    [13, 'rejected', 'grpc_13'],
    [14, 'retry', 'grpc_14'],
    [15, 'retry', 'grpc_15'],
    [16, 'rejected', 'grpc_16'],
  ])('%i means %s', async (status, outcome, reason) => {
    const collector = await grpcCollector()
    collector.answer({ status })
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({ outcome, reason })
    expect(collector.requests).toHaveLength(1)
  })

  it.each([8, 14])('%i with RetryInfo says when to come back', async (status) => {
    const collector = await grpcCollector()
    collector.answer({ status, retryDelayMs: 1_250 })
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({
      outcome: 'retry',
      retryAfterMs: 1_250,
    })
  })

  it.each([
    ['Received message larger than max (2 vs 1)', 'too_large'],
    ['grpc: received message after decompression larger than max 4194304', 'too_large'],
    ['gRPC message exceeds maximum size 4194304: 5000000', 'too_large'],
    ['Received message larger than max (4194305 vs 4194304)', 'rejected'],
    ['quota exceeded', 'rejected'],
  ])('8 with "%s" means %s', async (details, outcome) => {
    const collector = await grpcCollector()
    collector.answer({ status: 8, details })
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({ outcome, reason: 'grpc_8' })
  })

  it('says that a request is larger than a real server takes', async () => {
    const collector = await grpcCollector({ maxBytes: 1_000 })
    const result = await transportTo(collector.url).send('traces', Buffer.alloc(1_001))
    expect(result).toMatchObject({ outcome: 'too_large' })
  })

  it('says so, too, of one that is too large even when compressed', async () => {
    const collector = await grpcCollector({ maxBytes: 500 })
    // Hexadecimal digits of a hash: half of it is left.
    const body = Buffer.from(createHash('shake256', { outputLength: 1_000 }).digest('hex'))
    const result = await transportTo(collector.url, { compression: 'gzip' }).send('traces', body)
    expect(result).toMatchObject({ outcome: 'too_large' })
  })

  it('tries again after the connection could not be made', async () => {
    const collector = await grpcCollector()
    const headers: Record<string, string> = {}
    const transport = transportTo(collector.url, { headers })
    headers['not a name'] = 'x'
    expect(await transport.send('traces', BODY)).toMatchObject({ reason: 'invalid_settings' })
    delete headers['not a name']
    expect((await transport.send('traces', BODY)).outcome).toBe('accepted')
  })

  it('never quotes a header of ours', async () => {
    const collector = await grpcCollector()
    collector.answer({ status: 16, details: 'no such key: sk-very-secret' })
    const result = await transportTo(collector.url, { headers: { 'api-key': 'sk-very-secret' } }).send(
      'traces',
      BODY,
    )
    expect((result as { message: string }).message).toBe(
      `${collector.url} answered gRPC status 16: no such key: [redacted] (check OTEL_EXPORTER_OTLP_HEADERS)`,
    )
  })

  it('carries partial success', async () => {
    const collector = await grpcCollector()
    collector.answer({ partialSuccess: { rejected: 3, message: 'too old' } })
    expect(await transportTo(collector.url).send('traces', BODY)).toEqual({
      outcome: 'accepted',
      rejectedItems: 3,
      message: 'too old',
    })
  })

  it('is not read beyond 4 MiB', async () => {
    const collector = await grpcCollector()
    collector.answer({ body: Buffer.alloc(MAX_RESPONSE_BYTES + 1) })
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({
      outcome: 'rejected',
      reason: 'grpc_8',
    })
  })
})

describe('no answer', () => {
  it('is a timeout after the configured time', async () => {
    const collector = await grpcCollector()
    collector.answer({ hang: true })
    expect(await transportTo(collector.url, { timeoutMs: 150 }).send('traces', BODY)).toEqual({
      outcome: 'retry',
      reason: 'timeout',
      retryAfterMs: undefined,
      message: `${collector.url} did not answer within 150 ms`,
    })
  })

  it('makes the transport connect anew after three in a row', async () => {
    const collector = await grpcCollector()
    const sockets: Socket[] = []
    // The first connection is a black hole; the next ones lead to the receiver.
    const middle = createTcpServer((socket) => {
      sockets.push(socket.on('error', () => {}))
      if (sockets.length > 1)
        socket.pipe(connect(collector.port, '127.0.0.1').on('error', () => {})).pipe(socket)
    })
    await new Promise<void>((resolve) => middle.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => middle.close(resolve)))
    closing.push(async () => sockets.forEach((socket) => socket.destroy()))
    const transport = transportTo(`http://127.0.0.1:${(middle.address() as AddressInfo).port}`, {
      timeoutMs: 700,
    })
    for (let round = 0; round < 3; round++)
      expect(await transport.send('traces', BODY)).toMatchObject({ outcome: 'retry', reason: 'timeout' })
    expect(sockets).toHaveLength(1)
    expect((await transport.send('traces', BODY)).outcome).toBe('accepted')
  })

  it('ends with the transport', async () => {
    const collector = await grpcCollector()
    collector.answer({ hang: true })
    const transport = transportTo(collector.url)
    const sending = transport.send('traces', BODY)
    await collector.received(1)
    await transport.close()
    expect((await sending).outcome).toBe('retry')
    expect((await transport.send('traces', BODY)).outcome).toBe('retry')
  })

  it('is a reason to try again when nobody listens', async () => {
    const collector = await grpcCollector()
    const url = collector.url
    await collector.stop()
    expect(await transportTo(url).send('traces', BODY)).toMatchObject({
      outcome: 'retry',
      reason: 'unreachable',
    })
  })
})

describe('the wrong kind of port', () => {
  const remedy =
    "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use the receiver's gRPC port (usually 4317)"

  it.each([false, true])('is recognised as HTTP/1, with the remedy (TLS: %s)', async (isTls) => {
    const collector = await startHttpCollector({ isTls })
    closing.push(() => collector.stop())
    const result = await transportTo(collector.url, isTls ? { tls: TRUST } : {}).send('traces', BODY)
    expect(result).toMatchObject({
      outcome: 'retry',
      reason: 'protocol_mismatch',
      message: `${collector.url} does not speak gRPC: ${remedy}`,
    })
  })

  it('is recognised as plaintext behind https://', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    const url = `https://localhost:${(server.address() as AddressInfo).port}`
    expect(await transportTo(url).send('traces', BODY)).toMatchObject({
      reason: 'protocol_mismatch',
      message: `${url} does not speak TLS: use http:// instead of https:// in the endpoint`,
    })
  })
})
