// SPDX-License-Identifier: Apache-2.0
/**
 * A fake OTLP receiver over gRPC or HTTP that fails on demand. In: an answer per request. Out: what came in, decompressed.
 * Uses grpc-js's server and node:http, none of the exporter's code.
 * @module
 */
import { readFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import grpc from '@grpc/grpc-js'
import type { Signal } from '../../src/exporter/types.js'
import { canonical, messageType, protoRoot, type CanonicalOtlp } from './otlp-sink.js'

export interface ReceivedRequest {
  signal: Signal
  headers: Record<string, string>
  /** As protobuf bytes, after gzip. */
  body: Uint8Array
  /** Bytes on the wire (HTTP only). */
  wireBytes: number
  /** Name in the client's certificate, when it was asked for one. */
  peer: string | undefined
}

/** What to do with a request. The default accepts it. */
export interface Answer {
  /** HTTP status or gRPC code. */
  status?: number
  headers?: Record<string, string>
  body?: Uint8Array | string
  /** Never answer. */
  hang?: boolean
  /** Cut the connection (HTTP). */
  cut?: boolean
  partialSuccess?: { rejected: number; message: string }
  /** gRPC: RetryInfo in grpc-status-details-bin. */
  retryDelayMs?: number
  details?: string
}

export interface Collector {
  url: string
  port: number
  requests: ReceivedRequest[]
  /** Answers for the next requests, in order; afterwards all are accepted. */
  answer(...answers: Answer[]): void
  /** Settles when that many requests are in. */
  received(count: number): Promise<void>
  read(): CanonicalOtlp
  stop(): Promise<void>
}

const TLS = new URL('../server/tls/', import.meta.url)
/** Settings of a client that trusts the servers here. */
export const TRUST = {
  caFile: fileURLToPath(new URL('ca.pem', TLS)),
  certFile: undefined,
  keyFile: undefined,
}
const KEY = readFileSync(new URL('server-key.pem', TLS))
const CERTIFICATE = readFileSync(new URL('server.pem', TLS))

const FAULTS = new URL('tls/', import.meta.url)
export const faultFile = (name: string): string => fileURLToPath(new URL(`${name}.pem`, FAULTS))
/** Settings of a client that trusts the authority behind `tls/`. */
export const TRUST_FAULTS = { ...TRUST, caFile: faultFile('ca') }

export interface CollectorOptions {
  isTls?: boolean
  /** A certificate of `tls/` in place of the usual one. */
  certificate?: 'server' | 'expired' | 'early' | 'elsewhere'
  /** Takes clients of that authority only (mTLS). */
  asksForClient?: boolean
}

function identityOf({ certificate }: CollectorOptions): { key: Buffer; cert: Buffer } {
  if (certificate === undefined) return { key: KEY, cert: CERTIFICATE }
  return { key: readFileSync(faultFile('server-key')), cert: readFileSync(faultFile(certificate)) }
}

class Inbox {
  readonly requests: ReceivedRequest[] = []
  readonly #answers: Answer[] = []
  readonly #watchers = new Set<() => void>()

  take(request: ReceivedRequest): Answer {
    this.requests.push(request)
    for (const check of [...this.#watchers]) check()
    return this.#answers.shift() ?? {}
  }
  answer(...answers: Answer[]): void {
    this.#answers.push(...answers)
  }
  received(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.requests.length < count) return
        this.#watchers.delete(check)
        resolve()
      }
      this.#watchers.add(check)
      check()
    })
  }
}

/** The response message of a signal, for partial success. */
export function encodeResponse(signal: Signal, partial?: { rejected: number; message: string }): Uint8Array {
  const type = messageType(signal, 'Response')
  if (!partial) return type.encode({}).finish()
  const field = { traces: 'rejectedSpans', logs: 'rejectedLogRecords', metrics: 'rejectedDataPoints' }[signal]
  return type
    .encode(type.fromObject({ partialSuccess: { [field]: partial.rejected, errorMessage: partial.message } }))
    .finish()
}

