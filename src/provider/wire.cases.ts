// SPDX-License-Identifier: Apache-2.0
/**
 * One exchange written as wire bytes, for tests. In: bodies, status, damage, chunk size. Out: the events that the protocol room would
 * give, and what the provider room makes of them.
 * @module
 */
import { expect } from 'vitest'
import type { ExchangeEvent, ExchangeRef, HeaderList, RequestHead } from '../protocol/types.js'
import { createBudget, createStats, type Budget, type Stats } from '../stats.js'
import { createProvider } from './index.js'
import type { AiEvent } from './types.js'

/** One exchange as it was on the wire; what is left out has a plain default. */
export interface Wire {
  path?: string
  method?: string
  host?: string
  requestHeaders?: HeaderList
  /** Undefined: no body was seen. */
  request?: string | Uint8Array
  /** Position in the request at which `gapBytes` bytes are lost. */
  requestGapAt?: number
  /** Undefined: no response was seen. */
  status?: number | undefined
  type?: string
  responseHeaders?: HeaderList
  response?: string | Uint8Array
  responseGapAt?: number
  gapBytes?: number
  /** Largest piece in which bodies come. */
  chunkBytes?: number
  outcome?: 'completed' | 'aborted' | 'truncated' | 'invalid' | 'unknown'
  completeness?: 'complete' | 'gap' | 'attached_mid' | 'limit'
}

export const REQUEST_UNIX_NANO = 1_000n
/** Body byte n of the response comes at this time + n. */
export const RESPONSE_UNIX_NANO = 1_000_000n

export function toEvents(wire: Wire): ExchangeEvent[] {
  const exchange = { connection: {}, number: 0 } as ExchangeRef
  const gapBytes = wire.gapBytes ?? 0
  const events: ExchangeEvent[] = [
    { kind: 'request', exchange, head: toHead(wire), timeUnixNano: REQUEST_UNIX_NANO },
  ]
  const addBody = (
    side: 'request' | 'response',
    body: string | Uint8Array,
    gapAt: number | undefined,
  ): void => {
    const bytes = Buffer.from(body as string)
    const start = side === 'request' ? REQUEST_UNIX_NANO : RESPONSE_UNIX_NANO
    const step = wire.chunkBytes ?? Math.max(bytes.length, 1)
    for (let at = 0; at < bytes.length;) {
      if (at === gapAt) {
        events.push({ kind: 'gap', exchange, side, length: gapBytes, timeUnixNano: start + BigInt(at) })
        at += gapBytes
        continue
      }
      const end = Math.min(at + step, gapAt !== undefined && at < gapAt ? gapAt : bytes.length)
      const timeUnixNano = start + BigInt(end - 1)
      events.push({
        kind: `${side}-body`,
        exchange,
        bytes: Uint8Array.from(bytes.subarray(at, end)),
        timeUnixNano,
      })
      at = end
    }
  }
  if (wire.request !== undefined) addBody('request', wire.request, wire.requestGapAt)
  if (wire.status !== undefined) {
    const type: HeaderList = wire.type === '' ? [] : [['content-type', wire.type ?? 'application/json']]
    const head = { status: wire.status, headers: [...type, ...(wire.responseHeaders ?? [])] }
    events.push({ kind: 'response', exchange, head, timeUnixNano: RESPONSE_UNIX_NANO })
  }
  if (wire.response !== undefined) addBody('response', wire.response, wire.responseGapAt)
  const isGap = wire.requestGapAt !== undefined || wire.responseGapAt !== undefined
  events.push({
    kind: 'end',
    exchange,
    outcome: wire.outcome ?? 'completed',
    completeness: wire.completeness ?? (isGap ? 'gap' : 'complete'),
    missingBytes: isGap ? gapBytes : 0,
    timeUnixNano: 9_000_000n,
  })
  return events
}

function toHead(wire: Wire): RequestHead {
  return {
    method: wire.method ?? 'POST',
    path: wire.path ?? '/',
    queryNames: [],
    protocol: 'http/1.1',
    host: wire.host ?? 'gateway.test',
    port: 443,
    headers: wire.requestHeaders ?? [],
    credentials: [],
  }
}

export interface Decoded {
  /** What came out; at most one for one exchange. */
  events: AiEvent[]
  event: AiEvent
  stats: Stats
  budget: Budget
}

export function decode(wire: Wire, limits: { maxBodyBytes?: number; budgetBytes?: number } = {}): Decoded {
  return decodeEvents(toEvents(wire), limits)
}

/** Runs the whole room; every byte must have been given back at the end, whatever came in. */
export function decodeEvents(
  input: readonly ExchangeEvent[],
  { maxBodyBytes, budgetBytes }: { maxBodyBytes?: number; budgetBytes?: number } = {},
): Decoded {
  const stats = createStats()
  const budget = createBudget(budgetBytes)
  const events: AiEvent[] = []
  const settings = { stats, budget, ...(maxBodyBytes !== undefined && { maxBodyBytes }) }
  const room = createProvider(settings, { consume: (event) => events.push(event), tick() {}, end() {} })
  for (const event of input) room.consume(event)
  expect(budget.usedBytes).toBe(0)
  return { events, stats, budget, event: events[0]! }
}

/** The parts that do not depend on which object or when. */
export function withoutTime({ exchange: _exchange, firstChunkUnixNano: _first, ...rest }: AiEvent): unknown {
  return rest
}
