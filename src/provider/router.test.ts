// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createBudget, createStats } from '../stats.js'
import { createProvider } from './index.js'
import { decode, decodeEvents, toEvents } from './wire.cases.js'
import type { AiEvent } from './types.js'

const BODY = '{"model":"m","messages":[{"role":"user","content":"hi"}]}'

describe('detection', () => {
  it.each([
    ['/v1/chat/completions', 'api.openai.com', 'openai'],
    ['/v1/chat/completions', 'localhost', 'openai'],
    ['/chat/completions', 'api.deepseek.com', 'deepseek'],
    ['/openai/v1/chat/completions', 'api.groq.com', 'groq'],
    ['/v1/chat/completions', 'api.x.ai', 'x_ai'],
    ['/v1/chat/completions', 'api.mistral.ai', 'mistral_ai'],
    ['/api/v1/chat/completions', 'openrouter.ai', 'openrouter'],
    ['/v1beta/openai/chat/completions', 'generativelanguage.googleapis.com', 'gcp.gemini'],
    ['/openai/deployments/gpt/chat/completions', 'r.openai.azure.com', 'azure.ai.openai'],
    ['/some/gateway/openai/deployments/gpt/chat/completions', 'gateway.test', 'azure.ai.openai'],
    ['/v1/messages', 'api.anthropic.com', 'anthropic'],
    ['/tenant/7/anthropic/v1/messages', 'gateway.test', 'anthropic'],
    ['/anthropic/v1/messages', 'api.deepseek.com', 'deepseek'],
    ['/v1/chat/completions', 'evil-api.openai.com.test', 'openai'],
  ])('%s at %s is %s', (path, host, name) => {
    const { event, stats } = decode({ path, host, request: BODY })
    expect(event).toMatchObject({
      providerName: name,
      serverAddress: host,
      serverPort: 443,
      operation: 'chat',
    })
    expect(stats.get('exchanges.decoded')).toBe(1)
  })

  it.each([
    ['/v1/messages/count_tokens', 'POST'],
    ['/v1/messages/batches', 'POST'],
    ['/v1/messages', 'GET'],
    ['/v1/models', 'POST'],
    ['/v1/chat/completions/abc', 'POST'],
    ['/', 'POST'],
  ])('%s with %s is nobody’s', (path, method) => {
    const { events, stats, budget } = decode({
      path,
      method,
      host: 'api.anthropic.com',
      request: BODY,
      status: 200,
      response: BODY,
    })
    expect(events).toEqual([])
    expect(stats.snapshot()).toEqual([{ name: 'exchanges.ignored', reason: 'no_provider', count: 1 }])
    expect(budget.peakBytes).toBe(0)
  })

  it('counts an exchange whose head was never seen', () => {
    const { events, stats } = decodeEvents(
      toEvents({ path: '/v1/messages', status: 200, response: '{}' }).slice(1),
    )
    expect(events).toEqual([])
    expect(stats.get('exchanges.ignored', 'no_request_head')).toBe(1)
  })
})

describe('the event', () => {
  it('carries identity, times and what the head says', () => {
    const { event } = decode({
      path: '/v1/messages',
      requestHeaders: [
        ['user-agent', 'test/1'],
        ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
        ['tracestate', 'a=b'],
        ['x-client-request-id', 'c-1'],
      ],
      request: BODY,
      status: 200,
      responseHeaders: [['request-id', 'req_1']],
      response: '{"id":"i","content":[],"stop_reason":"end_turn"}',
    })
    expect(event).toMatchObject({
      startUnixNano: 1_000n,
      endUnixNano: 9_000_000n,
      firstChunkUnixNano: undefined,
      userAgent: 'test/1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
      clientRequestId: 'c-1',
      requestId: 'req_1',
      httpStatus: 200,
      error: undefined,
      request: { stream: false, bodyBytes: BODY.length },
    })
  })

  it('takes the answer before the request body is there', () => {
    const response = '{"id":"i","model":"m2","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}'
    const [head, body, ...answer] = toEvents({ path: '/v1/messages', request: BODY, status: 200, response })
    const end = answer.pop()!
    const { event } = decodeEvents([head!, ...answer, body!, end])
    expect(event).toMatchObject({
      request: { model: 'm' },
      response: { model: 'm2', finishReasons: ['stop'] },
    })
  })

  it('comes out at the end of the input, and gives its bytes back', () => {
    const budget = createBudget()
    const out: AiEvent[] = []
    const room = createProvider(
      { stats: createStats(), budget },
      { consume: (event) => out.push(event), tick() {}, end() {} },
    )
    for (const event of toEvents({ path: '/v1/messages', request: BODY }).slice(0, -1)) room.consume(event)
    expect(budget.usedBytes).toBeGreaterThan(0)
    room.end()
    expect(budget.usedBytes).toBe(0)
    expect(out).toMatchObject([{ outcome: 'unknown', completeness: 'gap', request: { model: 'm' } }])
  })
})