export function encodeStatus(code: number, message: string, retryDelayMs?: number): Uint8Array {
  const status = protoRoot().lookupType('google.rpc.Status')
  const retryInfo = protoRoot().lookupType('google.rpc.RetryInfo')
  const seconds = Math.trunc((retryDelayMs ?? 0) / 1000)
  const retryDelay = { seconds, nanos: ((retryDelayMs ?? 0) - seconds * 1000) * 1e6 }
  const value = retryInfo.encode(retryInfo.fromObject({ retryDelay })).finish()
  const details = [
    { type_url: 'type.googleapis.com/google.rpc.DebugInfo', value: Buffer.from('ignored') },
    ...(retryDelayMs === undefined ? [] : [{ type_url: 'type.googleapis.com/google.rpc.RetryInfo', value }]),
  ]
  return status.encode(status.fromObject({ code, message, details })).finish()
}

export async function startHttpCollector(options: CollectorOptions = {}): Promise<Collector> {
  const { isTls = false, asksForClient = false } = options
  const inbox = new Inbox()
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const wire = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(wire) : wire
      const signal = request.url!.split('/').at(-1) as Signal
      const headers = request.headers as Record<string, string>
      const peer = peerName(request.socket)
      answerHttp(
        inbox.take({ signal, headers, body, wireBytes: wire.length, peer }),
        signal,
        request,
        response,
      )
    })
  }
  const server = isTls
    ? createHttpsServer(
        {
          ...identityOf(options),
          ...(asksForClient
            ? { ca: readFileSync(faultFile('ca')), requestCert: true, rejectUnauthorized: true }
            : {}),
        },
        handle,
      )
    : createHttpServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return toCollector(inbox, `${isTls ? 'https' : 'http'}://localhost:${port}`, port, () => stopHttp(server))
}

function peerName(socket: Socket): string | undefined {
  return (socket as Partial<TLSSocket>).getPeerCertificate?.()?.subject?.CN as string | undefined
}

function answerHttp(
  answer: Answer,
  signal: Signal,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (answer.hang) return
  if (answer.cut) return void request.socket.destroy()
  const type = answer.body === undefined ? 'application/x-protobuf' : 'text/plain'
  response.writeHead(answer.status ?? 200, { 'content-type': type, ...answer.headers })
  response.end(answer.body ?? encodeResponse(signal, answer.partialSuccess))
}

function stopHttp(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

export async function startGrpcCollector(
  options: CollectorOptions & { maxBytes?: number } = {},
): Promise<Collector> {
  const { isTls = false, asksForClient = false, maxBytes = 4 * 1024 * 1024 } = options
  const inbox = new Inbox()
  const server = new grpc.Server({ 'grpc.max_receive_message_length': maxBytes })
  for (const [signal, name] of [
    ['traces', 'Trace'],
    ['logs', 'Logs'],
    ['metrics', 'Metrics'],
  ] as const) {
    const service = `opentelemetry.proto.collector.${name.toLowerCase()}.v1.${name}Service`
    const definition = {
      path: `/${service}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    } as const
    server.addService(
      { Export: definition },
      {
        Export(call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) {
          const headers = call.metadata.getMap() as Record<string, string>
          const peer = call.getAuthContext().sslPeerCertificate?.subject?.CN as string | undefined
          answerGrpc(inbox.take({ signal, headers, body: call.request, wireBytes: 0, peer }), signal, reply)
        },
      },
    )
  }
  const credentials = isTls
    ? grpc.ServerCredentials.createSsl(
        asksForClient ? readFileSync(faultFile('ca')) : null,
        [identityOf(options)].map(({ key, cert }) => ({ private_key: key, cert_chain: cert })),
        asksForClient,
      )
    : grpc.ServerCredentials.createInsecure()
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return toCollector(inbox, `${isTls ? 'https' : 'http'}://localhost:${port}`, port, async () =>
    server.forceShutdown(),
  )
}

function answerGrpc(answer: Answer, signal: Signal, reply: grpc.sendUnaryData<Buffer>): void {
  if (answer.hang) return
  const code = answer.status ?? 0
  const details = answer.details ?? 'as told'
  if (code === 0)
    return reply(null, Buffer.from(answer.body ?? encodeResponse(signal, answer.partialSuccess)))
  const metadata = new grpc.Metadata()
  if (answer.retryDelayMs !== undefined)
    metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(code, details, answer.retryDelayMs)))
  reply({ code, details, metadata, name: 'Error', message: details })
}

function toCollector(inbox: Inbox, url: string, port: number, stop: () => Promise<void>): Collector {
  return {
    url,
    port,
    requests: inbox.requests,
    answer: (...answers) => inbox.answer(...answers),
    received: (count) => inbox.received(count),
    read: () => canonical(inbox.requests),
    stop,
  }
}
