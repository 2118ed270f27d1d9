// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeEvent, makeFailure, START } from '../../test/support/inference-event.js'
import type { InferenceEvent } from '../provider/types.js'
import { createStats } from '../stats.js'
import { createRun, type RunSettings } from './run.js'
import type { Telemetry } from './types.js'

function run(event: InferenceEvent, settings: Partial<RunSettings> = {}) {
  const stats = createStats()
  const out: Telemetry[] = []
  const room = createRun(
    { stats, bootId: 'boot', version: '1.2.3', ...settings },
    { consume: (item) => void out.push(item), tick() {}, end() {} },
  )
  room.consume(event)
  const [telemetry] = out
  return { stats, telemetry: telemetry!, span: telemetry!.spans[0]!, record: telemetry!.logRecords[0]! }
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const TRACED = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=1' }

describe('a model call', () => {
  it('becomes one client span in the words of the conventions', () => {
    const { span, telemetry } = run(makeEvent(), { profile: 'genai-dev-1.42' })
    expect(telemetry.scope).toEqual({
      name: 'oisp-sensor',
      version: '1.2.3',
      schemaUrl: 'https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev',
    })
    expect(span).toMatchObject({
      name: 'chat gpt-4o-mini',
      kind: 2,
      parentSpanContext: undefined,
      startUnixNano: START,
      endUnixNano: START + 2_500_000_001n,
      links: [],
      status: { code: 0 },
    })
    const { 'gen_ai.system_instructions': _, 'gen_ai.input.messages': _i, ...rest } = span.attributes
    expect(rest).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'server.address': 'api.openai.com',
      'server.port': 443,
      'gen_ai.request.seed': 42,
      'gen_ai.request.stream': true,
      'gen_ai.request.max_tokens': 256,
      'gen_ai.request.temperature': 1,
      'gen_ai.request.top_p': 0.5,
      'gen_ai.request.stop_sequences': ['CANARY-stop-1'],
      'openai.api.type': 'chat_completions',
      'gen_ai.response.id': 'chatcmpl-AbC123',
      'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
      'gen_ai.response.finish_reasons': ['tool_calls'],
      'gen_ai.response.time_to_first_chunk': 0.25,
      'openai.response.service_tier': 'default',
      'openai.response.system_fingerprint': 'fp_44709d6fcb',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.cache_read.input_tokens': 64,
      'gen_ai.usage.cache_write.input_tokens': 8,
      'http.response.status_code': 200,
      'user_agent.original': 'OpenAI/Python 1.99.0',
      'oisp.capture.completeness': 'complete',
      'oisp.request_id': 'req_011CSHoEeqs5C35K2UUqR7Fy',
      'oisp.credential.class': 'openai_project',
      'oisp.credential.fingerprint': 'ab'.repeat(16),
      'gen_ai.output.messages': makeEvent().response.outputMessages,
      'gen_ai.tool.definitions': makeEvent().request.toolDefinitions,
    })
  })

  it('becomes one log record in the context of the span, with the same attributes', () => {
    const { span, record } = run(makeEvent())
    expect(record).toMatchObject({
      eventName: 'gen_ai.client.inference.operation.details',
      severityNumber: 5,
      severityText: 'DEBUG',
      timeUnixNano: span.endUnixNano,
      spanContext: span.spanContext,
    })
    expect(record.attributes).toBe(span.attributes)
  })

  it('that failed has status ERROR and a low-cardinality error.type', () => {
    const { span } = run(makeFailure({ completeness: 'gap', missingBytes: 12 }))
    expect(span.status.code).toBe(2)
    expect(span.attributes).toMatchObject({
      'error.type': 'rate_limit_exceeded',
      'oisp.capture.missing_bytes': 12,
    })
    const { span: odd } = run(makeFailure({ error: { type: 'no key sk-123!', message: undefined } }))
    expect(odd.attributes['error.type']).toBe('_OTHER')
    expect(odd.status).toEqual({ code: 2 })
  })

  it('does not repeat error.type as the description', () =>
    expect(run(makeFailure({ error: { type: 'cancelled', message: 'cancelled' } })).span.status).toEqual({
      code: 2,
    }))

  it('without a model is named by its operation, and never ends before it starts', () => {
    const event = makeEvent({
      endUnixNano: START - 5n,
      request: { ...makeEvent().request, model: undefined },
    })
    const { span } = run(event)
    expect(span.name).toBe('chat')
    expect(span.endUnixNano).toBe(START)
  })

  it('leaves out what the conventions want only sometimes', () => {
    const { span } = run(
      makeEvent({
        serverAddress: undefined,
        request: { model: 'm', stream: false, choiceCount: 1, bodyBytes: 0 },
      }),
    )
    for (const key of [
      'server.port',
      'gen_ai.request.stream',
      'gen_ai.request.choice.count',
      'gen_ai.response.time_to_first_chunk',
      'openai.api.type',
      'openai.response.service_tier',
      'oisp.capture.missing_bytes',
      'gen_ai.conversation.id',
    ])
      expect(span.attributes).not.toHaveProperty(key)
  })
})

describe('profiles', () => {
  it('adds former names by default', () => {
    const { attributes } = run(makeEvent()).span
    expect(attributes['gen_ai.system']).toBe('openai')
    expect(attributes['gen_ai.usage.cache_creation.input_tokens']).toBe(8)
    expect(attributes['gen_ai.usage.cache_write.input_tokens']).toBe(8)
  })

  it('replaces names in the legacy profile', () => {
    const { attributes } = run(makeEvent(), { profile: 'legacy-1.41' }).span
    expect(attributes['gen_ai.provider.name']).toBe('openai')
    expect(attributes['gen_ai.usage.cache_creation.input_tokens']).toBe(8)
    expect(attributes).not.toHaveProperty('gen_ai.usage.cache_write.input_tokens')
  })
})

describe('an incoming traceparent', () => {
  it('is linked to by default', () => {
    const { span } = run(makeEvent(TRACED))
    expect(span.parentSpanContext).toBeUndefined()
    expect(span.spanContext.traceId).not.toBe(TRACE)
    expect(span.links).toEqual([
      {
        context: { traceId: TRACE, spanId: PARENT, traceFlags: 1, isRemote: true, traceState: 'vendor=1' },
        attributes: {},
      },
    ])
  })

  it('is the parent when asked for, without a change of the span id', () => {
    const { span, record } = run(makeEvent(TRACED), { traceparent: 'parent' })
    expect(span.spanContext).toEqual({
      traceId: TRACE,
      spanId: run(makeEvent()).span.spanContext.spanId,
      traceFlags: 1,
    })
    expect(span.parentSpanContext).toEqual({ traceId: TRACE, spanId: PARENT, traceFlags: 1, isRemote: true })
    expect(span.traceState).toBe('vendor=1')
    expect(span.links).toEqual([])
    expect(record.spanContext?.traceId).toBe(TRACE)
  })

  it('that is malformed is ignored and counted', () => {
    const { span, stats } = run(makeEvent({ traceparent: '00-nonsense' }), { traceparent: 'parent' })
    expect(span.links).toEqual([])
    expect(span.parentSpanContext).toBeUndefined()
    expect(stats.get('traceparents.ignored', 'invalid')).toBe(1)
  })

  it('counts a malformed tracestate', () =>
    expect(run(makeEvent({ ...TRACED, tracestate: '=' })).stats.get('tracestates.ignored', 'invalid')).toBe(
      1,
    ))
})
