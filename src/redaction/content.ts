// SPDX-License-Identifier: Apache-2.0
/**
 * What safe mode says about content: per side one keyed hash, one size and some counts. In: an attribute set with content. Out:
 * attributes that replace it.
 * @module
 */
import * as semconv from '../semconv.js'
import type { Attributes, AttributeValue } from '../run/types.js'
import { digestContent } from './digest.js'
import type { Keys } from './keys.js'

type List = readonly unknown[]

/** Adds to `out`. Each text is read once. */
export function describeContent(attributes: Attributes, keys: Keys, out: Attributes): void {
  const instructions = toList(attributes[semconv.ATTR_GEN_AI_SYSTEM_INSTRUCTIONS])
  const input = toList(attributes[semconv.ATTR_GEN_AI_INPUT_MESSAGES])
  const output = toList(attributes[semconv.ATTR_GEN_AI_OUTPUT_MESSAGES])
  const tools = toList(attributes[semconv.ATTR_GEN_AI_TOOL_DEFINITIONS])
  if (instructions.length + input.length + tools.length > 0) {
    const { hmac, bytes } = digestContent(keys.startContent(), [instructions, input, tools])
    out[semconv.ATTR_OISP_CONTENT_INPUT_HMAC] = hmac
    out[semconv.ATTR_OISP_CONTENT_INPUT_BYTES] = bytes
    out[semconv.ATTR_OISP_CONTENT_INPUT_MESSAGE_COUNT] = input.length
    out[semconv.ATTR_OISP_CONTENT_INPUT_PART_COUNT] = instructions.length + sumParts(input, countAll)
    out[semconv.ATTR_OISP_CONTENT_INPUT_TOOL_RESULT_COUNT] =
      countResults(instructions) + sumParts(input, countResults)
    out[semconv.ATTR_OISP_CONTENT_TOOL_DEFINITION_COUNT] = tools.length
  }
  if (output.length > 0) {
    const { hmac, bytes } = digestContent(keys.startContent(), output)
    out[semconv.ATTR_OISP_CONTENT_OUTPUT_HMAC] = hmac
    out[semconv.ATTR_OISP_CONTENT_OUTPUT_BYTES] = bytes
    out[semconv.ATTR_OISP_CONTENT_OUTPUT_MESSAGE_COUNT] = output.length
    out[semconv.ATTR_OISP_CONTENT_OUTPUT_PART_COUNT] = sumParts(output, countAll)
    out[semconv.ATTR_OISP_CONTENT_OUTPUT_TOOL_CALL_COUNT] = sumParts(output, countCalls)
  }
  if (out[semconv.ATTR_OISP_CONTENT_INPUT_HMAC] ?? out[semconv.ATTR_OISP_CONTENT_OUTPUT_HMAC])
    out[semconv.ATTR_OISP_REDACTION_KEY_ID] = keys.id
}

function toList(value: AttributeValue | undefined): List {
  return Array.isArray(value) ? value : []
}

function sumParts(messages: List, count: (parts: List) => number): number {
  let sum = 0
  for (const message of messages) {
    const parts = (message as { parts?: unknown } | null)?.parts
    if (Array.isArray(parts)) sum += count(parts)
  }
  return sum
}

const countAll = (parts: List): number => parts.length
const countResults = (parts: List): number => countType(parts, 'tool_call_response')
const countCalls = (parts: List): number => countType(parts, 'tool_call')

function countType(parts: List, type: string): number {
  let count = 0
  for (const part of parts) if ((part as { type?: unknown } | null)?.type === type) count++
  return count
}
