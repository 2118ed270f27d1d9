// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The shape of Anthropic messages (https://docs.anthropic.com/en/api/messages and /messages-streaming, seen 2026-11).
 * In: a parsed request. Out: headers, a body or the events of a stream. Knows nothing of HTTP framing.
 * @module
 */
import { REFUSAL, answerText, answeringModel, countUsage, splitText, toolCalls } from './content.mjs'

/** @typedef {import('./answer.mjs').Call} Call */

export const anthropic = {
  path: '/v1/messages',

  /** @param {Call} call */
  requestId: (call) => requestIdOf(call),

  /** @param {Call} call @returns {Record<string, string>} */
  headers: (call) => ({
    'anthropic-organization-id': 'org-fake',
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '49',
    'request-id': requestIdOf(call),
  }),

  /** @param {Call} call */
  id: ({ hash }) => `msg_${hash.slice(0, 24)}`,

  /** @param {Call} call */
  body: (call) => ({ ...message(call, blocks(call)), stop_reason: stopReason(call), usage: usage(call) }),

  /** @param {Call} call @returns {Generator<string>} whole SSE events */
  *events(call) {
    const { behaviour } = call
    const { output_tokens, ...input } = usage(call)
    const started = { ...message(call, []), stop_reason: null, usage: { ...input, output_tokens: 1 } }
    yield event({ type: 'message_start', message: started })
    for (const [index, block] of blocks(call).entries()) yield* blockEvents(call, index, block)
    for (let extra = 0; behaviour.forever; extra++)
      yield event({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: ` and ${extra}` },
      })
    if (behaviour.error) return yield event(anthropic.error(call, 529))
    const delta = { stop_reason: stopReason(call), stop_sequence: null }
    yield event({ type: 'message_delta', delta, usage: { output_tokens } })
    yield event({ type: 'message_stop' })
  },

  /** @param {Call} call @param {number} status */
  error: (call, status) => ({
    type: 'error',
    error: errorObject(call, status),
    request_id: requestIdOf(call),
  }),
}

/** @typedef {{ type: 'text', text: string } | { type: 'tool_use', id: string, name: string, input: object }} Block */

/** @param {Call} call @returns {Block[]} */
function blocks({ behaviour, hash }) {
  if (behaviour.refusal) return [{ type: 'text', text: REFUSAL }]
  return [
    { type: 'text', text: answerText(behaviour) },
    ...toolCalls(behaviour, hash).map(({ id, name, input }) => ({
      type: /** @type {const} */ ('tool_use'),
      id: `toolu_${id}`,
      name,
      input,
    })),
  ]
}

/** @param {Call} call @param {number} index @param {Block} block */
function* blockEvents({ behaviour }, index, block) {
  const isText = block.type === 'text'
  const content_block = isText ? { ...block, text: '' } : { ...block, input: {} }
  yield event({ type: 'content_block_start', index, content_block })
  if (index === 0) yield event({ type: 'ping' })
  const deltas = isText
    ? splitText(block.text, behaviour.events).map((text) => ({ type: 'text_delta', text }))
    : splitText(JSON.stringify(block.input), 4).map((partial_json) => ({
        type: 'input_json_delta',
        partial_json,
      }))
  for (const delta of deltas) yield event({ type: 'content_block_delta', index, delta })
  // A stream that goes on for ever, or breaks, does so inside its first block.
  if (!behaviour.forever && !behaviour.error) yield event({ type: 'content_block_stop', index })
}

/** @param {Call} call @param {Block[]} content */
function message(call, content) {
  return {
    id: anthropic.id(call),
    type: 'message',
    role: 'assistant',
    model: answeringModel(call.request.model),
    content,
    stop_sequence: null,
  }
}

/** @param {Call} call */
function stopReason({ behaviour }) {
  return behaviour.refusal ? 'refusal' : behaviour.tools > 0 ? 'tool_use' : 'end_turn'
}

/** `input_tokens` is what the cache did not serve, unlike OpenAI's `prompt_tokens`. @param {Call} call */
function usage({ behaviour, request }) {
  const { input, cached, output } = countUsage(
    [request.system, request.messages],
    answerText(behaviour),
    behaviour,
  )
  return {
    input_tokens: input - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: output,
    service_tier: 'standard',
  }
}

/** @param {Call} call @param {number} status */
function errorObject({ key }, status) {
  if (status === 401) return { type: 'authentication_error', message: `invalid x-api-key: ${key}` }
  if (status === 429)
    return { type: 'rate_limit_error', message: "This request would exceed your organization's rate limit." }
  if (status === 529) return { type: 'overloaded_error', message: 'Overloaded' }
  if (status < 500) return { type: 'invalid_request_error', message: 'messages: the request is not valid' }
  return { type: 'api_error', message: 'Internal server error' }
}

/** @param {Call} call */
function requestIdOf({ hash }) {
  return `req_${hash.slice(0, 24)}`
}

/** @param {{ type: string, [key: string]: unknown }} value */
function event(value) {
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
}
