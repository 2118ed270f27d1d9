// SPDX-License-Identifier: Apache-2.0
/**
 * Seeded random damage for the decoders of this room. In: a target, a seed, a count. Out: nothing, or an exception that names the seed
 * of the one input that broke a rule. Meant for a few thousand inputs in the unit tests and for millions in a fuzz command.
 * @module
 */
import type { ExchangeEvent, ExchangeRef } from '../protocol/types.js'
import { createBudget, createStats } from '../stats.js'
import { createProvider } from './index.js'
import { toEvents, type Wire } from './wire.cases.js'
import type { AiEvent } from './types.js'
import { Reservation } from './reservation.js'
import { SseDecoder } from './sse.js'

export type FuzzTarget = 'sse' | 'openai' | 'anthropic'

const MAX_BODY_BYTES = 4_096
const BUDGET_BYTES = 8_192

/** mulberry32: small, seedable, good enough to choose where to break things. */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
type Random = ReturnType<typeof createRandom>

/** Runs `count` inputs with the seeds `seed`, `seed + 1`, … */
export function fuzz(target: FuzzTarget, seed: number, count: number): void {
  const run = target === 'sse' ? fuzzSse : (random: Random): void => fuzzExchange(target, random)
  for (let at = seed; at < seed + count; at++) {
    try {
      run(createRandom(at))
    } catch (cause) {
      throw new Error(`fuzz ${target}: seed ${at}`, { cause })
    }
  }
}

