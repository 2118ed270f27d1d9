// SPDX-License-Identifier: Apache-2.0
/**
 * Message parts that all APIs share. In: pieces of parsed JSON. Out: parts in the shape of the GenAI conventions.
 * @module
 */
import { readText, readValue } from './fields.js'
import { parseJson } from './json.js'
import type { Part } from './types.js'

export function textPart(content: string): Part {
  return { type: 'text', content }
}

/** Stands where content was, so that nobody reads two ends as neighbours. */
export function omittedPart(what: string): Part {
  return { type: 'omitted', content: `[${what}]` }
}

/** A part of a kind that the conventions have no word for, kept as it was sent. */
export function genericPart(kind: unknown, content: unknown): Part {
  return { type: 'generic', generic_type: readText(kind) ?? 'unknown', content: readValue(content) }
}

/** A `data:` URL (RFC 2397) carries the bytes themselves and becomes a blob; any other URL stays one. */
export function urlPart(url: string, modality: string): Part {
  const data = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i.exec(url.slice(0, 256))
  if (data === null) return { type: 'uri', modality, uri: url }
  return blobPart(url.slice(data[0].length), modality, data[1])
}

export function blobPart(content: string, modality: string, mimeType: unknown): Part {
  const type = readText(mimeType)
  return { type: 'blob', modality, content, ...(type !== undefined && type !== '' && { mime_type: type }) }
}

export function filePart(fileId: string, modality: string): Part {
  return { type: 'file', modality, file_id: fileId }
}

/** Arguments travel as JSON text; the conventions expect the object. What is not JSON stays the text the model wrote. */
export function parseArguments(text: string): unknown {
  const value = parseJson(text)
  return value === undefined ? text : readValue(value)
}
