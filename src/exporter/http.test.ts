// SPDX-License-Identifier: Apache-2.0
/** OTLP/HTTP against a receiver that shares no code with the client. */
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  TRUST,
  startGrpcCollector,
  startHttpCollector,
  encodeStatus,
  type Collector,
} from '../../test/support/collector.js'
import { createFakeClock } from '../../test/support/collector-clock.js'
import { createMemoryLog, makeDestination } from '../../test/support/collector-telemetry.js'
import { systemClock } from './clock.js'
import { createHttpTransport, MAX_RESPONSE_BYTES } from './http.js'
import { userAgent } from './otlp-sink.js'
import type { Clock, OtlpSettings, SendResult, Transport } from './types.js'

const BODY = Buffer.from('0a00', 'hex')
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function httpCollector(isTls = false): Promise<Collector> {
  const collector = await startHttpCollector({ isTls })
  closing.push(() => collector.stop())
  return collector
}

function transportTo(url: string, change: Partial<OtlpSettings> = {}, clock: Clock = systemClock): Transport {
  const transport = createHttpTransport(makeDestination(url, change), {
    userAgent: userAgent('1.2.3'),
    clock,
    log: createMemoryLog(),
  })
  closing.push(() => transport.close())
  return transport
}

/** A server that answers every connection's first bytes with `reply` and ends it, or hangs up, or leaves it open. */
async function rawServer(reply: Uint8Array | string | undefined, isLeftOpen = false): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      if (reply === undefined) socket.destroy()
      else if (isLeftOpen) socket.write(reply)
      else socket.end(reply)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

describe('a request', () => {
  it('is a POST of protobuf with our name and the given headers', async () => {
    const collector = await httpCollector()
    const transport = transportTo(collector.url, {
      headers: { 'x-tenant': 'a b', 'content-type': 'text/plain' },
    })
    expect(await transport.send('traces', BODY)).toEqual({
      outcome: 'accepted',
      rejectedItems: 0,
      message: undefined,
    })
    const [request] = collector.requests
    expect(request!.signal).toBe('traces')
    expect(Buffer.from(request!.body)).toEqual(BODY)
    expect(request!.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-length': '2',
      'x-tenant': 'a b',
      'user-agent': 'oisp-sensor/1.2.3 OTel-OTLP-Exporter-JavaScript/1.2.3',
    })
    expect(request!.headers).not.toHaveProperty('content-encoding')
  })

  it('is compressed when asked', async () => {
    const collector = await httpCollector()
    const body = Buffer.alloc(100_000, 'abc')
    await transportTo(collector.url, { compression: 'gzip' }).send('traces', body)
    const [request] = collector.requests
    expect(Buffer.from(request!.body).equals(body)).toBe(true)
    expect(request!.wireBytes).toBeLessThan(1_000)
    expect(request!.headers['content-encoding']).toBe('gzip')
  })

  it('trusts the configured authority, and nobody else', async () => {
    const collector = await httpCollector(true)
    const trusted = await transportTo(collector.url, { tls: TRUST }).send('traces', BODY)
    const untrusted = await transportTo(collector.url).send('traces', BODY)
    expect(trusted.outcome).toBe('accepted')
    expect(untrusted).toMatchObject({ outcome: 'retry', reason: 'certificate' })
    expect(collector.requests).toHaveLength(1)
  })
})

