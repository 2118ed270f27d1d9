// SPDX-License-Identifier: Apache-2.0
/**
 * What somebody sees who points the sensor at a trace backend: every exchange as a model call with model and tokens, in full mode with
 * its very messages, and a page that shows it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { killCommands, startCommand } from '../collector/support/command.js'
import { readSpans, type FlatSpan } from '../live/support/otlp.js'
import { describeLive } from '../live/support/permitted.js'
import { until } from '../live/support/until.js'
import { answerText } from '../server/content.mjs'
import { parseBehaviour } from '../server/behaviour.mjs'
import { startFakeServer, type FakeServer } from '../server/start.mjs'
import { capturePath, scenarios } from '../support/scenario.js'
import { runWorkload, type ClientName } from '../workloads/run.mjs'
import { renderPage } from './support/browser.js'
import { startPhoenix, type Phoenix, type PhoenixSpan } from './support/phoenix.js'
import { readPicture } from './support/png.js'

/** As `npm run demo` makes them, and the two SDKs; each call has a model of its own. */
const CALLS: [model: string, client: ClientName, ...args: string[]][] = [
  ['gpt-5', 'curl', '--api', 'openai'],
  ['claude-opus-5', 'curl', '--api', 'anthropic', '--stream'],
  ['gpt-5-mini', 'node-https', '--api', 'openai', '--stream'],
  ['claude-sonnet-5', 'node-fetch', '--api', 'anthropic'],
  ['gpt-4o', 'python-urllib', '--api', 'openai'],
  ['claude-haiku-5', 'python-urllib', '--api', 'anthropic', '--stream'],
  ['o4-mini', 'openai', '--stream'],
  ['claude-opus-4', 'anthropic'],
]
const SHOWN = 'claude-opus-5'
/** Ids of the fake providers come from the request, so each mode asks something else. */
const PROMPTS = { safe: 'What does nobody else see?', full: 'What does the sensor see?' }
const ANSWER = answerText(parseBehaviour(''))
/** One for every four bytes: so the fake providers count. */
const ANSWER_TOKENS = Math.ceil(ANSWER.length / 4)
const MAX_PICTURE_BYTES = 300 * 1024
const PICTURE = resolve(import.meta.dirname, '../../.cache/phoenix/phoenix.png')
const COMMITTED = resolve(import.meta.dirname, '../../otel-config/phoenix.png')

const { program, missing } = inject('phoenix')
const describePhoenix: typeof describeLive = (title, body) =>
  program === undefined ? describe.skip(`${title} (skipped: ${missing})`, body) : describe(title, body)
const describeLivePhoenix: typeof describeLive = (title, body) =>
  program === undefined ? describePhoenix(title, body) : describeLive(title, body)

let phoenix: Phoenix
let state: string

beforeAll(async () => {
  if (program === undefined) return
  state = mkdtempSync(join(tmpdir(), 'oisp-backend-'))
  phoenix = await startPhoenix(program)
})
afterAll(async () => {
  if (program === undefined) return
  killCommands()
  await phoenix.stop()
  rmSync(state, { recursive: true, force: true })
})

/** Phoenix takes traces alone. */
const toPhoenix = (protocol: 'grpc' | 'http/protobuf'): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? phoenix.grpcUrl : phoenix.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
  OISP_STATE_DIRECTORY: state,
})

describePhoenix('recorded exchanges', () => {
  it('are all there as LLM, with the model, tokens and messages that the sensor sent', async () => {
    const output = join(state, 'sent.jsonl')
    const args = ['replay', ...scenarios.map(capturePath), '--redaction-mode', 'full']
    await startCommand([...args, '--output', output], { OISP_STATE_DIRECTORY: state }).ended
    const sent = new Map(readSpans(output).map((span) => [span.spanId, span]))
    const { code, output: said } = await startCommand(
      [...args, '--export', 'otlp'],
      toPhoenix('http/protobuf'),
    ).ended
    expect(code, said).toBe(0)
    const spans = await phoenix.spans(sent.size, ({ context }) => sent.has(context.span_id))
    expect(spans.map(factsInPhoenix).sort(byId)).toEqual([...sent.values()].map(factsSent).sort(byId))
  })
})

