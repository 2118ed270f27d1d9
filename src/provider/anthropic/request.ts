// SPDX-License-Identifier: Apache-2.0
/**
 * The request of the messages API. In: its parsed body. Out: request fields, system instructions and input messages.
 *
 * `system` stands apart from the messages in this API, which is what the conventions' `gen_ai.system_instructions` is for; a
 * message with the role `system` is part of the history and stays there.
 * @module
 */
import {
  mapObjects,
  present,
  readCount,
  readInteger,
  readName,
  readNumber,
  readObject,
  readObjects,
  readText,
  readValue,
  type JsonObject,
} from '../fields.js'
import type { ChatMessage, InferenceRequest, ToolDefinition } from '../types.js'
import { readContent } from './content.js'

export function readMessagesRequest(body: JsonObject): Omit<InferenceRequest, 'bodyBytes' | 'stream'> {
  const system = readContent(body.system)
  const tools = readObjects(body.tools).flatMap(readTool)
  const config = readObject(body.output_config)
  return {
    model: readName(body.model),
    ...present<Omit<InferenceRequest, 'model' | 'stream' | 'bodyBytes'>>({
      maxTokens: readCount(body.max_tokens),
      temperature: readNumber(body.temperature),
      topP: readNumber(body.top_p),
      topK: readInteger(body.top_k),
      stopSequences: readStops(body.stop_sequences),
      reasoningLevel: readName(config?.effort),
      outputType: readOutputType(readObject(config?.format) ?? readObject(body.output_format)),
      serviceTier: readName(body.service_tier),
      systemInstructions: system.length > 0 ? system : undefined,
      inputMessages: Array.isArray(body.messages) ? mapObjects(body.messages, readMessage) : undefined,
      toolDefinitions: tools.length > 0 ? tools : undefined,
    }),
  }
}

function readStops(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const stops = value.filter((item): item is string => typeof item === 'string')
  return stops.length > 0 ? stops : undefined
}

function readOutputType(format: JsonObject | undefined): string | undefined {
  return format?.type === 'json_schema' ? 'json' : undefined
}

/** Tool results come in `user` messages here; one that holds nothing else is what the conventions call a `tool` message. */
function readMessage(message: JsonObject): ChatMessage {
  const parts = readContent(message.content)
  const isResult = parts.length > 0 && parts.every(({ type }) => type === 'tool_call_response')
  return { role: isResult ? 'tool' : (readName(message.role) ?? 'unknown'), parts }
}

/** A tool of the client has a schema and mostly no type; a tool of the server has a dated type and no schema. */
function readTool(tool: JsonObject): ToolDefinition[] {
  const name = readName(tool.name)
  if (name === undefined) return []
  const type = readName(tool.type) ?? 'custom'
  const description = readText(tool.description)
  return [
    {
      type: type === 'custom' ? 'function' : type,
      name,
      ...(description !== undefined && { description }),
      ...(tool.input_schema !== undefined && { parameters: readValue(tool.input_schema) }),
    },
  ]
}
