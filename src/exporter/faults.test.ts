// SPDX-License-Identifier: Apache-2.0
/** Everything that may stand where a receiver should be: one clear sentence each, with the remedy, and another try later. */
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  faultFile,
  startGrpcCollector,
  startHttpCollector,
  TRUST_FAULTS,
  type Collector,
} from '../../test/support/collector.js'
import { createMemoryLog, makeDestination } from '../../test/support/collector-telemetry.js'
import { systemClock } from './clock.js'
import { createGrpcTransport } from './grpc.js'
import { createHttpTransport } from './http.js'
import type { OtlpProtocol, OtlpSettings, SendResult, Signal, Transport } from './types.js'

const BODY = Buffer.from('0a00', 'hex')
const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics']
const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Said = SendResult & { reason: string; message: string }

function transportTo(protocol: OtlpProtocol, url: string, change: Partial<OtlpSettings> = {}): Transport {
  const create = protocol === 'grpc' ? createGrpcTransport : createHttpTransport
  const destination = makeDestination(url, { protocol, ...change })
  const transport = create(destination, { userAgent: 'test', clock: systemClock, log: createMemoryLog() })
  closing.push(() => transport.close())
  return transport
}

async function send(protocol: OtlpProtocol, url: string, change: Partial<OtlpSettings> = {}): Promise<Said> {
  const signal = change.signal ?? 'traces'
  return (await transportTo(protocol, url, change).send(signal, BODY)) as Said
}

/** Where the transport says it sends to. */
const place = (protocol: OtlpProtocol, url: string): string =>
  protocol === 'grpc' ? url : `${url}/v1/traces`

