// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The shape of OpenAI chat completions (https://platform.openai.com/docs/api-reference/chat, seen 2026-11).
 * In: a parsed request. Out: headers, a body or the events of a stream. Knows nothing of HTTP framing.
 * @module
 */
import { REFUSAL, answerText, answeringModel, countUsage, splitText, toolCalls } from './content.mjs'

/** @typedef {import('./answer.mjs').Call} Call */

export const openai = {
  path: '/v1/chat/completions',

  /** @param {Call} call */
  requestId: ({ hash }) => `req_${hash.slice(0, 32)}`,

  /** @param {Call} call @returns {Record<string, string>} */
  headers: (call) => ({
    'openai-organization': 'org-fake',
    'openai-processing-ms': '42',
    'openai-version': '2020-10-01',
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '499',
    'x-request-id': openai.requestId(call),
  }),

  /** @param {Call} call */
  id: ({ hash }) => `chatcmpl-${hash.slice(0, 29)}`,

  /** @param {Call} call */
  body(call) {
    const { behaviour, request } = call
    const message = {
      role: 'assistant',
      content: behaviour.refusal || behaviour.tools > 0 ? null : answerText(behaviour),
      refusal: behaviour.refusal ? REFUSAL : null,
      ...(behaviour.tools > 0 && { tool_calls: tools(call) }),
      annotations: [],
    }
    return {
      ...envelope(call, 'chat.completion'),
      choices: Array.from({ length: request.n ?? 1 }, (_, index) => ({
        index,
        message,
        logprobs: null,
        finish_reason: finishReason(call),
      })),
      usage: usage(call),
    }
  },

  /** @param {Call} call @returns {Generator<string>} whole SSE events */
  *events(call) {
    const { behaviour, request } = call
    const first = { role: 'assistant', content: '', refusal: null }
    yield event(chunk(call, first))
    for (const delta of deltas(call)) yield event(chunk(call, delta))
    for (let extra = 0; behaviour.forever; extra++) yield event(chunk(call, { content: ` and ${extra}` }))
    if (behaviour.error) return yield event({ error: errorObject(call, 500) })
    yield event(chunk(call, {}, finishReason(call)))
    if (request.stream_options?.include_usage === true)
      yield event({ ...envelope(call, 'chat.completion.chunk'), choices: [], usage: usage(call) })
    yield 'data: [DONE]\n\n'
  },

  /** @param {Call} call @param {number} status */
  error: (call, status) => ({ error: errorObject(call, status) }),
}

/** @param {Call} call */
function* deltas(call) {
  const { behaviour } = call
  if (behaviour.refusal) return yield* splitText(REFUSAL, 4).map((refusal) => ({ refusal }))
  if (behaviour.tools === 0)
    return yield* splitText(answerText(behaviour), behaviour.events).map((content) => ({ content }))
  for (const [index, tool] of tools(call).entries()) {
    yield { tool_calls: [{ ...tool, index, function: { name: tool.function.name, arguments: '' } }] }
    for (const part of splitText(tool.function.arguments, 4))
      yield { tool_calls: [{ index, function: { arguments: part } }] }
  }
}

/** @param {Call} call */
function tools({ behaviour, hash }) {
  return toolCalls(behaviour, hash).map(({ id, name, input }) => ({
    id: `call_${id}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }))
}

/** @param {Call} call @param {string} object */
function envelope(call, object) {
  return {
    id: openai.id(call),
    object,
    created: 1767225600,
    model: answeringModel(call.request.model),
    service_tier: 'default',
    system_fingerprint: 'fp_fake',
  }
}

/** @param {Call} call @param {object} delta @param {string | null} finish_reason */
function chunk(call, delta, finish_reason = null) {
  return {
    ...envelope(call, 'chat.completion.chunk'),
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(call.request.stream_options?.include_usage === true && { usage: null }),
  }
}

/** @param {Call} call */
function finishReason({ behaviour }) {
  return behaviour.tools > 0 ? 'tool_calls' : 'stop'
}

/** @param {Call} call */
function usage({ behaviour, request }) {
  const { input, cached, reasoning, output } = countUsage(request.messages, answerText(behaviour), behaviour)
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** @param {Call} call @param {number} status */
function errorObject({ key }, status) {
  if (status === 401)
    return {
      message: `Incorrect API key provided: ${key}. You can find your API key at https://platform.openai.com/account/api-keys.`,
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    }
  if (status === 429)
    return {
      message: 'Rate limit reached for requests. Limit: 3 / min. Please try again in 20s.',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    }
  if (status < 500)
    return { message: 'The request is not valid.', type: 'invalid_request_error', param: 'model', code: null }
  return {
    message: 'The server had an error while processing your request.',
    type: 'server_error',
    param: null,
    code: null,
  }
}

/** @param {unknown} value */
function event(value) {
  return `data: ${JSON.stringify(value)}\n\n`
}