describe('an answer', () => {
  it.each([
    [429, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
    [400, 'rejected'],
    [401, 'rejected'],
    [413, 'too_large'],
    [500, 'rejected'],
    [501, 'rejected'],
    [302, 'rejected'],
    [404, 'unsupported'],
    [405, 'unsupported'],
    [415, 'unsupported'],
  ])('%i means %s', async (status, outcome) => {
    const collector = await httpCollector()
    collector.answer({ status, body: '' })
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({
      outcome,
      reason: `http_${status}`,
    })
  })

  it.each([
    ['3', 3_000],
    ['Tue, 14 Nov 2023 22:13:27 GMT', 7_000],
    ['whenever', undefined],
  ])('says with Retry-After: %s when to come back', async (value, retryAfterMs) => {
    const collector = await httpCollector()
    collector.answer({ status: 503, headers: { 'retry-after': value } })
    const transport = transportTo(collector.url, {}, createFakeClock(1_700_000_000_000))
    expect(await transport.send('traces', BODY)).toMatchObject({ outcome: 'retry', retryAfterMs })
  })

  it('carries partial success', async () => {
    const collector = await httpCollector()
    collector.answer(
      { partialSuccess: { rejected: 2, message: 'too old' } },
      { partialSuccess: { rejected: 0, message: 'hm' } },
    )
    const transport = transportTo(collector.url)
    expect(await transport.send('traces', BODY)).toEqual({
      outcome: 'accepted',
      rejectedItems: 2,
      message: 'too old',
    })
    expect(await transport.send('traces', BODY)).toEqual({
      outcome: 'accepted',
      rejectedItems: 0,
      message: 'hm',
    })
  })

  it('explains itself with a google.rpc.Status, but never quotes a header of ours', async () => {
    const collector = await httpCollector()
    const body = encodeStatus(16, 'key sk-very-secret is\u001b[2J not valid')
    collector.answer({ status: 401, body, headers: { 'content-type': 'application/x-protobuf' } })
    const headers = { authorization: 'Bearer sk-very-secret' }
    const result = (await transportTo(collector.url, { headers }).send('traces', BODY)) as { message: string }
    expect(result.message).toBe(
      `${collector.url}/v1/traces answered 401: key [redacted] is [2J not valid (check OTEL_EXPORTER_OTLP_HEADERS)`,
    )
  })

  it('is not read beyond 4 MiB', async () => {
    const collector = await httpCollector()
    collector.answer(
      { status: 400, body: Buffer.alloc(MAX_RESPONSE_BYTES + 1) },
      { status: 200, body: Buffer.alloc(MAX_RESPONSE_BYTES + 1) },
      { body: Buffer.alloc(MAX_RESPONSE_BYTES) },
    )
    const transport = transportTo(collector.url)
    expect(await transport.send('traces', BODY)).toMatchObject({
      outcome: 'rejected',
      reason: 'response_too_large',
    })
    expect(await transport.send('traces', BODY)).toEqual({
      outcome: 'accepted',
      rejectedItems: 0,
      message: `${collector.url}/v1/traces answered with more than ${MAX_RESPONSE_BYTES} bytes; not read`,
    })
    expect((await transport.send('traces', BODY)).outcome).toBe('accepted')
  })
})

describe('no answer', () => {
  it('is a timeout after the configured time, and a reason to try again', async () => {
    const collector = await httpCollector()
    collector.answer({ hang: true })
    const clock = createFakeClock()
    const sending = transportTo(collector.url, { timeoutMs: 2_500 }, clock).send('traces', BODY)
    await collector.received(1)
    clock.advance(2_500)
    expect(await sending).toEqual({
      outcome: 'retry',
      reason: 'timeout',
      retryAfterMs: undefined,
      message: `${collector.url}/v1/traces did not answer within 2500 ms`,
    })
  })

  it('is a reason to try again when the connection breaks or nobody listens', async () => {
    const collector = await httpCollector()
    collector.answer({ cut: true })
    expect(await transportTo(collector.url).send('traces', BODY)).toMatchObject({
      outcome: 'retry',
      reason: 'connection',
    })
    await collector.stop()
    const refused = (await transportTo(collector.url).send('traces', BODY)) as SendResult & {
      message: string
    }
    expect(refused).toMatchObject({ outcome: 'retry', reason: 'unreachable' })
    expect(refused.message).toContain('ECONNREFUSED')
  })

  it('is the same when it begins and does not end', async () => {
    const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'
    const clock = createFakeClock()
    const stalled = transportTo(`http://127.0.0.1:${await rawServer(begun, true)}`, {}, clock).send(
      'traces',
      BODY,
    )
    const cut = transportTo(`http://127.0.0.1:${await rawServer(begun)}`).send('traces', BODY)
    expect(await cut).toMatchObject({ outcome: 'retry', reason: 'connection' })
    clock.advance(10_000)
    expect(await stalled).toMatchObject({ outcome: 'retry', reason: 'timeout' })
  })

  it('costs no pause when the server closed an idle connection as we used it', async () => {
    const collector = await httpCollector()
    const transport = transportTo(collector.url)
    await transport.send('traces', BODY)
    collector.answer({ cut: true })
    expect((await transport.send('traces', BODY)).outcome).toBe('accepted')
    expect(collector.requests).toHaveLength(3)
  })

  it('ends with the transport', async () => {
    const collector = await httpCollector()
    collector.answer({ hang: true })
    const transport = transportTo(collector.url, { compression: 'gzip' })
    const sending = transport.send('traces', BODY)
    await collector.received(1)
    const second = transport.send('traces', BODY)
    await transport.close()
    expect((await sending).outcome).toBe('retry')
    expect((await second).outcome).toBe('retry')
    expect(collector.requests).toHaveLength(1)
  })
})

describe('the wrong kind of port', () => {
  const mismatch = async (url: string, change: Partial<OtlpSettings> = {}): Promise<string> => {
    const result = await transportTo(url, change).send('traces', BODY)
    expect(result).toMatchObject({ outcome: 'retry', reason: 'protocol_mismatch' })
    return (result as { message: string }).message
  }

  it('is recognised as gRPC, with the remedy', async () => {
    const collector = await startGrpcCollector()
    closing.push(() => collector.stop())
    expect(await mismatch(collector.url)).toBe(
      `${collector.url}/v1/traces speaks gRPC, not HTTP/protobuf: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use the receiver's HTTP port (usually 4318)`,
    )
  })

  it('is recognised as gRPC over TLS', async () => {
    const collector = await startGrpcCollector({ isTls: true })
    closing.push(() => collector.stop())
    expect(await mismatch(collector.url, { tls: TRUST })).toContain('speaks gRPC, not HTTP/protobuf')
  })

  it('is recognised as plaintext behind https:// and TLS behind http://', async () => {
    const plain = await httpCollector()
    expect(await mismatch(plain.url.replace('http:', 'https:'))).toContain('does not speak TLS: use http://')
    const alert = Buffer.from('15030300020228', 'hex')
    expect(await mismatch(`http://127.0.0.1:${await rawServer(alert)}`)).toContain('speaks TLS: use https://')
  })

  it('is not suspected when a server merely hangs up', async () => {
    const port = await rawServer(undefined)
    expect(await transportTo(`http://127.0.0.1:${port}`).send('traces', BODY)).toMatchObject({
      reason: 'connection',
    })
  })
})
