// SPDX-License-Identifier: Apache-2.0
/**
 * The fake providers and the workloads against each other, without a sensor: what a client saw is what the ledger says.
 * Only clients that a machine with Node has; the rest stand in the live tests.
 * @module
 */
import { connect } from 'node:tls'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseBehaviour } from './server/behaviour.mjs'
import { answerText, splitText } from './server/content.mjs'
import { type FakeServer, startFakeServer } from './server/start.mjs'
import { type ClientName, runWorkload } from './workloads/run.mjs'

let server: FakeServer

beforeAll(async () => {
  server = await startFakeServer({ distanceMs: 20 })
})
beforeEach(() => server.reset())
afterAll(() => server.stop())

async function run(client: ClientName, ...args: string[]) {
  const result = await runWorkload(client, args, { url: server.baseUrl, caFile: server.caFile })
  expect(result.stderr).toBe('')
  expect(result.exitCode).toBe(0)
  return { calls: result.reports.flatMap(({ calls }) => calls), truth: await server.read() }
}

test.each([
  'gzip',
  'deflate',
  'br',
  'trailers',
  'extensions',
  'close',
  'split',
  'cjk',
  'gzip-cjk',
  'br-extensions',
])('a raw client reads the body the server wrote: %s', async (words) => {
  for (const stream of [[], ['--stream']]) {
    await server.reset()
    const { calls, truth } = await run('node-https', '--model', `fake-${words}`, ...stream)
    expect(calls[0]).toMatchObject({ status: 200, body: truth.exchanges[0]?.response })
    expect(truth.exchanges[0]?.outcome).toBe('completed')
  }
})

test('coded and decoded lengths differ, and the trailer arrives', async () => {
  const { calls, truth } = await run('node-https', '--stream', '--model', 'fake-trailers-gzip')
  expect(calls[0].trailers).toEqual({ 'x-fake-trailer': 'done' })
  expect(truth.exchanges[0]?.coded.bytes).toBeLessThan(truth.exchanges[0]?.response.bytes ?? 0)
})

test('one connection serves all calls of a keep-alive client, with the raw bytes counted', async () => {
  const { calls, truth } = await run('node-https', '--calls', '3', '--prompt-bytes', '100000')
  expect(calls.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(truth.connections).toHaveLength(1)
  const bodies = truth.exchanges.reduce((sum, { request }) => sum + request.bytes, 0)
  expect(truth.connections[0]?.received.bytes).toBeGreaterThan(bodies)
})

test('fifty calls on one event loop end as fifty exchanges', async () => {
  const { calls, truth } = await run('node-fetch', '--calls', '50', '--concurrency', '50')
  expect(new Set(truth.exchanges.map(({ responseId }) => responseId)).size).toBe(50)
  expect(calls.filter(({ status }) => status === 200)).toHaveLength(50)
})

test('pipelined requests are answered in order, HEAD and DELETE among them', async () => {
  const { calls, truth } = await run('node-pipeline', '--calls', '3')
  expect(calls[0]).toMatchObject({ answers: 6, received: truth.connections[0]?.sent })
  expect(truth.exchanges.map(({ method, status }) => `${method} ${status}`)).toEqual([
    'POST 200',
    'POST 200',
    'POST 200',
    'HEAD 200',
    'DELETE 204',
    'GET 200',
  ])
})

test.each(['openai', 'anthropic'] as const)('the %s SDK understands every answer', async (sdk) => {
  const text = Buffer.byteLength(answerText(parseBehaviour('')))
  const plain = await run(sdk, '--model', 'fake-cached')
  expect(plain.calls[0]).toMatchObject({ status: 200, text: { bytes: text }, usage: {} })
  expect(plain.calls[0].requestId).toBe(plain.truth.exchanges[0]?.requestId)
  const stream = await run(sdk, '--stream', '--model', 'fake-events20')
  expect(stream.calls[0]).toMatchObject({ status: 200, text: { bytes: text } })
  for (const mode of [[], ['--stream']]) {
    const tools = await run(sdk, '--tools', '--model', 'fake-tools2', ...mode)
    expect(tools.calls[0].toolCalls.map((call: string) => JSON.parse(call))).toEqual([
      { city: 'Zürich', unit: 'celsius' },
      { city: '城市 1', unit: 'celsius' },
    ])
  }
})

test.each([
  ['openai', 'fake-status429', 429],
  ['openai', 'fake-status401', 401],
  ['openai', 'fake-status500', 500],
  ['anthropic', 'fake-status429', 429],
  ['anthropic', 'fake-status401', 401],
  ['anthropic', 'fake-status529', 529],
] as const)('the %s SDK reads %s as its API error', async (sdk, model, status) => {
  const { calls, truth } = await run(sdk, '--model', model)
  expect(calls[0]).toMatchObject({ status, requestId: truth.exchanges[0]?.requestId })
})

test.each(['openai', 'anthropic'] as const)('the %s SDK meets an error event in mid-stream', async (sdk) => {
  const { calls } = await run(sdk, '--stream', '--model', 'fake-error')
  expect(calls[0].error).toMatch(/server_error|overloaded_error/)
})

test.each(['openai', 'anthropic'] as const)('the %s SDK leaves a stream that never ends', async (sdk) => {
  await run(sdk, '--stream', '--abort-after', '5', '--model', 'fake-forever-pace5')
  const { exchanges } = await untilClosed()
  expect(exchanges[0]?.outcome).toBe('client-left')
})

test('a dropped connection is the server’s doing', async () => {
  const { calls } = await run('node-https', '--stream', '--model', 'fake-truncated')
  expect(calls[0].error).toMatch(/aborted/)
  expect((await untilClosed()).exchanges[0]?.outcome).toBe('dropped')
})

test('Expect: 100-continue gets its interim answer before the body is sent', async () => {
  const { port } = new URL(server.baseUrl)
  const socket = connect({ port: Number(port), servername: 'localhost', ca: readFileSync(server.caFile) })
  const body = '{"model":"fake-plain"}'
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  socket.once('data', (interim) => {
    expect(interim.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(body)
  })
  const answer = Buffer.concat(await socket.toArray()).toString()
  expect(answer).toContain('HTTP/1.1 200 OK')
})

test('an unknown word in a fake model is refused, not ignored', async () => {
  expect(() => parseBehaviour('fake-gizp')).toThrow('gizp')
  const { calls } = await run('openai', '--model', 'fake-gizp')
  expect(calls[0].status).toBe(400)
})

test('text is cut on character borders and has the length that was asked for', () => {
  const text = answerText(parseBehaviour('fake-cjk-bytes1001'))
  expect(Buffer.byteLength(text)).toBe(1001)
  expect(splitText(text, 37).join('')).toBe(text)
  for (const part of splitText(text, 300)) expect(Buffer.from(part).toString()).toBe(part)
})

/** The client is gone; the server learns of it a moment later. The test's own deadline ends the waiting. */
async function untilClosed() {
  for (;;) {
    const truth = await server.read()
    if (truth.connections.every(({ closed }) => closed)) return truth
  }
}
