// SPDX-License-Identifier: Apache-2.0
/**
 * Content blocks of the messages API. In: parsed blocks. Out: parts.
 * @module
 */
import { serverToolCallPart, toolCallPart } from '../assembly.js'
import { blobPart, filePart, genericPart, textPart, urlPart } from '../content.js'
import { mapObjects, readName, readObject, readText, readValue, type JsonObject } from '../fields.js'
import type { Part } from '../types.js'

export function readContent(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [textPart(content)]
  return mapObjects(content, readBlock)
}

/** How each kind of block becomes a part; undefined when the block lacks what the part needs. */
const READERS: ReadonlyMap<string, (block: JsonObject) => Part | undefined> = new Map([
  ['text', (block: JsonObject) => mapText(block.text, textPart)],
  ['thinking', (block) => mapText(block.thinking, (content) => ({ type: 'reasoning', content }))],
  // Only the provider can read what it redacted; the part says that thinking was here.
  ['redacted_thinking', () => ({ type: 'reasoning', content: '' })],
  ['image', (block) => readSource(block, 'image')],
  ['document', (block) => readSource(block, 'document')],
  ['compaction', (block) => mapText(block.content, (content) => genericPart('compaction', content))],
  ['tool_use', readToolUse],
  ['tool_result', readToolResult],
  ['server_tool_use', readServerToolUse],
  ['mcp_tool_use', readServerToolUse],
])

/** What a tool returned; a result inside a result is not of this API and must not be followed down. */
function readResultContent(content: unknown): Part[] {
  return mapObjects(content, (block) =>
    block.type === 'tool_result' ? genericPart(block.type, block) : readBlock(block),
  )
}

export function readBlock(block: JsonObject): Part {
  const kind = readName(block.type) ?? 'unknown'
  const part =
    READERS.get(kind)?.(block) ??
    (kind.endsWith('_tool_result') ? readServerToolResult(kind, block) : undefined)
  return part ?? genericPart(kind, block)
}

function mapText(value: unknown, toPart: (text: string) => Part): Part | undefined {
  const text = readText(value)
  return text === undefined ? undefined : toPart(text)
}

function readSource(block: JsonObject, modality: string): Part | undefined {
  const source = readObject(block.source)
  const data = readText(source?.data)
  // A plain-text document carries its text as it is.
  if (data !== undefined && source?.type === 'text') return textPart(data)
  if (data !== undefined) return blobPart(data, modality, source?.media_type)
  const url = readText(source?.url)
  if (url !== undefined) return urlPart(url, modality)
  const fileId = readText(source?.file_id)
  return fileId === undefined ? undefined : filePart(fileId, modality)
}

function readToolUse(block: JsonObject): Part | undefined {
  const name = readName(block.name)
  return name === undefined ? undefined : toolCallPart(readText(block.id), name, readValue(block.input))
}

function readServerToolUse(block: JsonObject): Part | undefined {
  const name = readName(block.name)
  return name === undefined ? undefined : serverToolCallPart(readText(block.id), name, readValue(block.input))
}

function readToolResult(block: JsonObject): Part {
  const id = readText(block.tool_use_id)
  const response = readText(block.content) ?? readResultContent(block.content)
  return id === undefined
    ? { type: 'tool_call_response', response }
    : { type: 'tool_call_response', id, response }
}

function readServerToolResult(type: string, block: JsonObject): Part {
  const id = readText(block.tool_use_id)
  return {
    type: 'server_tool_call_response',
    ...(id !== undefined && { id }),
    server_tool_call_response: { type, content: readValue(block.content) },
  }
}
