// SPDX-License-Identifier: Apache-2.0
/**
 * Bodies as JSON. In: text, whole or cut off. Out: the object, or those of its members that arrived whole. Never throws and never
 * completes what is missing.
 * @module
 */
import { readObject, type JsonObject } from './fields.js'

const SPACE = /[ \n\r\t]*/y

/** Undefined when `text` is not JSON; V8 parses without recursion, so depth is no danger here. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function parseObject(text: string): JsonObject | undefined {
  return readObject(parseJson(text))
}

/**
 * The members of a top-level object whose text is cut off somewhere. A member counts only when the `,` or `}` after its value was
 * seen: `"max_tokens":12` may go on with another digit.
 */
export function parseObjectPrefix(text: string): JsonObject | undefined {
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  // Without prototype: a member may be called `__proto__`.
  const members = Object.create(null) as Record<string, unknown>
  do {
    const keyStart = skipSpace(text, at + 1)
    const keyEnd = text[keyStart] === '"' ? skipString(text, keyStart) : -1
    if (keyEnd === -1) break
    const colon = skipSpace(text, keyEnd)
    if (text[colon] !== ':') break
    const valueStart = skipSpace(text, colon + 1)
    const valueEnd = skipValue(text, valueStart)
    if (valueEnd === -1) break
    at = skipSpace(text, valueEnd)
    if (text[at] !== ',' && text[at] !== '}') break
    const key = parseJson(text.slice(keyStart, keyEnd))
    const value = parseJson(text.slice(valueStart, valueEnd))
    if (typeof key !== 'string' || value === undefined) break
    members[key] = value
  } while (text[at] === ',')
  return members
}

function skipSpace(text: string, start: number): number {
  SPACE.lastIndex = start
  SPACE.test(text)
  return SPACE.lastIndex
}

/** Position after the closing quote, or -1 when it is not there. */
function skipString(text: string, start: number): number {
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at)
    if (quote === -1) return -1
    let escapes = 0
    while (text[quote - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return quote + 1
    at = quote + 1
  }
}

function skipValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return skipString(text, start)
  if (first === '{' || first === '[') return skipNested(text, start)
  const end = /[,}\]\s]/g
  end.lastIndex = start
  return end.exec(text)?.index ?? -1
}

function skipNested(text: string, start: number): number {
  const mark = /["{}[\]]/g
  mark.lastIndex = start
  for (let depth = 0, found = mark.exec(text); found !== null; found = mark.exec(text)) {
    if (found[0] === '"') {
      const end = skipString(text, found.index)
      if (end === -1) return -1
      mark.lastIndex = end
      continue
    }
    depth += found[0] === '{' || found[0] === '[' ? 1 : -1
    if (depth === 0) return found.index + 1
  }
  return -1
}
