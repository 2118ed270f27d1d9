// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** The `openai` package, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone, as a user would. @module */
import OpenAI from 'openai'
import { TOOL_PARAMETERS, digest, readOptions, runCalls } from './support.mjs'

const options = readOptions()
const client = new OpenAI({ maxRetries: 0 })

/** @param {number} number */
function parameters(number) {
  return {
    model: options.model,
    messages: [{ role: /** @type {const} */ ('user'), content: `${options.prompt} #${number}` }],
    ...(options.tools && {
      tools: [
        {
          type: /** @type {const} */ ('function'),
          function: { name: 'get_weather', parameters: TOOL_PARAMETERS },
        },
      ],
    }),
  }
}

/** @param {number} number */
async function callPlain(number) {
  const { data, response } = await client.chat.completions.create(parameters(number)).withResponse()
  const message = data.choices[0]?.message
  return {
    status: response.status,
    id: data.id,
    model: data.model,
    text: digest(message?.content ?? ''),
    refusal: message?.refusal,
    toolCalls: message?.tool_calls?.map((call) => ('function' in call ? call.function.arguments : '')) ?? [],
    finishReason: data.choices[0]?.finish_reason,
    usage: data.usage,
    requestId: response.headers.get('x-request-id'),
  }
}

/** @param {number} number */
async function callStream(number) {
  const { data, response } = await client.chat.completions
    .create({ ...parameters(number), stream: true, stream_options: { include_usage: true } })
    .withResponse()
  const seen = {
    status: response.status,
    id: '',
    text: '',
    events: 0,
    toolCalls: /** @type {string[]} */ ([]),
  }
  let usage, finishReason
  for await (const chunk of data) {
    const choice = chunk.choices[0]
    seen.id = chunk.id
    seen.text += choice?.delta.content ?? ''
    for (const { index, function: part } of choice?.delta.tool_calls ?? [])
      seen.toolCalls[index] = (seen.toolCalls[index] ?? '') + (part?.arguments ?? '')
    usage = chunk.usage ?? usage
    finishReason = choice?.finish_reason ?? finishReason
    // Leaving the loop aborts the request: this is how a user's code ends a stream early.
    if (++seen.events === options.abortAfter) break
  }
  return {
    ...seen,
    text: digest(seen.text),
    usage,
    finishReason,
    requestId: response.headers.get('x-request-id'),
  }
}

await runCalls('openai', options, async (number) => {
  try {
    return await (options.stream ? callStream(number) : callPlain(number))
  } catch (error) {
    if (error instanceof OpenAI.APIError)
      return {
        status: error.status,
        error: error.code ?? error.type ?? error.name,
        requestId: error.requestID,
      }
    throw error
  }
})
