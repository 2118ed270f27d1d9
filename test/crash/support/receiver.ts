// SPDX-License-Identifier: Apache-2.0
/**
 * An OTLP receiver over HTTP that is up, away, or loses its answers. In: its state. Out: which exchanges came, under which ids, how
 * often, and when they were accepted for good.
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Signal } from '../../../src/exporter/types.js'
import { messageType } from '../../support/otlp-sink.js'

/** `deaf` takes and keeps the request, but its answer is lost: the sensor must send again. */
export type ReceiverState = 'up' | 'unavailable' | 'deaf'

export interface ReceivedExchange {
  /** `trace id/span id`: more than one would be the same exchange under another id. */
  spanIds: Set<string>
  deliveries: number
  /** When an answer of 200 had left, CLOCK_MONOTONIC. */
  acceptedAt: number | undefined
  /** Deliveries that began after it had been accepted, by the time of the acceptance. */
  repeats: number[]
}

export interface CrashReceiver {
  url: string
  state: ReceiverState
  /** By response id. */
  exchanges: Map<string, ReceivedExchange>
  /** `trace id/span id` of every log record. */
  logSpanIds: Set<string>
  requests: number
  stop(): Promise<void>
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

export async function startReceiver(): Promise<CrashReceiver> {
  const server = createServer((request, response) => void handle(receiver, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: CrashReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state: 'up',
    exchanges: new Map(),
    logSpanIds: new Set(),
    requests: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}

async function handle(
  receiver: CrashReceiver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of request) pieces.push(piece as Buffer)
  } catch {
    // The sensor was killed in the middle of a request.
    return
  }
  const { state } = receiver
  if (state === 'unavailable') return void response.writeHead(503).end()
  const ids = keep(receiver, request.url!.slice('/v1/'.length) as Signal, Buffer.concat(pieces))
  if (state === 'deaf') return void request.socket.destroy()
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(() => {
    for (const id of ids) receiver.exchanges.get(id)!.acceptedAt ??= nowMs()
  })
}

interface Attribute {
  key: string
  value: { stringValue?: string }
}
interface Item {
  traceId: Uint8Array
  spanId: Uint8Array
  attributes: Attribute[]
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const idOf = ({ traceId, spanId }: Item): string => `${hex(traceId)}/${hex(spanId)}`

/** The response ids of the spans in it. */
function keep(receiver: CrashReceiver, signal: Signal, body: Buffer): string[] {
  receiver.requests += 1
  if (signal === 'metrics') return []
  const isTraces = signal === 'traces'
  const items = readItems(signal, body)
  if (!isTraces) for (const item of items) receiver.logSpanIds.add(idOf(item))
  return isTraces ? items.flatMap((item) => keepSpan(receiver, item)) : []
}

/** Nothing for a span without a response id: a call of somebody else on this machine that failed. */
function keepSpan({ exchanges }: CrashReceiver, item: Item): string[] {
  const id = item.attributes.find(({ key }) => key === 'gen_ai.response.id')?.value.stringValue
  if (id === undefined) return []
  let exchange = exchanges.get(id)
  if (exchange === undefined)
    exchanges.set(id, (exchange = { spanIds: new Set(), deliveries: 0, acceptedAt: undefined, repeats: [] }))
  exchange.spanIds.add(idOf(item))
  exchange.deliveries += 1
  if (exchange.acceptedAt !== undefined) exchange.repeats.push(exchange.acceptedAt)
  return [id]
}

interface Decoded {
  resourceSpans?: { scopeSpans: { spans: Item[] }[] }[]
  resourceLogs?: { scopeLogs: { logRecords: Item[] }[] }[]
}

function readItems(signal: Signal, body: Buffer): Item[] {
  const decoded = messageType(signal, 'Request').decode(body) as unknown as Decoded
  const spans =
    decoded.resourceSpans?.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)) ?? []
  const logs =
    decoded.resourceLogs?.flatMap(({ scopeLogs }) => scopeLogs.flatMap((scope) => scope.logRecords)) ?? []
  return [...spans, ...logs]
}
