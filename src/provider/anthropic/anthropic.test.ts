// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { describeProvider } from '../provider.cases.js'
import { decode, type Wire } from '../wire.cases.js'

const PATH = '/v1/messages'
const REQUEST = '{"model":"m-1","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Grüße"}]}'
const event = (type: string, rest = ''): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`
const START = event(
  'message_start',
  ',"message":{"id":"id-1","type":"message","role":"assistant","model":"m-1-2026","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":1,"service_tier":"standard"}}',
)
const begin = (index: number, block: string): string =>
  event('content_block_start', `,"index":${index},"content_block":${block}`)
const delta = (index: number, json: string): string =>
  event('content_block_delta', `,"index":${index},"delta":${json}`)
const finish = (reason: string, usage = '{"output_tokens":20}'): string =>
  event('message_delta', `,"delta":{"stop_reason":"${reason}","stop_sequence":null},"usage":${usage}`) +
  event('message_stop')

const FIRST_TEXT = delta(0, '{"type":"text_delta","text":"Grüße "}')
const STREAM =
  START +
  begin(0, '{"type":"text","text":""}') +
  event('ping') +
  FIRST_TEXT +
  delta(0, '{"type":"text_delta","text":"世界"}') +
  event('content_block_stop', ',"index":0') +
  finish('end_turn')

describeProvider({
  name: 'anthropic',
  path: PATH,
  ownHost: 'api.anthropic.com',
  request: REQUEST,
  whole:
    '{"id":"id-1","type":"message","role":"assistant","model":"m-1-2026","content":[{"type":"text","text":"Grüße 世界"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":20}}',
  stream: STREAM,
  firstText: FIRST_TEXT,
  errorBody:
    '{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."},"request_id":"req_1"}',
  errorType: 'rate_limit_error',
  errorMessage: 'Slow down.',
  errorEvent:
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
  errorEventType: 'overloaded_error',
})

const streamed = (response: string): Wire => ({
  path: PATH,
  request: REQUEST,
  status: 200,
  type: 'text/event-stream',
  response,
})
const whole = (content: string, rest = ''): Wire => ({
  path: PATH,
  request: REQUEST,
  status: 200,
  response: `{"id":"i","type":"message","role":"assistant","model":"m","content":${content}${rest}}`,
})

describe('anthropic request', () => {
  it('reads parameters, system instructions and tools', () => {
    const { request } = decode({
      path: PATH,
      request:
        '{"model":"m","max_tokens":9,"temperature":1,"top_p":0.5,"top_k":3,"stop_sequences":["a","b"],"service_tier":"auto",' +
        '"output_config":{"effort":"high","format":{"type":"json_schema","schema":{}}},"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],' +
        '"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"hi"}]}',
    }).event
    expect(request).toMatchObject({
      maxTokens: 9,
      temperature: 1,
      topP: 0.5,
      topK: 3,
      stopSequences: ['a', 'b'],
      serviceTier: 'auto',
      reasoningLevel: 'high',
      outputType: 'json',
      systemInstructions: [{ type: 'text', content: 'Be brief.' }],
      toolDefinitions: [
        { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' } },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
      inputMessages: [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }],
    })
    expect(request.apiType).toBeUndefined()
  })

  it('reads every kind of block', () => {
    const { request } = decode({
      path: PATH,
      request:
        '{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAA="}},{"type":"image","source":{"type":"url","url":"https://x.test/a"}},{"type":"document","source":{"type":"file","file_id":"file_1"}}]},' +
        '{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"xyz"},{"type":"tool_use","id":"t1","name":"f","input":{"a":1}},{"type":"server_tool_use","id":"s1","name":"web_search","input":{"q":"x"}},{"type":"web_search_tool_result","tool_use_id":"s1","content":[]}]},' +
        '{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"ok"}]}]}]}',
    }).event
    expect(request.inputMessages).toEqual([
      {
        role: 'user',
        parts: [
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAA=' },
          { type: 'uri', modality: 'image', uri: 'https://x.test/a' },
          { type: 'file', modality: 'document', file_id: 'file_1' },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'reasoning', content: '' },
          { type: 'tool_call', id: 't1', name: 'f', arguments: { a: 1 } },
          {
            type: 'server_tool_call',
            id: 's1',
            name: 'web_search',
            server_tool_call: { type: 'web_search', arguments: { q: 'x' } },
          },
          {
            type: 'server_tool_call_response',
            id: 's1',
            server_tool_call_response: { type: 'web_search_tool_result', content: [] },
          },
        ],
      },
      {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id: 't1', response: [{ type: 'text', content: 'ok' }] }],
      },
    ])
  })

  it('does not follow results inside results', () => {
    const inner = (levels: number): string =>
      levels === 0 ? '[]' : `[{"type":"tool_result","content":${inner(levels - 1)}}]`
    const { event: read } = decode({
      path: PATH,
      request: `{"model":"m","messages":[{"role":"user","content":${inner(3_000)}}]}`,
    })
    expect(() => JSON.stringify(read.request)).not.toThrow()
    expect(read.request.inputMessages?.[0]?.parts[0]?.type).toBe('tool_call_response')
  })
})

describe('anthropic answer', () => {
  it('sums the input with both caches and counts no usage twice', () => {
    const usage = { inputTokens: 130, outputTokens: 20, cacheReadInputTokens: 100, cacheWriteInputTokens: 20 }
    expect(decode(streamed(STREAM)).event.usage).toEqual(usage)
    const cumulative =
      '{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":20,"output_tokens_details":{"thinking_tokens":5}}'
    expect(decode(streamed(START + finish('end_turn', cumulative))).event.usage).toEqual({
      ...usage,
      reasoningOutputTokens: 5,
    })
    expect(decode(streamed(START)).event.usage).toEqual({
      inputTokens: 130,
      cacheReadInputTokens: 100,
      cacheWriteInputTokens: 20,
    })
    expect(
      decode(whole('[]', ',"usage":{"input_tokens":9007199254740991,"cache_read_input_tokens":9}')).event
        .usage,
    ).toEqual({ cacheReadInputTokens: 9 })
  })

  it('puts thinking and parallel tool calls together', () => {
    const { event: read } = decode(
      streamed(
        START +
          begin(0, '{"type":"thinking","thinking":""}') +
          delta(0, '{"type":"thinking_delta","thinking":"h"}') +
          delta(0, '{"type":"thinking_delta","thinking":"m"}') +
          delta(0, '{"type":"signature_delta","signature":"s"}') +
          begin(1, '{"type":"tool_use","id":"t1","name":"f","input":{}}') +
          begin(2, '{"type":"tool_use","id":"t2","name":"g","input":{}}') +
          delta(2, '{"type":"input_json_delta","partial_json":"{\\"b\\""}') +
          delta(1, '{"type":"input_json_delta","partial_json":""}') +
          delta(2, '{"type":"input_json_delta","partial_json":":2}"}') +
          begin(3, '{"type":"web_search_tool_result","tool_use_id":"s","content":[{"url":"u"}]}') +
          finish('tool_use'),
      ),
    )
    expect(read.response.outputMessages).toEqual([
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'tool_call', id: 't1', name: 'f', arguments: {} },
          { type: 'tool_call', id: 't2', name: 'g', arguments: { b: 2 } },
          {
            type: 'server_tool_call_response',
            id: 's',
            server_tool_call_response: { type: 'web_search_tool_result', content: [{ url: 'u' }] },
          },
        ],
        finish_reason: 'tool_call',
      },
    ])
    expect(read.response.serviceTier).toBe('standard')
  })

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_call'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'pause_turn'],
  ])('says %s as %s', (reason, word) => {
    expect(decode(streamed(START + finish(reason))).event.response.finishReasons).toEqual([word])
    expect(decode(whole('[]', `,"stop_reason":"${reason}"`)).event.response.finishReasons).toEqual([word])
  })

  it('says that content is missing where its start was lost', () => {
    const { event: read } = decode(
      streamed(START + delta(0, '{"type":"input_json_delta","partial_json":"{}"}')),
    )
    expect(read.response.outputMessages?.[0]?.parts).toEqual([
      { type: 'omitted', content: '[a tool call whose name was not seen]' },
    ])
  })

  it('reads a compaction, whole and streamed', () => {
    const parts = [{ type: 'generic', generic_type: 'compaction', content: 'so far' }]
    const block = begin(0, '{"type":"compaction","content":null}')
    const compaction =
      block + delta(0, '{"type":"compaction_delta","content":"so far"}') + finish('compaction')
    const { response } = decode(streamed(START + compaction)).event
    expect(response).toMatchObject({ finishReasons: ['compaction'], outputMessages: [{ parts }] })
    const answer = decode(whole('[{"type":"compaction","content":"so far"}]')).event.response
    expect(answer.outputMessages?.[0]?.parts).toEqual(parts)
  })

  it('reads the usage after content that hit the limit', () => {
    const long = delta(0, `{"type":"text_delta","text":"${'x'.repeat(200)}"}`)
    const { event: read, stats } = decode(streamed(START + long.repeat(20) + finish('end_turn')), {
      maxBodyBytes: 2_000,
    })
    expect(read.usage?.outputTokens).toBe(20)
    expect(read.completeness).toBe('limit')
    expect(read.response.outputMessages?.[0]?.parts.at(-1)).toMatchObject({ type: 'omitted' })
    expect(stats.get('content.dropped', 'max_body_bytes')).toBeGreaterThan(0)
  })
})
