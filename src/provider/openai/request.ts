// SPDX-License-Identifier: Apache-2.0
/**
 * The request of a chat completion. In: its parsed body. Out: request fields and input messages.
 *
 * System and developer messages stay in the input messages, with their role: the conventions reserve
 * `gen_ai.system_instructions` for instructions that an API takes apart from the chat history, and this one does not.
 * @module
 */
import {
  readCount,
  readInteger,
  readName,
  readNumber,
  readObject,
  readObjects,
  readText,
  readValue,
  present,
  type JsonObject,
} from '../fields.js'
import type { InferenceRequest, ToolDefinition } from '../types.js'
import { readMessage } from './content.js'

/** `deployment`: Azure's name of the model, which stands in the path. */
export function readChatRequest(
  body: JsonObject,
  deployment: string | undefined,
): Omit<InferenceRequest, 'bodyBytes' | 'stream'> {
  const tools = readObjects(body.tools).flatMap(readTool)
  // Before `tools` (2023-11) functions stood alone.
  const functions = readObjects(body.functions).flatMap((item) => readFunction('function', item))
  const toolDefinitions = [...tools, ...functions]
  return {
    model: readName(body.model) ?? readName(deployment),
    apiType: 'chat_completions',
    ...present<Omit<InferenceRequest, 'model' | 'apiType' | 'stream' | 'bodyBytes'>>({
      maxTokens: readCount(body.max_completion_tokens) ?? readCount(body.max_tokens),
      temperature: readNumber(body.temperature),
      topP: readNumber(body.top_p),
      // Not OpenAI's own; vLLM, OpenRouter and others take it.
      topK: readInteger(body.top_k),
      frequencyPenalty: readNumber(body.frequency_penalty),
      presencePenalty: readNumber(body.presence_penalty),
      seed: readInteger(body.seed),
      choiceCount: readCount(body.n),
      stopSequences: readStop(body.stop),
      reasoningLevel: readName(body.reasoning_effort) ?? readName(readObject(body.reasoning)?.effort),
      outputType: readOutputType(body),
      serviceTier: readName(body.service_tier),
      inputMessages: Array.isArray(body.messages) ? readObjects(body.messages).map(readMessage) : undefined,
      toolDefinitions: toolDefinitions.length > 0 ? toolDefinitions : undefined,
    }),
  }
}

function readStop(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return undefined
  const stops = value.filter((item): item is string => typeof item === 'string')
  return stops.length > 0 ? stops : undefined
}

function readOutputType(body: JsonObject): string | undefined {
  if (Array.isArray(body.modalities) && body.modalities.includes('audio')) return 'speech'
  const format = readObject(body.response_format)?.type
  if (format === 'json_schema' || format === 'json_object') return 'json'
  return format === 'text' ? 'text' : undefined
}

function readTool(tool: JsonObject): ToolDefinition[] {
  const type = readName(tool.type) ?? 'function'
  return readFunction(type, readObject(tool[type]) ?? tool)
}

function readFunction(type: string, item: JsonObject): ToolDefinition[] {
  const name = readName(item.name)
  if (name === undefined) return []
  const description = readText(item.description)
  return [
    {
      type,
      name,
      ...(description !== undefined && { description }),
      ...(item.parameters !== undefined && { parameters: readValue(item.parameters) }),
    },
  ]
}
