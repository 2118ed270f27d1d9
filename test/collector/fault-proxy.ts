// SPDX-License-Identifier: Apache-2.0
/**
 * Stands between the sensor and the real Collector and gives, on demand, answers that a healthy Collector does not give. In: OTLP
 * requests over gRPC or HTTP, and a list of faults per signal. Out: the requests at the Collector, its answers at the sensor, and a
 * ledger of both. Uses none of the exporter's code.
 * @module
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import grpc from '@grpc/grpc-js'
import type { Signal } from '../../src/exporter/types.js'
import { encodeResponse, encodeStatus } from '../support/collector.js'
import { messageType } from '../support/otlp-sink.js'

/** What happens to one request instead of its being passed on and answered. */
export type Fault =
  /** Refused; the Collector never sees it. `retryDelayMs`: RetryInfo in grpc-status-details-bin. */
  | { kind: 'refuse'; status: number; retryDelayMs?: number; headers?: () => Record<string, string> }
  /** Its first `items` are taken out, the rest is passed on; the answer is a success that says so. */
  | { kind: 'partial'; items: number }
  /** A success with a message and nothing rejected: a warning. */
  | { kind: 'warn' }
  /** Passed on and accepted, and the answer is lost: the connection breaks (HTTP), UNAVAILABLE (gRPC). */
  | { kind: 'lose-answer' }

export interface LedgerEntry {
  signal: Signal
  items: number
  arrivedAt: number
  outcome: Fault['kind'] | 'accepted' | 'passed-error'
}

export interface FaultProxy {
  url: string
  ledger: LedgerEntry[]
  /** For the next requests of the signal, in order. Afterwards all are passed on. */
  plan(signal: Signal, ...faults: Fault[]): void
  stop(): Promise<void>
}

class Plans {
  readonly ledger: LedgerEntry[] = []
  readonly #faults = new Map<Signal, Fault[]>()

  plan(signal: Signal, faults: Fault[]): void {
    this.#faults.set(signal, [...(this.#faults.get(signal) ?? []), ...faults])
  }
  next(signal: Signal, body: Buffer): { fault: Fault | undefined; entry: LedgerEntry } {
    const fault = this.#faults.get(signal)?.shift()
    const items = countItems(signal, body)
    const entry: LedgerEntry = { signal, items, arrivedAt: Date.now(), outcome: fault?.kind ?? 'accepted' }
    this.ledger.push(entry)
    return { fault, entry }
  }
}

const SHAPE = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
} as const

type Node = Record<string, Node[] | undefined>

/** The lists of spans, log records or metrics in a request, decoded by reflection over proto/. */
function listsOf(signal: Signal, message: unknown): Node[][] {
  const [resources, scopes, items] = SHAPE[signal]
  return ((message as Node)[resources] ?? [])
    .flatMap((byResource) => byResource[scopes] ?? [])
    .map((byScope) => byScope[items] ?? [])
}

function countItems(signal: Signal, body: Buffer): number {
  const lists = listsOf(signal, messageType(signal, 'Request').decode(body))
  if (signal !== 'metrics') return lists.flat().length
  const points = (metric: Node): Node[] =>
    ((metric['sum'] ?? metric['histogram']) as unknown as Node | undefined)?.['dataPoints'] ?? []
  return lists.flat().flatMap(points).length
}

function withoutFirst(signal: Signal, body: Buffer, count: number): Buffer {
  const type = messageType(signal, 'Request')
  const message = type.decode(body)
  let left = count
  for (const list of listsOf(signal, message)) left -= list.splice(0, left).length
  return Buffer.from(type.encode(message).finish())
}

/** What is passed on, and what is answered in place of the Collector's answer. */
function applyToBody(fault: Fault | undefined, signal: Signal, body: Buffer): Buffer {
  return fault?.kind === 'partial' ? withoutFirst(signal, body, fault.items) : body
}

function answerOf(fault: Fault | undefined, signal: Signal, answer: Buffer): Buffer {
  if (fault?.kind === 'partial')
    return Buffer.from(encodeResponse(signal, { rejected: fault.items, message: 'too old' }))
  if (fault?.kind === 'warn')
    return Buffer.from(encodeResponse(signal, { rejected: 0, message: 'deprecated' }))
  return answer
}

export async function startHttpProxy(target: string): Promise<FaultProxy> {
  const plans = new Plans()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void handleHttp(plans, target, request, response, Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ledger: plans.ledger,
    plan: (signal, ...faults) => plans.plan(signal, faults),
    stop: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function handleHttp(
  plans: Plans,
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  wire: Buffer,
): Promise<void> {
  const signal = request.url!.split('/').at(-1) as Signal
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(wire) : wire
  const { fault, entry } = plans.next(signal, body)
  if (fault?.kind === 'refuse') {
    response.writeHead(fault.status, { 'content-type': 'application/x-protobuf', ...fault.headers?.() })
    return void response.end(encodeStatus(14, 'as planned'))
  }
  const { status, answer } = await post(`${target}/v1/${signal}`, applyToBody(fault, signal, body))
  if (status !== 200) entry.outcome = 'passed-error'
  if (fault?.kind === 'lose-answer') return void request.socket.destroy()
  response.writeHead(status, { 'content-type': 'application/x-protobuf' })
  response.end(answerOf(fault, signal, answer))
}

function post(url: string, body: Buffer): Promise<{ status: number; answer: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
    const request = httpRequest(url, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode!, answer: Buffer.concat(chunks) }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

const asIs = (bytes: Buffer): Buffer => bytes
const UNAVAILABLE = 14

export function pathOf(signal: Signal): string {
  const name = { traces: 'Trace', logs: 'Logs', metrics: 'Metrics' }[signal]
  return `/opentelemetry.proto.collector.${name.toLowerCase()}.v1.${name}Service/Export`
}

export async function startGrpcProxy(target: string): Promise<FaultProxy> {
  const plans = new Plans()
  const client = new grpc.Client(new URL(target).host, grpc.credentials.createInsecure())
  const server = new grpc.Server()
  for (const signal of ['traces', 'logs', 'metrics'] as const) {
    const definition = {
      path: pathOf(signal),
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    } as const
    const handle: grpc.handleUnaryCall<Buffer, Buffer> = ({ request }, reply) =>
      handleGrpc(plans, client, signal, request, reply)
    server.addService({ Export: definition }, { Export: handle })
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return {
    url: `http://127.0.0.1:${port}`,
    ledger: plans.ledger,
    plan: (signal, ...faults) => plans.plan(signal, faults),
    stop: async () => {
      client.close()
      server.forceShutdown()
    },
  }
}

function handleGrpc(
  plans: Plans,
  client: grpc.Client,
  signal: Signal,
  body: Buffer,
  reply: grpc.sendUnaryData<Buffer>,
): void {
  const { fault, entry } = plans.next(signal, body)
  if (fault?.kind === 'refuse') return reply(toError(fault.status, fault.retryDelayMs))
  const passed = applyToBody(fault, signal, body)
  client.makeUnaryRequest(pathOf(signal), asIs, asIs, passed, (error, answer) => {
    if (error) entry.outcome = 'passed-error'
    if (fault?.kind === 'lose-answer') reply(toError(UNAVAILABLE))
    else if (error) reply(error)
    else reply(null, answerOf(fault, signal, answer!))
  })
}

function toError(code: number, retryDelayMs?: number): grpc.ServerErrorResponse {
  const metadata = new grpc.Metadata()
  if (retryDelayMs !== undefined)
    metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(code, 'as planned', retryDelayMs)))
  return { code, details: 'as planned', metadata, name: 'Error', message: 'as planned' }
}