function check(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken rule: ${rule}`)
}

function fuzzSse(random: Random): void {
  const bytes = damage(Buffer.from(pick(random, SSE_SEEDS).repeat(1 + random(4))), random)
  const budget = createBudget(BUDGET_BYTES)
  const events: string[][] = [[], []]
  // The same bytes whole and in pieces: the same events.
  for (const [way, out] of events.entries()) {
    const decoder = new SseDecoder(new Reservation(budget, 1_000_000), {
      onEvent: (data) => out.push(data),
      onDrop() {},
    })
    for (let at = 0; at < bytes.length;) {
      const end = way === 0 ? bytes.length : at + 1 + random(9)
      decoder.push(bytes.subarray(at, end))
      at = end
    }
    decoder.end()
    check(budget.usedBytes === 0, 'every byte is given back')
  }
  check(
    budget.peakBytes === 0 || JSON.stringify(events[0]) === JSON.stringify(events[1]),
    'chunks make no difference',
  )
}

const SSE_SEEDS = [
  'data: a\n\n',
  'event: x\r\ndata: ü世🦊\r\n\r\n',
  '\ufeffdata:\rdata\r\r',
  ': c\nid: 1\ndata:  b\ndata: c\n\n',
]

function fuzzExchange(target: 'openai' | 'anthropic', random: Random): void {
  const stats = createStats()
  const budget = createBudget(BUDGET_BYTES)
  const out: AiEvent[] = []
  const room = createProvider(
    { stats, budget, maxBodyBytes: MAX_BODY_BYTES },
    { consume: (item) => out.push(item), tick() {}, end() {} },
  )
  const events = toEvents(randomWire(target, random))
  if (random(4) === 0) events.splice(1 + random(events.length - 1), 0, randomGap(events[0]!.exchange, random))
  for (const event of events) room.consume(event)
  check(budget.usedBytes === 0, 'every byte is given back')
  check(budget.peakBytes <= BUDGET_BYTES, 'the budget holds')
  check(out.length + stats.get('exchanges.ignored') === 1, 'an exchange comes out or is counted')
  for (const event of out) checkEvent(event)
}

function randomGap(exchange: ExchangeRef, random: Random): ExchangeEvent {
  return {
    kind: 'gap',
    exchange,
    side: pick(random, ['request', 'response']),
    length: random(100),
    timeUnixNano: 1n,
  }
}

function checkEvent(event: AiEvent): void {
  const { request, response, usage, error } = event
  for (const value of Object.values(usage ?? {}))
    check(Number.isSafeInteger(value) && value >= 0, 'tokens are counts')
  for (const name of [request.model, response.model, response.id, ...(response.finishReasons ?? [])])
    check(name === undefined || (typeof name === 'string' && name.length <= 256), 'names are short strings')
  for (const number of [request.temperature, request.topP, request.maxTokens, request.seed])
    check(number === undefined || Number.isFinite(number), 'parameters are numbers')
  check(
    error === undefined || /^(?:[A-Za-z_][A-Za-z0-9_]*|[45]\d\d)$/.test(error.type),
    'error.type is a word',
  )
  for (const { role, parts } of [...(request.inputMessages ?? []), ...(response.outputMessages ?? [])]) {
    check(typeof role === 'string', 'a message has a role')
    for (const part of parts) check(typeof part.type === 'string', 'a part has a type')
  }
  JSON.stringify([request, response])
}

function randomWire(target: 'openai' | 'anthropic', random: Random): Wire {
  const { path, request, answers } = SEEDS[target]
  const isStream = random(3) > 0
  return {
    path,
    host: pick(random, ['gateway.test', 'api.openai.com']),
    request: random(3) === 0 ? damage(Buffer.from(request), random) : request,
    status: pick(random, [200, 200, 200, 429, 500, undefined]),
    type: pick(random, ['application/json', 'text/event-stream', 'text/html', '']),
    response: damage(Buffer.from(isStream ? shuffle(answers, random) : answers[0]!.slice(6)), random),
    chunkBytes: 1 + random(200),
    outcome: pick(random, ['completed', 'completed', 'aborted', 'truncated', 'invalid', 'unknown']),
    completeness: pick(random, ['complete', 'complete', 'gap', 'attached_mid', 'limit']),
  }
}

function shuffle(answers: readonly string[], random: Random): string {
  return Array.from({ length: 1 + random(12) }, () => pick(random, answers)).join('')
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)]!
}

/** JSON words that land where another type was expected. */
const WORDS = [
  'null',
  '-1',
  '1e400',
  '"x"',
  '[]',
  '{}',
  '[[[[',
  '"\\ud800"',
  ',',
  '\n\n',
  '\r',
  'data: ',
  '{"type":"tool_result","content":[',
]

function damage(bytes: Buffer, random: Random): Buffer {
  let out = bytes
  for (let times = random(5); times > 0; times--) {
    const at = random(out.length + 1)
    const end = Math.min(out.length, at + random(random(2) === 0 ? 3 : 30))
    const filler =
      random(3) === 0 ? Buffer.from([random(256), random(256)]) : Buffer.from(pick(random, WORDS))
    out = Buffer.concat([out.subarray(0, at), filler, out.subarray(end)])
  }
  return out
}

const sse = (json: string): string => `data: ${json}\n\n`
const SEEDS = {
  openai: {
    path: '/v1/chat/completions',
    request:
      '{"model":"m","n":2,"max_tokens":5,"temperature":1,"stop":["a"],"seed":1,"tools":[{"type":"function","function":{"name":"f","parameters":{"a":[1]}}}],"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}]}',
    answers: [
      sse(
        '{"id":"i","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}',
      ),
      sse(
        '{"id":"i","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"ü"},"finish_reason":null}]}',
      ),
      sse('{"choices":[{"index":1,"delta":{"reasoning":"r","refusal":"n"},"finish_reason":"stop"}]}'),
      sse(
        '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}',
      ),
      sse('{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}}]}'),
      sse(
        '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}',
      ),
      sse('{"error":{"message":"m","type":"server_error","code":"c"}}'),
      sse('[DONE]'),
    ],
  },
  anthropic: {
    path: '/v1/messages',
    request:
      '{"model":"m","max_tokens":5,"top_k":2,"system":[{"type":"text","text":"s"}],"tools":[{"name":"f","input_schema":{"a":[1]}}],"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"AA"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r"}]}]}]}',
    answers: [
      sse(
        '{"id":"i","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"cache_read_input_tokens":1,"output_tokens":2}}',
      ),
      sse(
        '{"type":"message_start","message":{"id":"i","role":"assistant","model":"m","usage":{"input_tokens":3,"output_tokens":1}}}',
      ),
      sse('{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
      sse(
        '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}',
      ),
      sse('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ü"}}'),
      sse('{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{"}}'),
      sse('{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}}'),
      sse('{"type":"error","error":{"type":"overloaded_error","message":"m"}}'),
      sse('{"type":"message_stop"}'),
    ],
  },
} as const
