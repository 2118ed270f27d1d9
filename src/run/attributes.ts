// SPDX-License-Identifier: Apache-2.0
/**
 * One model call in the words of the conventions. In: an inference event. Out: the attribute set that span and log record share,
 * content included as structured values, in a stable order. Refuses to decide what of it leaves.
 * @module
 */
import type { InferenceEvent, Usage } from '../provider/types.js'
import * as semconv from '../semconv.js'
import type { Attributes, AttributeValue } from './types.js'

/** Undefined, and content without items, sets nothing. */
type Value = AttributeValue | object | undefined

export function toAttributes(event: InferenceEvent, profile: semconv.Profile): Attributes {
  const attributes: Attributes = {}
  const set = (key: string, value: Value): void => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return
    attributes[key] = withKnownShape(key, value as AttributeValue)
  }
  setCall(event, set)
  setRequest(event, set)
  setResponse(event, set)
  setUsage(event.usage, set)
  setCapture(event, set)
  setContent(event, set)
  return withAliases(attributes, profile)
}

type Set = (key: string, value: Value) => void

function setCall(event: InferenceEvent, set: Set): void {
  set(semconv.ATTR_GEN_AI_OPERATION_NAME, event.operation)
  set(semconv.ATTR_GEN_AI_PROVIDER_NAME, event.providerName)
  set(semconv.ATTR_GEN_AI_REQUEST_MODEL, event.request.model)
  set(semconv.ATTR_ERROR_TYPE, event.error?.type)
  set(semconv.ATTR_SERVER_ADDRESS, event.serverAddress)
  if (event.serverAddress !== undefined) set(semconv.ATTR_SERVER_PORT, event.serverPort)
}

function setRequest({ request }: InferenceEvent, set: Set): void {
  set(semconv.ATTR_GEN_AI_OUTPUT_TYPE, request.outputType)
  if (request.choiceCount !== 1) set(semconv.ATTR_GEN_AI_REQUEST_CHOICE_COUNT, request.choiceCount)
  set(semconv.ATTR_GEN_AI_REQUEST_SEED, request.seed)
  if (request.stream) set(semconv.ATTR_GEN_AI_REQUEST_STREAM, true)
  set(semconv.ATTR_GEN_AI_REQUEST_TOP_K, request.topK)
  set(semconv.ATTR_GEN_AI_REQUEST_MAX_TOKENS, request.maxTokens)
  set(semconv.ATTR_GEN_AI_REQUEST_TEMPERATURE, request.temperature)
  set(semconv.ATTR_GEN_AI_REQUEST_TOP_P, request.topP)
  set(semconv.ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY, request.frequencyPenalty)
  set(semconv.ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY, request.presencePenalty)
  set(semconv.ATTR_GEN_AI_REQUEST_STOP_SEQUENCES, request.stopSequences)
  set(semconv.ATTR_GEN_AI_REQUEST_REASONING_LEVEL, request.reasoningLevel)
  if (request.apiType === undefined) return
  set(semconv.ATTR_OPENAI_API_TYPE, request.apiType)
  if (request.serviceTier !== 'auto') set(semconv.ATTR_OPENAI_REQUEST_SERVICE_TIER, request.serviceTier)
}

function setResponse(event: InferenceEvent, set: Set): void {
  const { request, response } = event
  set(semconv.ATTR_GEN_AI_RESPONSE_ID, response.id)
  set(semconv.ATTR_GEN_AI_RESPONSE_MODEL, response.model)
  set(semconv.ATTR_GEN_AI_RESPONSE_FINISH_REASONS, response.finishReasons)
  set(semconv.ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, timeToFirstChunk(event))
  if (request.apiType === undefined) return
  set(semconv.ATTR_OPENAI_RESPONSE_SERVICE_TIER, response.serviceTier)
  set(semconv.ATTR_OPENAI_RESPONSE_SYSTEM_FINGERPRINT, response.systemFingerprint)
}

function setUsage(usage: Usage | undefined, set: Set): void {
  if (usage === undefined) return
  set(semconv.ATTR_GEN_AI_USAGE_INPUT_TOKENS, usage.inputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS, usage.outputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheReadInputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cacheWriteInputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoningOutputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_TEXT_INPUT_TOKENS, usage.textInputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS, usage.audioInputTokens)
  set(semconv.ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS, usage.audioOutputTokens)
}

function setCapture(event: InferenceEvent, set: Set): void {
  const { completeness, credentials } = event
  set(semconv.ATTR_HTTP_RESPONSE_STATUS_CODE, event.httpStatus)
  set(semconv.ATTR_USER_AGENT_ORIGINAL, event.userAgent)
  set(semconv.ATTR_OISP_CAPTURE_COMPLETENESS, completeness)
  if (completeness === 'gap' || completeness === 'limit')
    set(semconv.ATTR_OISP_CAPTURE_MISSING_BYTES, event.missingBytes)
  set(semconv.ATTR_OISP_REQUEST_ID, event.requestId)
  set(semconv.ATTR_OISP_CLIENT_REQUEST_ID, event.clientRequestId)
  // A cookie beside an API key belongs to the site, not to the call.
  const credential = credentials.find(({ source }) => !source.includes('cookie')) ?? credentials[0]
  set(semconv.ATTR_OISP_CREDENTIAL_CLASS, credential?.class)
  set(semconv.ATTR_OISP_CREDENTIAL_FINGERPRINT, credential?.fingerprint)
}

function setContent({ request, response }: InferenceEvent, set: Set): void {
  set(semconv.ATTR_GEN_AI_SYSTEM_INSTRUCTIONS, request.systemInstructions)
  set(semconv.ATTR_GEN_AI_INPUT_MESSAGES, request.inputMessages)
  set(semconv.ATTR_GEN_AI_OUTPUT_MESSAGES, response.outputMessages)
  set(semconv.ATTR_GEN_AI_TOOL_DEFINITIONS, request.toolDefinitions)
}

/** Seconds; undefined without a stream or without output. */
export function timeToFirstChunk({
  request,
  startUnixNano,
  firstChunkUnixNano,
}: InferenceEvent): number | undefined {
  if (!request.stream || firstChunkUnixNano === undefined) return undefined
  return toSeconds(startUnixNano, firstChunkUnixNano)
}

/** Never negative: reader and writer are different threads, and their records may be stamped out of order. */
export function toSeconds(startUnixNano: bigint, endUnixNano: bigint): number {
  return endUnixNano > startUnixNano ? Number(endUnixNano - startUnixNano) / 1e9 : 0
}

/**
 * Where the table demands a low-cardinality word, anything else is `_OTHER`. Redaction would say so too, but later: two metric
 * series must not become one after they were counted apart.
 */
export function withKnownShape(key: string, value: AttributeValue): AttributeValue {
  const pattern = semconv.ATTRIBUTES.get(key)?.pattern
  if (pattern?.otherwise !== 'other') return value
  const toWord = (word: AttributeValue): AttributeValue =>
    typeof word === 'string' && !pattern.regex.test(word) ? '_OTHER' : word
  return Array.isArray(value) ? value.map(toWord) : toWord(value)
}

function withAliases(attributes: Attributes, profile: semconv.Profile): Attributes {
  for (const { name, alias, keep } of semconv.PROFILES[profile].aliases) {
    const value = attributes[name]
    if (value === undefined) continue
    attributes[alias] = value
    if (!keep) delete attributes[name]
  }
  return attributes
}