describeLivePhoenix('a running sensor', () => {
  let server: FakeServer
  beforeAll(async () => (server = await startFakeServer()) && undefined)
  afterAll(() => server.stop())

  it('shows every call of unmodified clients, in safe mode without a word of it', async () => {
    const { spans, usages } = await observe('safe', 'grpc')
    const counted = spans.map(({ attributes }) => [
      attributes['llm.model_name'],
      attributes['llm.token_count.prompt'],
      attributes['llm.token_count.completion'],
    ])
    expect(spans.every(({ span_kind }) => span_kind === 'LLM')).toBe(true)
    expect(counted.sort(byModel)).toEqual(usages.sort(byModel))
    expect(JSON.stringify(spans)).not.toContain(PROMPTS.safe)
    expect(JSON.stringify(spans)).not.toContain(ANSWER)
  })

  it('shows the very messages in full mode, and a person can see them on its page', async () => {
    const { spans } = await observe('full', 'http/protobuf')
    for (const { attributes } of spans) {
      expect(attributes).toMatchObject({
        'llm.input_messages.0.message.role': 'user',
        'llm.input_messages.0.message.content': `${PROMPTS.full} #0`,
        'llm.output_messages.0.message.role': 'assistant',
        'llm.output_messages.0.message.content': ANSWER,
      })
    }
    const shown = spans.find(({ attributes }) => attributes['llm.model_name'] === SHOWN)!
    mkdirSync(resolve(PICTURE, '..'), { recursive: true })
    const text = renderPage(await phoenix.pageOf(shown), PICTURE)
    expect(text).toContain(`chat ${SHOWN}`)
    expect(text).toContain(PROMPTS.full)
    expect(text).toContain(ANSWER)
    for (const path of [PICTURE, COMMITTED]) expectPicture(path)
  })

  /** The calls of CALLS under a real sensor: their spans in Phoenix, and what they used. */
  async function observe(mode: 'safe' | 'full', protocol: 'grpc' | 'http/protobuf') {
    const sensor = startCommand(
      ['run', '--export', 'otlp', '--flush-interval', '100', '--redaction-mode', mode],
      toPhoenix(protocol),
    )
    await until('the sensor to be ready', () => sensor.output().includes('is ready') || undefined, 30_000)
    await server.reset()
    const usages: unknown[][] = []
    for (const [model, client, ...args] of CALLS) {
      const options = { url: server.baseUrl, caFile: server.caFile }
      const asked = [...args, '--model', model, '--prompt', PROMPTS[mode]]
      const { exitCode, stderr, reports } = await runWorkload(client, asked, options)
      expect(exitCode, stderr).toBe(0)
      // The SDKs say what the provider counted; the others do not read so far. The answer is the same for all.
      const said = reports[0]!.calls[0].usage
      const input = said?.prompt_tokens ?? said?.input_tokens ?? expect.any(Number)
      usages.push([model, input, said?.completion_tokens ?? said?.output_tokens ?? ANSWER_TOKENS])
    }
    const { exchanges } = await server.read()
    const ids = exchanges.map(({ responseId }) => responseId)
    expect(ids).toHaveLength(CALLS.length)
    const spans = await phoenix.spans(CALLS.length, ({ attributes }) =>
      ids.includes(attributes['gen_ai.response.id'] as string),
    )
    sensor.interrupt()
    const { code, output } = await sensor.ended
    expect(code, output).toBe(0)
    expect(spans).toHaveLength(CALLS.length)
    return { spans, usages }
  }
})

/** A picture of something: many colours, and no single one fills it. */
function expectPicture(path: string): void {
  expect(statSync(path).size).toBeLessThanOrEqual(MAX_PICTURE_BYTES)
  const { width, height, colors, background } = readPicture(readFileSync(path))
  expect([width, height]).toEqual([1400, 900])
  expect(colors).toBeGreaterThan(100)
  expect(background).toBeLessThan(0.9)
}

interface Facts {
  id: string
  kind: string
  model: unknown
  tokens: unknown[]
  messages: unknown[]
}

const byModel = ([a]: unknown[], [b]: unknown[]): number => (String(a) < String(b) ? -1 : 1)

const byId = (a: Facts, b: Facts): number => (a.id < b.id ? -1 : 1)

function factsInPhoenix({ context, span_kind, attributes }: PhoenixSpan): Facts {
  return {
    id: context.span_id,
    kind: span_kind,
    model: attributes['llm.model_name'],
    tokens: [attributes['llm.token_count.prompt'], attributes['llm.token_count.completion']],
    messages: ['input', 'output'].flatMap((side) => messagesInPhoenix(attributes, side)),
  }
}

/** `llm.input_messages.0.message.role` and so on (OpenInference), in order. */
function messagesInPhoenix(attributes: PhoenixSpan['attributes'], side: string): unknown[] {
  const messages: unknown[] = []
  for (let number = 0; ; number++) {
    const at = `llm.${side}_messages.${number}.message`
    const role = attributes[`${at}.role`]
    if (role === undefined) return messages
    messages.push([side, role, attributes[`${at}.content`]])
  }
}

/** The same, of what the sensor sent. */
function factsSent({ spanId, attributes }: FlatSpan): Facts {
  return {
    id: spanId,
    kind: 'LLM',
    model: attributes['gen_ai.request.model'],
    tokens: [attributes['gen_ai.usage.input_tokens'], attributes['gen_ai.usage.output_tokens']],
    messages: ['input', 'output'].flatMap((side) => messagesSent(attributes, side)),
  }
}

function messagesSent(attributes: FlatSpan['attributes'], side: string): unknown[] {
  const json = attributes[`gen_ai.${side}.messages`]
  const messages = JSON.parse(typeof json === 'string' ? json : '[]') as {
    role: string
    parts: { type: string; content?: string }[]
  }[]
  return messages.map(({ role, parts }) => [side, role, parts.find(({ type }) => type === 'text')?.content])
}
