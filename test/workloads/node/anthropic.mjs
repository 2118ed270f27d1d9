// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** The `@anthropic-ai/sdk` package, configured by ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY alone. @module */
import Anthropic from '@anthropic-ai/sdk'
import { TOOL_PARAMETERS, digest, readOptions, runCalls } from './support.mjs'

const options = readOptions()
const client = new Anthropic({ maxRetries: 0 })

/** @param {number} number */
function parameters(number) {
  return {
    model: options.model,
    max_tokens: 1024,
    messages: [{ role: /** @type {const} */ ('user'), content: `${options.prompt} #${number}` }],
    ...(options.tools && { tools: [{ name: 'get_weather', input_schema: TOOL_PARAMETERS }] }),
  }
}

/** @param {import('@anthropic-ai/sdk/resources/messages').Message} message */
function describe(message) {
  const text = message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  return {
    id: message.id,
    model: message.model,
    text: digest(text),
    toolCalls: message.content.flatMap((block) =>
      block.type === 'tool_use' ? [JSON.stringify(block.input)] : [],
    ),
    finishReason: message.stop_reason,
    usage: message.usage,
  }
}

/** @param {number} number */
async function callStream(number) {
  const stream = client.messages.stream(parameters(number))
  let events = 0
  for await (const _event of stream) if (++events === options.abortAfter) break
  if (events === options.abortAfter) return { events, isAborted: true }
  return {
    status: stream.response?.status,
    events,
    requestId: stream.request_id,
    ...describe(await stream.finalMessage()),
  }
}

/** @param {number} number */
async function callPlain(number) {
  const { data, response, request_id } = await client.messages.create(parameters(number)).withResponse()
  return { status: response.status, requestId: request_id, ...describe(data) }
}

await runCalls('anthropic', options, async (number) => {
  try {
    return await (options.stream ? callStream(number) : callPlain(number))
  } catch (error) {
    if (!(error instanceof Anthropic.APIError)) throw error
    return { status: error.status, error: error.type ?? error.name, requestId: error.requestID }
  }
})
