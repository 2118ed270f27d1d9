// SPDX-License-Identifier: Apache-2.0
/**
 * Messages of the chat API, in requests and in whole answers. In: one parsed message. Out: its role and parts.
 * @module
 */
import { toolCallPart } from '../assembly.js'
import { blobPart, filePart, genericPart, parseArguments, textPart, urlPart } from '../content.js'
import { readName, readObject, readObjects, readText, readValue, type JsonObject } from '../fields.js'
import type { ChatMessage, Part } from '../types.js'

export function readMessage(message: JsonObject): ChatMessage {
  const role = readName(message.role) ?? 'unknown'
  const name = readName(message.name)
  const isResult = role === 'tool' || role === 'function'
  const parts = isResult ? [readToolResult(message)] : readParts(message)
  return name === undefined ? { role, parts } : { role, parts, name }
}

function readParts(message: JsonObject): Part[] {
  const parts: Part[] = []
  // DeepSeek and vLLM say `reasoning_content`, OpenRouter `reasoning`.
  const reasoning = readText(message.reasoning_content) ?? readText(message.reasoning)
  if (reasoning) parts.push({ type: 'reasoning', content: reasoning })
  parts.push(...readContent(message.content))
  const refusal = readText(message.refusal)
  if (refusal !== undefined) parts.push(genericPart('refusal', refusal))
  const audio = readObject(message.audio)
  if (audio !== undefined) parts.push(...readAudio(audio))
  for (const call of readObjects(message.tool_calls)) parts.push(readToolCall(call))
  const legacy = readObject(message.function_call)
  if (legacy !== undefined) parts.push(readFunctionCall(undefined, legacy))
  return parts
}

export function readContent(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [textPart(content)]
  return readObjects(content).map(readContentPart)
}

function readContentPart(part: JsonObject): Part {
  const text = readText(part.text)
  if (part.type === 'text' && text !== undefined) return textPart(text)
  if (part.type === 'refusal') return genericPart('refusal', part.refusal)
  const url = readText(readObject(part.image_url)?.url)
  if (part.type === 'image_url' && url !== undefined) return urlPart(url, 'image')
  const audio = readObject(part.input_audio)
  const audioData = readText(audio?.data)
  if (audioData !== undefined) return blobPart(audioData, 'audio', toAudioType(audio?.format))
  const file = readObject(part.file)
  const fileId = readText(file?.file_id)
  if (fileId !== undefined) return filePart(fileId, 'document')
  const fileData = readText(file?.file_data)
  if (fileData !== undefined) return urlPart(fileData, 'document')
  return genericPart(part.type, part)
}

function toAudioType(format: unknown): string | undefined {
  const name = readName(format)
  return name === undefined ? undefined : `audio/${name === 'mp3' ? 'mpeg' : name}`
}

function readAudio(audio: JsonObject): Part[] {
  const data = readText(audio.data)
  const transcript = readText(audio.transcript)
  const parts = data === undefined ? [] : [blobPart(data, 'audio', undefined)]
  return transcript === undefined ? parts : [...parts, textPart(transcript)]
}

function readToolCall(call: JsonObject): Part {
  const id = readText(call.id)
  const custom = readObject(call.custom)
  const name = readName(custom?.name)
  // A custom tool takes free text, which is not parsed even if it looks like JSON.
  if (name !== undefined) return toolCallPart(id, name, readText(custom?.input))
  const called = readObject(call.function)
  return called === undefined ? genericPart(call.type, call) : readFunctionCall(id, called)
}

function readFunctionCall(id: string | undefined, called: JsonObject): Part {
  const name = readName(called.name)
  if (name === undefined) return genericPart('function', called)
  const text = readText(called.arguments)
  if (text === '') return toolCallPart(id, name, undefined)
  return toolCallPart(id, name, text === undefined ? readValue(called.arguments) : parseArguments(text))
}

/** A legacy `function` result has no id, only the function's name (kept on the message). */
function readToolResult(message: JsonObject): Part {
  const id = readText(message.tool_call_id)
  const response = readText(message.content) ?? readContent(message.content)
  return id === undefined
    ? { type: 'tool_call_response', response }
    : { type: 'tool_call_response', id, response }
}
