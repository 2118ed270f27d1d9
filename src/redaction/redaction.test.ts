// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeEvent, makeFailure, makeProcess } from '../../test/support/inference-event.js'
import type { InferenceEvent } from '../provider/types.js'
import { createRun, type RunSettings } from '../run/index.js'
import type { Attributes, Resource, Telemetry } from '../run/types.js'
import { createStats } from '../stats.js'
import { createRedaction, type RedactionSettings } from './redaction.js'
import type { Redacted } from './types.js'

const KEY = new Uint8Array(32).fill(7)

function open(settings: Partial<RedactionSettings> = {}) {
  const stats = createStats()
  const out: Redacted<Telemetry>[] = []
  const next = { consume: (item: Redacted<Telemetry>) => void out.push(item), tick() {}, end() {} }
  return { stats, out, room: createRedaction({ stats, mode: 'safe', key: KEY, ...settings }, next) }
}

/** One event through run and redaction; all that left, metrics included. */
function pass(
  event: InferenceEvent,
  settings: Partial<RedactionSettings> = {},
  runSettings: Partial<RunSettings> = {},
) {
  const { stats, out, room } = open(settings)
  const run = createRun({ stats, bootId: 'boot', version: '1.2.3', ...runSettings }, room)
  run.consume(event)
  run.end()
  const [first] = out
  return { stats, out, telemetry: first!, span: first!.spans[0]!, record: first!.logRecords[0]! }
}

function passAttributes(attributes: Attributes, settings: Partial<RedactionSettings> = {}): Attributes {
  const { out, room } = open(settings)
  room.consume({
    resource: { attributes, schemaUrl: '' },
    scope: { name: 'oisp-sensor', version: '1', schemaUrl: '' },
    spans: [],
    logRecords: [],
    metrics: [],
  })
  return out[0]!.resource.attributes
}

