// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { describeProvider } from '../provider.cases.js'
import { decode, type Wire } from '../wire.cases.js'

const PATH = '/v1/chat/completions'
const REQUEST =
  '{"model":"m-1","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Grüße"}]}'
const chunk = (rest: string): string =>
  `data: {"id":"id-1","object":"chat.completion.chunk","created":1,"model":"m-1-2026","system_fingerprint":"fp_1",${rest}}\n\n`
const delta = (json: string, finish = 'null', index = 0): string =>
  chunk(`"choices":[{"index":${index},"delta":${json},"finish_reason":${finish}}]`)
const USAGE =
  '{"prompt_tokens":130,"completion_tokens":20,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":100},"completion_tokens_details":{"reasoning_tokens":7}}'

const FIRST_TEXT = delta('{"content":"Grüße "}')
const STREAM =
  delta('{"role":"assistant","content":""}') +
  FIRST_TEXT +
  delta('{"content":"世界"}') +
  delta('{}', '"stop"') +
  chunk(`"choices":[],"usage":${USAGE}`) +
  'data: [DONE]\n\n'

describeProvider({
  name: 'openai',
  path: PATH,
  ownHost: 'api.openai.com',
  request: REQUEST,
  whole: `{"id":"id-1","object":"chat.completion","model":"m-1-2026","choices":[{"index":0,"message":{"role":"assistant","content":"Grüße 世界","refusal":null},"finish_reason":"stop"}],"usage":${USAGE}}`,
  stream: STREAM,
  firstText: FIRST_TEXT,
  errorBody: '{"error":{"message":"Slow down.","type":"requests","param":null,"code":"rate_limit_exceeded"}}',
  errorType: 'rate_limit_exceeded',
  errorMessage: 'Slow down.',
  errorEvent: 'data: {"error":{"message":"oops","type":"server_error","code":null}}\n\n',
  errorEventType: 'server_error',
})

const whole = (message: string, finish = 'stop', rest = ''): Wire => ({
  path: PATH,
  request: REQUEST,
  status: 200,
  response: `{"id":"i","model":"m","choices":[{"index":0,"message":${message},"finish_reason":"${finish}"}]${rest}}`,
})
const streamed = (response: string): Wire => ({
  path: PATH,
  request: REQUEST,
  status: 200,
  type: 'text/event-stream',
  response,
})
const request = (body: string, rest: Wire = {}): ReturnType<typeof decode>['event']['request'] =>
  decode({ path: PATH, request: body, ...rest }).event.request

describe('openai request', () => {
  it('reads parameters', () => {
    const read = request(
      '{"model":"m","max_completion_tokens":9,"max_tokens":8,"temperature":0.5,"top_p":0.9,"n":2,"seed":-4,"stop":"END",' +
        '"frequency_penalty":0.1,"presence_penalty":-0.2,"reasoning_effort":"high","service_tier":"flex",' +
        '"response_format":{"type":"json_schema"},"messages":[{"role":"developer","content":"Be brief."}]}',
    )
    expect(read).toMatchObject({
      stream: false,
      apiType: 'chat_completions',
      maxTokens: 9,
      temperature: 0.5,
      topP: 0.9,
      choiceCount: 2,
      seed: -4,
      stopSequences: ['END'],
      frequencyPenalty: 0.1,
      presencePenalty: -0.2,
      reasoningLevel: 'high',
      serviceTier: 'flex',
      outputType: 'json',
      inputMessages: [{ role: 'developer', parts: [{ type: 'text', content: 'Be brief.' }] }],
    })
    expect(read.systemInstructions).toBeUndefined()
  })

  it('reads tools, calls, results and other content', () => {
    const read = request(
      '{"model":"m","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"custom","custom":{"name":"g"}}],"messages":[' +
        '{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAA="}},{"type":"input_audio","input_audio":{"data":"BBB=","format":"mp3"}},{"type":"file","file":{"file_id":"file-1"}}]},' +
        '{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\\"a\\":1}"}},{"id":"c2","type":"custom","custom":{"name":"g","input":"{1}"}}]},' +
        '{"role":"tool","tool_call_id":"c1","content":"done"}]}',
    )
    expect(read.toolDefinitions).toEqual([
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' } },
      { type: 'custom', name: 'g' },
    ])
    expect(read.inputMessages).toEqual([
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'look' },
          { type: 'uri', modality: 'image', uri: 'https://x.test/a.png' },
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAA=' },
          { type: 'blob', modality: 'audio', mime_type: 'audio/mpeg', content: 'BBB=' },
          { type: 'file', modality: 'document', file_id: 'file-1' },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'tool_call', id: 'c1', name: 'f', arguments: { a: 1 } },
          { type: 'tool_call', id: 'c2', name: 'g', arguments: '{1}' },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'done' }] },
    ])
  })

  it("takes Azure's deployment as the model", () => {
    const azure = { path: '/openai/deployments/my-gpt/chat/completions', host: 'x.openai.azure.com' }
    const { event } = decode({ ...azure, request: '{"messages":[{"role":"user","content":"hi"}]}' })
    expect(event).toMatchObject({ providerName: 'azure.ai.openai', request: { model: 'my-gpt' } })
  })
})