async function collector(
  protocol: OtlpProtocol,
  options: Parameters<typeof startHttpCollector>[0] = {},
): Promise<Collector> {
  const started = await (protocol === 'grpc' ? startGrpcCollector : startHttpCollector)(options)
  closing.push(() => started.stop())
  return started
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.each(['grpc', 'http/protobuf'] as const)('over %s', (protocol) => {
  it.each([
    ['expired', 'has expired: renew it there, or set this machine’s clock if it is wrong'],
    ['early', 'is not valid yet: set this machine’s clock if it is wrong'],
    [
      'elsewhere',
      "is for another name (Host: localhost. is not in the cert's altnames: DNS:elsewhere.test): use that name in the endpoint",
    ],
  ] as const)('a certificate that is %s', async (certificate, words) => {
    const { url } = await collector(protocol, { isTls: true, certificate })
    const said = await send(protocol, url, { tls: TRUST_FAULTS })
    expect(said).toMatchObject({ outcome: 'retry', reason: 'certificate' })
    expect(said.message).toBe(`the certificate of ${place(protocol, url)} ${words.replace('’', "'")}`)
  })

  it('a certificate of a foreign authority', async () => {
    const { url } = await collector(protocol, { isTls: true })
    const none = { caFile: undefined, certFile: undefined, keyFile: undefined }
    const said = await send(protocol, url, { tls: none })
    expect(said).toMatchObject({ outcome: 'retry', reason: 'certificate' })
    expect(said.message).toBe(
      `the certificate of ${place(protocol, url)} is signed by nobody this machine trusts: name its authority's PEM file in OTEL_EXPORTER_OTLP_CERTIFICATE`,
    )
    const other = await send(protocol, url, { tls: TRUST_FAULTS })
    expect(other.message).toContain(`is not signed by ${TRUST_FAULTS.caFile}`)
  })

  it('a receiver that asks for a client certificate', async () => {
    const { url } = await collector(protocol, { isTls: true, certificate: 'server', asksForClient: true })
    const said = await send(protocol, url, { tls: TRUST_FAULTS })
    expect(said.outcome).toBe('retry')
    expect(said.message).toContain('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE')
  })

  it('a name without an address', async () => {
    const said = await send(protocol, 'http://no-such-host.invalid:4317')
    expect(said).toMatchObject({ outcome: 'retry', reason: 'dns' })
    expect(said.message).toBe(
      "the name no-such-host.invalid has no address: check the spelling of the endpoint and this machine's DNS",
    )
  })

  it('nobody at the port, or at the socket', async () => {
    const { url, stop } = await collector(protocol)
    await stop()
    expect(await send(protocol, url)).toMatchObject({
      outcome: 'retry',
      reason: 'unreachable',
      message: `${place(protocol, url)} cannot be reached (ECONNREFUSED): start the receiver, or correct the port of the endpoint`,
    })
    const socketPath = faultFile('no-such-socket')
    expect(await send(protocol, 'http://localhost', { socketPath })).toMatchObject({
      reason: 'unreachable',
      message: `unix:${socketPath} cannot be reached (ENOENT): start the receiver, or correct the socket's path`,
    })
  })

  it('a service that speaks something else', async () => {
    const url = await listen(createTcpServer((socket) => socket.write('220 mail.example.test ESMTP\r\n')))
    const said = await send(protocol, url)
    expect(said.outcome).toBe('retry')
    expect(said.message).toContain(
      protocol === 'grpc'
        ? 'does not speak gRPC: set'
        : "with bytes that are not HTTP: check that the endpoint's port",
    )
  })

  it('headers that cannot be sent, at start and without their value', () => {
    for (const [name, value] of [
      ['x-tenant', 'secret\u0000'],
      ['x-tenant', 'secret\u2603'],
      ['x tenant', 'secret'],
    ] as const) {
      const create = (): Transport => transportTo(protocol, 'http://c.test', { headers: { [name]: value } })
      expect(create).toThrow(/^header "x.tenant" for http:\/\/c\.test\S*: its (name|value) holds a character/)
      expect(create).not.toThrow(/secret/)
    }
  })
})

describe('a Unix socket', () => {
  const socketPath = join(tmpdir(), `otlp-${process.pid}.sock`)

  it('is spoken to over HTTP', async () => {
    const seen: unknown[] = []
    const server = createHttpServer((request, response) => {
      seen.push([request.url, request.headers.host])
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
    await new Promise<void>((resolve) => server.listen(socketPath, resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    expect(await send('http/protobuf', 'http://localhost', { socketPath })).toMatchObject({
      outcome: 'accepted',
    })
    expect(seen).toEqual([['/v1/traces', 'localhost']])
  })

  it('is spoken to over gRPC', async () => {
    const seen: unknown[] = []
    const server = createHttp2Server()
    server.on('stream', (stream, headers) => {
      seen.push(headers[':path'])
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' },
        { endStream: true },
      )
    })
    await new Promise<void>((resolve) => server.listen(socketPath, resolve))
    const transport = transportTo('grpc', 'http://localhost', { socketPath })
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    await transport.send('traces', BODY)
    await transport.close()
    expect(seen).toEqual(['/opentelemetry.proto.collector.trace.v1.TraceService/Export'])
  })
})

describe('the wrong kind of port', () => {
  it.each(SIGNALS)('is recognised for %s, by gRPC', async (signal) => {
    const { url } = await collector('http/protobuf')
    // Several at once: the channel tells each of them in its own way.
    const transport = transportTo('grpc', url, { signal })
    const results = await Promise.all([1, 2, 3].map(() => transport.send(signal, BODY)))
    for (const result of [...results, await transport.send(signal, BODY)])
      expect(result).toMatchObject({
        outcome: 'retry',
        reason: 'protocol_mismatch',
        message: `${url} does not speak gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use the receiver's gRPC port (usually 4317)`,
      })
  })

  it.each(SIGNALS)('is recognised for %s, by HTTP', async (signal) => {
    const { url } = await collector('grpc')
    const said = await send('http/protobuf', url, { signal })
    expect(said).toMatchObject({ outcome: 'retry', reason: 'protocol_mismatch' })
    expect(said.message).toContain('speaks gRPC, not HTTP/protobuf: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc')
  })

  it('is suspected when the connection ends before gRPC begins', async () => {
    const { url } = await collector('http/protobuf', { isTls: true })
    const plaintext = url.replace('https:', 'http:')
    expect(await send('grpc', plaintext)).toMatchObject({
      outcome: 'retry',
      reason: 'protocol_mismatch',
      message: `${plaintext} closed the connection instead of speaking gRPC: use https:// in the endpoint if it wants TLS, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if the port is for HTTP`,
    })
  })

  it('is recognised when it tells in plaintext that it wants TLS', async () => {
    // As Go's server does it.
    const server = createHttpServer((_request, response) => {
      response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n')
    })
    const url = await listen(server)
    expect(await send('http/protobuf', url)).toMatchObject({
      outcome: 'retry',
      reason: 'protocol_mismatch',
      message: `${url}/v1/traces speaks TLS: use https:// instead of http:// in the endpoint`,
    })
  })
})

describe('the wrong path', () => {
  it.each([
    ['/', 'did you mean URL/v1/metrics? OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is used as it is'],
    ['/otlp', 'did you mean URL/otlp/v1/metrics? OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is used as it is'],
    [
      '/v1/traces',
      'did you mean URL/v1/traces/v1/metrics? OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is used as it is',
    ],
    [
      '/v1/metrics/v1/metrics',
      'the path is there twice: /v1/metrics is appended to OTEL_EXPORTER_OTLP_ENDPOINT',
    ],
    ['/otpl/v1/metrics', 'is /otpl the right path? /v1/metrics was appended to it'],
    ['/v1/metrics', 'is this the port of an OTLP receiver that takes metrics?'],
  ])('%s is answered with the right one', async (path, words) => {
    const receiver = await collector('http/protobuf')
    receiver.answer({ status: 404, body: '' })
    const said = await send('http/protobuf', '', { signal: 'metrics', url: receiver.url + path })
    expect(said.outcome).toBe('unsupported')
    expect(said.message).toContain(` answered 404 (${words.replace('URL', receiver.url)})`)
  })
})

describe('an answer', () => {
  it('of a gigabyte is refused by its announced size, over gRPC', async () => {
    const server = createHttp2Server()
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
      // A message frame: not compressed, 2^30 bytes long.
      stream.write(Buffer.from('0040000000', 'hex'))
      stream.write(Buffer.alloc(1024))
    })
    const said = await send('grpc', await listen(server as unknown as Server))
    expect(said.outcome).toBe('rejected')
    expect(said.message).toContain('1073741824')
  })

  it('of a gigabyte is left after four megabytes, over HTTP', async () => {
    let sentBytes = 0
    const server = createHttpServer((_request, response) => {
      response.writeHead(200, { 'content-length': 2 ** 30 })
      const piece = Buffer.alloc(1024 * 1024)
      const go = (): void => {
        while (!response.destroyed && response.write(piece)) sentBytes += piece.length
      }
      response.on('drain', go)
      go()
    })
    const said = await send('http/protobuf', await listen(server))
    expect(said).toMatchObject({ outcome: 'accepted', rejectedItems: 0 })
    expect((said as { message: string }).message).toContain('not read')
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
  })

  it('with endless headers is not read', async () => {
    const url = await listen(
      createTcpServer((socket) => {
        socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`))
      }),
    )
    const said = await send('http/protobuf', url)
    expect(said).toMatchObject({ outcome: 'retry', reason: 'invalid_answer' })
    expect(said.message).toContain('answered with headers of more than 16 KiB')
  })

  it('that is a web page is no receiver’s', async () => {
    const receiver = await collector('http/protobuf')
    receiver.answer({ body: '<html></html>', headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(await send('http/protobuf', receiver.url)).toEqual({
      outcome: 'accepted',
      rejectedItems: 0,
      message: `${receiver.url}/v1/traces took it and answered with a web page: is it an OTLP receiver?`,
    })
  })

  it('in a receiver’s own words of the same kind stays the receiver’s', async () => {
    const receiver = await collector('grpc')
    receiver.answer({ status: 14, details: 'certificate has expired' })
    expect(await send('grpc', receiver.url)).toMatchObject({
      reason: 'grpc_14',
      message: `${receiver.url} answered gRPC status 14: certificate has expired`,
    })
  })
})