const asText = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}` : item))

/** Made to look like what people really put in the wrong field. */
const KEY_CANARY = 'sk-proj-CANARY0123456789abcdef'
const SENTENCE_CANARY = 'CANARY what the user said, 42'

describe('safe mode', () => {
  it('lets no content out: prompt, system, tools, arguments, results, stop sequences, argv, error text', () => {
    for (const event of [makeEvent(), makeFailure()]) {
      expect(asText(event)).toContain('CANARY') // or the test would prove nothing
      expect(asText(pass(event).out)).not.toContain('CANARY')
    }
  })

  it.each([KEY_CANARY, SENTENCE_CANARY])(
    'lets %j out of no field that a client or server fills',
    (canary) => {
      const { request, response } = makeEvent()
      const event = makeEvent(
        {
          providerName: canary,
          serverAddress: canary,
          request: {
            ...request,
            model: canary,
            outputType: canary,
            reasoningLevel: canary,
            serviceTier: canary,
            apiType: canary,
          },
          response: {
            ...response,
            id: canary,
            model: canary,
            finishReasons: [canary],
            serviceTier: canary,
            systemFingerprint: canary,
          },
          error: { type: canary, message: canary },
          traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
          tracestate: `vendor=${KEY_CANARY}`,
          userAgent: `${canary} \u0001`,
          requestId: canary,
          clientRequestId: canary,
          credentials: [{ source: 'x', class: canary, fingerprint: canary }],
        },
        makeProcess({ script: `/srv/${KEY_CANARY}/x\u0001`, executable: `/srv/${KEY_CANARY}`, comm: canary }),
      )
      for (const mode of ['safe', 'full'] as const)
        for (const traceparent of ['link', 'parent'] as const) {
          const withoutContent = {
            ...event,
            request: { ...event.request, inputMessages: [], stopSequences: [] },
          }
          const { out } = pass(
            { ...withoutContent, error: { type: canary, message: undefined } },
            { mode },
            { traceparent },
          )
          expect(asText(out).replaceAll(/CANARY-(system|tool|arguments)-1/g, '')).not.toContain('CANARY')
        }
    },
  )

  it('says hashes, sizes and counts in place of content', () => {
    const { attributes } = pass(makeEvent()).span
    expect(attributes).toMatchObject({
      'oisp.content.input.message_count': 2,
      'oisp.content.input.part_count': 3,
      'oisp.content.input.tool_result_count': 1,
      'oisp.content.tool_definition_count': 1,
      'oisp.content.output.message_count': 1,
      'oisp.content.output.part_count': 1,
      'oisp.content.output.tool_call_count': 1,
    })
    expect(attributes['oisp.content.input.hmac']).toMatch(/^[0-9a-f]{64}$/)
    expect(attributes['oisp.content.output.hmac']).toMatch(/^[0-9a-f]{64}$/)
    expect(attributes['oisp.content.input.bytes']).toBeGreaterThan(60)
    expect(attributes['oisp.redaction.key_id']).toMatch(/^[0-9a-f]{16}$/)
  })

  it('gives equal content equal hashes under one key, and others under another', () => {
    const hashOf = (event: InferenceEvent, key = KEY) =>
      pass(event, { key }).span.attributes['oisp.content.input.hmac']
    const other = makeEvent()
    other.request.inputMessages![0]!.parts[0] = { type: 'text', content: 'something else' }
    expect(hashOf(makeEvent())).toBe(hashOf(makeEvent()))
    expect(hashOf(makeEvent())).not.toBe(hashOf(other))
    expect(hashOf(makeEvent())).not.toBe(hashOf(makeEvent(), new Uint8Array(32).fill(8)))
  })

  it('says nothing about content that was not there', () => {
    const event = makeEvent({
      request: { model: 'm', stream: false, bodyBytes: 0 },
      response: { bodyBytes: 0 },
    })
    expect(
      Object.keys(pass(event).span.attributes).filter((key) => /oisp\.(content|redaction)/.test(key)),
    ).toEqual([])
  })

  it('drops the description of an error and keeps its type', () => {
    const { span } = pass(makeFailure())
    expect(span.status).toEqual({ code: 2 })
    expect(span.attributes['error.type']).toBe('rate_limit_exceeded')
  })
})

describe('both modes', () => {
  it('drop attributes, events and metrics that are not in the table, and count them', () => {
    const { stats, out, room } = open({ mode: 'full' })
    const { telemetry } = pass(makeEvent(), { mode: 'full' })
    const [record] = telemetry.logRecords
    room.consume({
      ...telemetry,
      spans: [
        {
          ...telemetry.spans[0]!,
          attributes: { prompt: 'CANARY', constructor: 'CANARY', 'process.command_args': ['CANARY'] },
        },
      ],
      logRecords: [{ ...record!, eventName: 'gen_ai.choice' }],
      metrics: [{ kind: 'sum', name: 'CANARY', unit: '1', description: '', points: [] }],
    })
    expect(out[0]!.spans[0]!.attributes).toEqual({})
    expect(asText(out)).not.toContain('CANARY')
    expect(stats.get('attributes.dropped', 'unknown')).toBe(2)
    expect(stats.get('attributes.dropped', 'secret')).toBe(1)
    expect(stats.get('log_records.dropped', 'unknown_event')).toBe(1)
    expect(stats.get('metrics.dropped', 'unknown_metric')).toBe(1)
  })

  it.each([
    'gpt-4o-mini-2024-07-18',
    'claude-opus-4-5@20251101',
    'ft:gpt-4o-mini:acme::9xYz',
    'hf.co/a/Llama-3.2-3B-GGUF:Q4_K_M',
  ])('keep the model name %s', (model) => {
    const { span } = pass(makeEvent({ request: { ...makeEvent().request, model } }))
    expect(span.attributes['gen_ai.request.model']).toBe(model)
    expect(span.name).toBe(`chat ${model}`)
  })

  it.each([KEY_CANARY, 'two words', 'a'.repeat(129), 'x9'.repeat(17), ''])(
    'hash the model name %j, in the span name too',
    (model) => {
      const { span, out } = pass(makeEvent({ request: { ...makeEvent().request, model } }), { mode: 'full' })
      const hash = span.attributes['gen_ai.request.model']
      expect(hash).toMatch(/^hmac:[0-9a-f]{32}$/)
      expect(span.name).toBe(`chat ${String(hash)}`)
      const points = out[1]!.metrics.flatMap((metric): { attributes: Attributes }[] => metric.points)
      expect(new Set(points.map(({ attributes }) => attributes['gen_ai.request.model']))).toEqual(
        new Set([hash]),
      )
    },
  )

  it.each([
    ['gen_ai.request.seed', '42'],
    ['gen_ai.request.seed', 1.5],
    ['gen_ai.request.temperature', Infinity],
    ['gen_ai.request.temperature', { a: 1 }],
    ['gen_ai.request.stream', 'true'],
    ['gen_ai.response.finish_reasons', 'stop'],
    ['gen_ai.response.finish_reasons', ['stop', 1]],
    ['gen_ai.response.finish_reasons', new Array(129).fill('stop')],
    ['gen_ai.response.id', 7],
    ['oisp.capture.completeness', 'mostly'],
  ])('drop %s = %o, which is of another type', (key, value) =>
    expect(passAttributes({ [key]: value })).toEqual({}),
  )

  it.each([
    ['error.type', 'it went wrong', '_OTHER'],
    ['error.type', 'e9f1a2', '_OTHER'],
    ['error.type', '529', '529'],
    ['error.type', 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED'],
    ['gen_ai.response.finish_reasons', ['stop', 'my secret 1'], ['stop', '_OTHER']],
    ['server.address', '127.0.0.1', '127.0.0.1'],
    ['server.address', '::1', '::1'],
    ['gen_ai.request.model', 'a'.repeat(10_000_000), expect.stringMatching(/^hmac:/)],
    ['service.name', 'agent \u65e5\u672c.py', 'agent \u65e5\u672c.py'],
    ['process.executable.path', '/opt/my app/bin/node', '/opt/my app/bin/node'],
  ])('make of %s = %s %s', (key, value, expected) =>
    expect(passAttributes({ [key]: value })).toEqual({ [key]: expected }),
  )

  it("pass the operator's own resource attributes, and nobody else's of that name", () => {
    const resource: Resource = { attributes: { team: 'blue' }, schemaUrl: '' }
    expect(passAttributes({ team: 'blue' }, { resource })).toEqual({ team: 'blue' })
    expect(passAttributes({ team: 'red' }, { resource })).toEqual({})
  })

  it('do not read content twice for the span and its log record', () => {
    const { span, record } = pass(makeEvent())
    expect(record.attributes).toBe(span.attributes)
  })
})

describe('full mode', () => {
  it('keeps content in the shape of the conventions, the same objects, and hashes nothing', () => {
    const event = makeEvent()
    const { attributes } = pass(event, { mode: 'full' }).span
    expect(attributes['gen_ai.input.messages']).toBe(event.request.inputMessages)
    expect(attributes['gen_ai.output.messages']).toBe(event.response.outputMessages)
    expect(attributes['gen_ai.system_instructions']).toBe(event.request.systemInstructions)
    expect(attributes['gen_ai.tool.definitions']).toBe(event.request.toolDefinitions)
    expect(attributes['gen_ai.request.stop_sequences']).toEqual(['CANARY-stop-1'])
    expect(attributes).not.toHaveProperty('oisp.content.input.hmac')
    expect(asText(attributes)).not.toContain('CANARY-argv')
  })

  it('keeps the description of an error without the key that it quotes', () =>
    expect(pass(makeFailure(), { mode: 'full' }).span.status).toEqual({
      code: 2,
      message: 'CANARY-message-1: [credential] is over its limit',
    }))

  it('finds a key wherever it stands in a long description', () => {
    for (const at of [4060, 4080, 4096, 8180]) {
      const message = `${'x '.repeat(at / 2)}${KEY_CANARY} ${'y'.repeat(9000)}`
      const { span } = pass(makeFailure({ error: { type: 'x', message } }), { mode: 'full' })
      expect(span.status.message).not.toContain('sk-proj')
      expect(span.status.message).toHaveLength(4096)
    }
  })

  it('shortens what is too large and says so', () => {
    const event = makeEvent()
    const text = 'x'.repeat(900)
    event.request.inputMessages = [1, 2, 3].map((at) => ({
      role: 'user',
      parts: [{ type: 'text', content: `${at}${text}` }],
    }))
    event.request.stopSequences = [text, text]
    const { span, stats } = pass(event, { mode: 'full', maxContentBytes: 1200 })
    expect(span.attributes['gen_ai.input.messages']).toEqual([
      { role: 'system', parts: [{ type: 'omitted', content: '[2 messages omitted]' }] },
      event.request.inputMessages[2],
    ])
    expect(span.attributes).not.toHaveProperty('gen_ai.request.stop_sequences')
    expect(span.attributes['oisp.content.truncated']).toEqual([
      'gen_ai.request.stop_sequences',
      'gen_ai.input.messages',
    ])
    expect(stats.get('content.truncated', 'gen_ai.input.messages')).toBe(1)
  })
})