describe('openai answer', () => {
  it('puts parallel tool calls together by index', () => {
    const call = (index: number, rest: string): string => delta(`{"tool_calls":[{"index":${index},${rest}}]}`)
    const { event } = decode(
      streamed(
        call(0, '"id":"c0","type":"function","function":{"name":"f","arguments":""}') +
          call(1, '"id":"c1","type":"function","function":{"name":"g","arguments":"{\\"b\\""}') +
          call(0, '"function":{"arguments":"{\\"a\\":1}"}') +
          call(1, '"function":{"arguments":":2}"}') +
          delta('{}', '"tool_calls"') +
          'data: [DONE]\n\n',
      ),
    )
    expect(event.response.outputMessages).toEqual([
      {
        role: 'assistant',
        parts: [
          { type: 'tool_call', id: 'c0', name: 'f', arguments: { a: 1 } },
          { type: 'tool_call', id: 'c1', name: 'g', arguments: { b: 2 } },
        ],
        finish_reason: 'tool_call',
      },
    ])
    expect(event.response.finishReasons).toEqual(['tool_call'])
    expect(event.firstChunkUnixNano).toBeDefined()
  })

  it('tells calls apart by id where the index does not', () => {
    const calls = ['a', 'b'].map((id) =>
      delta(`{"tool_calls":[{"index":0,"id":"${id}","function":{"name":"f","arguments":"{}"}}]}`),
    )
    const parts = decode(streamed(calls.join(''))).event.response.outputMessages?.[0]?.parts
    expect(parts?.map((part) => 'id' in part && part.id)).toEqual(['a', 'b'])
  })

  it('keeps choices positional; one that did not end is an error', () => {
    const { response } = decode(
      streamed(delta('{"content":"b"}', 'null', 1) + delta('{"content":"a"}', '"length"', 0)),
    ).event
    expect(response.finishReasons).toEqual(['length', 'error'])
    expect(response.outputMessages?.map(({ parts }) => parts)).toEqual([
      [{ type: 'text', content: 'a' }],
      [{ type: 'text', content: 'b' }],
    ])
  })

  it('normalises usage', () => {
    const usage = (json: string): unknown => decode(whole('{}', 'stop', `,"usage":${json}`)).event.usage
    expect(usage(USAGE)).toEqual({
      inputTokens: 130,
      outputTokens: 20,
      cacheReadInputTokens: 100,
      reasoningOutputTokens: 7,
    })
    // xAI's numbers: reasoning is not in completion_tokens.
    expect(
      usage(
        '{"prompt_tokens":12,"completion_tokens":1,"total_tokens":399,"completion_tokens_details":{"reasoning_tokens":386}}',
      ),
    ).toMatchObject({ outputTokens: 387, reasoningOutputTokens: 386 })
    expect(usage('{"prompt_tokens":"12","completion_tokens":1.5,"prompt_tokens_details":[]}')).toBeUndefined()
  })

  it('keeps a refusal apart from text', () => {
    const refusal = [{ type: 'generic', generic_type: 'refusal', content: 'No.' }]
    expect(
      decode(whole('{"role":"assistant","content":null,"refusal":"No."}')).event.response.outputMessages?.[0]
        ?.parts,
    ).toEqual(refusal)
    expect(
      decode(streamed(delta('{"refusal":"No."}', '"stop"'))).event.response.outputMessages?.[0]?.parts,
    ).toEqual(refusal)
  })

  it('does not glue tool arguments over a gap', () => {
    const head = delta(
      '{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\":\\"x"}}]}',
    )
    const lost = delta('{"tool_calls":[{"index":0,"function":{"arguments":"y"}}]}')
    const tail = delta('{"tool_calls":[{"index":0,"function":{"arguments":"z\\"}"}}]}')
    const wire = { ...streamed(head + lost + tail), responseGapAt: head.length, gapBytes: lost.length }
    // The gap ends right before an event, but nothing says so: the first event after it is given up too.
    expect(decode(wire).event.response.outputMessages?.[0]?.parts).toEqual([
      { type: 'tool_call', id: 'c', name: 'f' },
      { type: 'omitted', content: '[bytes were lost here]' },
    ])
  })

  it('reads errors of other servers', () => {
    const type = (response: string, status = 400): string | undefined =>
      decode({ ...whole('{}'), response, status }).event.error?.type
    expect(type('{"error":"model not found"}', 404)).toBe('404')
    expect(type('{"object":"error","message":"m","type":"BadRequestError","code":400}')).toBe('400')
    expect(type('{"error":{"code":"429","message":"m"}}', 429)).toBe('429')
    expect(type('{"error":{"code":502,"message":"m"}}', 200)).toBe('502')
    expect(type('{"error":{"code":"req_011CSHoEeqs5C35K2UUqR7Fy"}}', 500)).toBe('500')
    expect(decode({ ...whole('{}'), response: '{"detail":"no"}', status: 422 }).event.error).toEqual({
      type: '422',
      message: 'no',
    })
  })
})
