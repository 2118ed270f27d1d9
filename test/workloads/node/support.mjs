// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * What every node workload shares: the uniform options in, one JSON line out (see ../README.md). Makes no call itself.
 * @module
 */
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'

/** The uniform options. An unknown one throws: exit 1, nothing sent. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      api: { type: 'string', default: 'openai' },
      model: { type: 'string', default: 'fake-plain' },
      prompt: { type: 'string', default: 'Say hello.' },
      'prompt-bytes': { type: 'string', default: '0' },
      calls: { type: 'string', default: '1' },
      concurrency: { type: 'string', default: '1' },
      'abort-after': { type: 'string', default: '0' },
      stream: { type: 'boolean', default: false },
      tools: { type: 'boolean', default: false },
    },
  })
  const promptBytes = Number(values['prompt-bytes'])
  return {
    ...values,
    prompt: promptBytes > 0 ? 'x'.repeat(promptBytes) : values.prompt,
    calls: Number(values.calls),
    concurrency: Number(values.concurrency),
    /** Leave the stream after so many events (raw clients: pieces of the body); 0 = read it all. */
    abortAfter: Number(values['abort-after']),
  }
}

/** @typedef {ReturnType<typeof readOptions>} Options */

export const TOOL_PARAMETERS = {
  type: /** @type {const} */ ('object'),
  properties: { city: { type: 'string' }, unit: { type: 'string' } },
  required: ['city'],
}

/**
 * The body both raw clients send; `number` makes the calls of one run, and so their response ids, differ.
 * @param {Options} options
 * @param {number} number
 */
export function requestBody({ api, model, prompt, stream, tools }, number) {
  const common = {
    model,
    messages: [{ role: 'user', content: `${prompt} #${number}` }],
    ...(stream && { stream }),
  }
  if (api === 'anthropic')
    return {
      ...common,
      max_tokens: 1024,
      ...(tools && { tools: [{ name: 'get_weather', input_schema: TOOL_PARAMETERS }] }),
    }
  return {
    ...common,
    ...(stream && { stream_options: { include_usage: true } }),
    ...(tools && {
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: TOOL_PARAMETERS } }],
    }),
  }
}

/** @param {Options} options */
export function endpoint({ api }) {
  const base = process.env['BASE_URL']
  if (base === undefined) throw new Error('BASE_URL is not set')
  return new URL(api === 'anthropic' ? '/v1/messages' : '/v1/chat/completions', base)
}

/** @param {Options} options @returns {Record<string, string>} */
export function requestHeaders({ api }) {
  const key = process.env['API_KEY'] ?? 'sk-fake'
  return {
    'content-type': 'application/json',
    'accept-encoding': 'gzip, deflate, br',
    ...(api === 'anthropic'
      ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
      : { authorization: `Bearer ${key}` }),
  }
}

/** @param {string | Uint8Array} bytes */
export function digest(bytes) {
  return { bytes: Buffer.byteLength(bytes), sha256: createHash('sha256').update(bytes).digest('hex') }
}

/**
 * Runs `call` as often and as widely as the options say, then prints what it saw.
 * @param {string} client
 * @param {Options} options
 * @param {(number: number) => Promise<object>} call
 */
export async function runCalls(client, { calls, concurrency }, call) {
  /** @type {object[]} */
  const results = []
  let next = 0
  const worker = async () => {
    for (let number = next++; number < calls; number = next++) results[number] = await call(number)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  process.stdout.write(`${JSON.stringify({ client, pid: process.pid, calls: results })}\n`)
}
