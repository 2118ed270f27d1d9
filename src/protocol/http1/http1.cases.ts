// SPDX-License-Identifier: Apache-2.0
/**
 * What the tests of this room share: conversations as steps, played through the real room at any chunk size. In: steps. Out: what
 * came of them, in a form that compares.
 * @module
 */
import type { Consumer } from '../../consumer.js'
import type { Direction } from '../../receiver/types.js'
import { createBudget, createStats, type Budget, type Stats } from '../../stats.js'
import type { ConnectionRef, StreamClose, StreamEvent } from '../../stream/types.js'
import { createProtocol, type ProtocolSettings } from '../protocol.js'
import type { ExchangeEvent } from '../types.js'

/** `>` the process sends, `<` it receives; a number is so many bytes lost. */
export type Step = readonly ['>' | '<', string | Uint8Array | number]

export interface PlayedExchange {
  number: number
  request: string
  requestBody: string
  status: number | undefined
  responseBody: string
  outcome: string
  completeness: string
  missing: number
  /** Names of the events, repeated bodies once: the grammar. */
  grammar: string
  start: bigint
  end: bigint
}

export interface Played {
  exchanges: PlayedExchange[]
  events: ExchangeEvent[]
  stats: Stats
  budget: Budget
}

export interface PlaySettings extends Partial<Omit<ProtocolSettings, 'stats' | 'fingerprint'>> {
  close?: Pick<StreamClose, 'reason' | 'peerClosed'> | undefined
  /** Cuts every step's bytes. */
  chunkSize?: number
  /** Capture time of each step; by default 1, 2, 3 … */
  times?: readonly number[]
}

const bytesOf = (data: string | Uint8Array): Uint8Array =>
  typeof data === 'string' ? Buffer.from(data, 'latin1') : data

export function newConnection(): ConnectionRef {
  return { key: '1:1:1:1', process: {} as ConnectionRef['process'] }
}

export function play(steps: readonly Step[], settings: PlaySettings = {}): Played {
  const { close = { reason: 'closed', peerClosed: true }, chunkSize = Infinity, times, ...limits } = settings
  const stats = createStats()
  const budget = limits.budget ?? createBudget()
  const events: ExchangeEvent[] = []
  const sink: Consumer<ExchangeEvent> = { consume: (event) => events.push(event), tick() {}, end() {} }
  const fingerprint = (secret: Uint8Array): string => `#${secret.length}`
  const room = createProtocol({ ...limits, stats, budget, fingerprint }, sink)
  const connection = newConnection()
  room.consume({ kind: 'open', connection, timeUnixNano: 0n })
  const offsets: Record<Direction, number> = { transmit: 0, receive: 0 }
  steps.forEach(([arrow, data], index) => {
    const direction = arrow === '>' ? 'transmit' : 'receive'
    const timeUnixNano = BigInt(times?.[index] ?? index + 1)
    for (const event of eventsOf(connection, direction, data, chunkSize, timeUnixNano)) {
      if (event.kind !== 'bytes' && event.kind !== 'gap') continue
      room.consume({ ...event, offset: offsets[direction] })
      offsets[direction] += event.kind === 'bytes' ? event.bytes.length : event.length
    }
  })
  room.consume({ kind: 'close', connection, timeUnixNano: BigInt(steps.length + 1), ...close })
  room.end()
  return { exchanges: summarize(events), events, stats, budget }
}

function* eventsOf(
  connection: ConnectionRef,
  direction: Direction,
  data: string | Uint8Array | number,
  chunkSize: number,
  timeUnixNano: bigint,
): Generator<StreamEvent> {
  const base = { connection, direction, offset: 0, timeUnixNano }
  if (typeof data === 'number') {
    yield { ...base, kind: 'gap', length: data, reason: 'lost' }
    return
  }
  const bytes = bytesOf(data)
  const size = Math.min(chunkSize, Math.max(1, bytes.length))
  for (let at = 0; at < bytes.length; at += size)
    yield { ...base, kind: 'bytes', bytes: bytes.subarray(at, at + size) }
}

function summarize(events: readonly ExchangeEvent[]): PlayedExchange[] {
  const byRef = new Map<object, PlayedExchange>()
  for (const event of events) {
    let played = byRef.get(event.exchange)
    if (played === undefined) byRef.set(event.exchange, (played = newPlayed(event)))
    if (!played.grammar.endsWith(event.kind)) played.grammar += ` ${event.kind}`
    absorb(played, event)
  }
  return [...byRef.values()].sort((a, b) => a.number - b.number)
}

function newPlayed({ exchange, timeUnixNano }: ExchangeEvent): PlayedExchange {
  return {
    number: exchange.number,
    request: '',
    requestBody: '',
    status: undefined,
    responseBody: '',
    outcome: 'never ended',
    completeness: '',
    missing: 0,
    grammar: '',
    start: timeUnixNano,
    end: 0n,
  }
}

function absorb(played: PlayedExchange, event: ExchangeEvent): void {
  if (played.outcome !== 'never ended') throw new Error(`${event.kind} after end`)
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
  switch (event.kind) {
    case 'request':
      played.request = `${event.head.method} ${event.head.path}`
      return
    case 'response':
      played.status = event.head.status
      return
    case 'request-body':
      played.requestBody += text(event.bytes)
      return
    case 'response-body':
      played.responseBody += text(event.bytes)
      return
    case 'end':
      played.outcome = event.outcome
      played.completeness = event.completeness
      played.missing = event.missingBytes
      played.end = event.timeUnixNano
  }
}

/** `POST /a "body" -> 200 "body" completed/complete`, one line an exchange. */
export function lines({ exchanges }: Played): string[] {
  return exchanges.map(
    (e) =>
      `${e.request} "${e.requestBody}" -> ${e.status ?? '-'} "${e.responseBody}" ${e.outcome}/${e.completeness}` +
      (e.missing > 0 ? ` -${e.missing}` : ''),
  )
}

export const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`

export const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`

export const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

export const chunked = (...chunks: string[]): string =>
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('') +
  '0\r\n\r\n'
