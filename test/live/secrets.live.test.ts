// SPDX-License-Identifier: Apache-2.0
/**
 * In the default mode nothing that a program said, was told or was started with leaves the sensor: not by OTLP, not on the screen,
 * not in its log at the most talkative level, not in its state folder. The same run in full mode shows that the test can see.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFakeServer, type FakeServer } from '../server/start.mjs'
import { startHttpCollector, type Collector } from '../support/collector.js'
import { describeLive } from './support/permitted.js'
import { until } from './support/until.js'

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname

/** Every place a secret can stand in, each with a canary of its own. Lower case: hex and base64 would not show it either. */
const CANARIES = {
  authorization: 'sk-canaryauthorization0123456789',
  apiKey: 'sk-ant-api03-canaryapikey0123456789',
  cookie: 'canarycookie',
  query: 'canaryquery',
  prompt: 'canaryprompt',
  toolArguments: 'canarytoolarguments',
  toolDescription: 'canarytooldescription',
  system: 'canarysystem',
  argument: 'canaryargument',
  environment: 'canaryenvironment',
  unknownHeader: 'canaryunknownheader',
  userAgent: 'canaryuseragent',
}

let folder: string
let server: FakeServer
let collector: Collector
let sensor: ChildProcess | undefined
let screen: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-secrets-'))
  server = await startFakeServer({})
  collector = await startHttpCollector({})
  screen = ''
})
afterEach(async () => {
  sensor?.kill('SIGKILL')
  await Promise.all([server.stop(), collector.stop()])
  rmSync(folder, { recursive: true, force: true })
})

async function startSensor(...flags: string[]): Promise<void> {
  const env = {
    PATH: process.env['PATH'],
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_LOG_LEVEL: 'debug',
    OISP_STATE_DIRECTORY: folder,
  }
  const child = spawn(process.execPath, [MAIN, 'run', ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  sensor = child
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (screen += text))
  await until('the sensor to be ready', () => /is ready/.test(screen) || undefined, 60_000)
}

async function stopSensor(): Promise<void> {
  const exited = once(sensor!, 'exit')
  sensor!.kill('SIGINT')
  await exited
  expect(sensor!.exitCode).toBe(0)
}

/** One call with a canary everywhere; a model of the fake server decides what comes back (401 repeats the key). */
function call(model: string): void {
  const body = {
    model,
    messages: [
      { role: 'system', content: CANARIES.system },
      { role: 'user', content: CANARIES.prompt },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'look', arguments: `{"at":"${CANARIES.toolArguments}"}` },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: CANARIES.toolArguments },
    ],
    tools: [{ type: 'function', function: { name: 'look', description: CANARIES.toolDescription } }],
    stop: [CANARIES.prompt],
    user: CANARIES.prompt,
  }
  const headers = [
    `Authorization: Bearer ${CANARIES.authorization}`,
    `x-api-key: ${CANARIES.apiKey}`,
    `Cookie: session=${CANARIES.cookie}`,
    `X-Something: ${CANARIES.unknownHeader}`,
    `User-Agent: Mozilla/5.0 <${CANARIES.userAgent}>`,
    'Content-Type: application/json',
  ]
  const { status, stderr } = spawnSync(
    'curl',
    [
      ...['-sS', '--cacert', server.caFile, '--max-time', '20', '-A', 'x', '-o', '/dev/null'],
      ...headers.flatMap((header) => ['-H', header]),
      ...['-d', JSON.stringify(body), '-w', CANARIES.argument],
      `${server.baseUrl}/v1/chat/completions?key=${CANARIES.query}`,
    ],
    { encoding: 'utf8', env: { PATH: process.env['PATH'], SECRET: CANARIES.environment } },
  )
  expect(stderr).toBe('')
  expect(status).toBe(0)
}

const MODELS = ['fake-plain', 'fake-status401', 'fake-status429', 'fake-events20']

async function observeCalls(...flags: string[]): Promise<string[]> {
  await startSensor(...flags)
  for (const model of MODELS) call(model)
  const spans = () =>
    collector
      .read()
      .traces.flatMap(({ items }) => items)
      .filter(({ name }) => /fake-/.test(String(name)))
  await until('the spans of all calls', () => spans().length >= MODELS.length || undefined)
  await stopSensor()
  return [
    screen,
    ...collector.requests.map(({ body }) => Buffer.from(body).toString('latin1')),
    ...readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1')),
  ]
}

const found = (texts: string[]): string[] =>
  Object.entries(CANARIES)
    .filter(([, canary]) => texts.some((text) => text.toLowerCase().includes(canary)))
    .map(([name]) => name)

describeLive('secrets', () => {
  test('none leaves in the default mode', async () => {
    const texts = await observeCalls()
    expect(found(texts)).toEqual([])
  })

  test('full mode sends content, and still no credential', async () => {
    const texts = await observeCalls('--redaction-mode', 'full')
    expect(found(texts).sort()).toEqual(
      expect.arrayContaining(['prompt', 'system', 'toolArguments', 'toolDescription']),
    )
    for (const credential of ['authorization', 'apiKey', 'cookie', 'query', 'environment', 'argument'])
      expect(found(texts)).not.toContain(credential)
  })
})
