// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps a content attribute within its size in full mode. In: content in the message shape. Out: the same, or its newest end
 * with a marker in place of what was left out; always whole JSON (semconv: "Never cut a JSON string").
 * @module
 */
import type { AttributeValue } from '../run/types.js'

export const DEFAULT_MAX_CONTENT_BYTES = 1024 * 1024

type Item = AttributeValue
type Message = { readonly [key: string]: AttributeValue | undefined | null } & {
  readonly parts: readonly Item[]
}

/** Room for the marker itself. */
const MARKER_BYTES = 96

/** The very same value when it fits; undefined when not even one marker does, or when it is not JSON. */
export function limitContent(content: AttributeValue, maxBytes: number): AttributeValue | undefined {
  if (isSurelyWithin(content, maxBytes)) return content
  const bytes = jsonBytes(content)
  if (bytes === undefined) return undefined
  if (bytes <= maxBytes) return content
  if (!Array.isArray(content) || maxBytes < 2 * MARKER_BYTES) return undefined
  return limitList(content as readonly Item[], maxBytes)
}

/** Drops from the front: the newest messages say what this call was about. */
function limitList(items: readonly Item[], maxBytes: number): AttributeValue {
  let left = maxBytes - MARKER_BYTES
  let first = items.length
  for (; first > 0; first--) {
    const size = (jsonBytes(items[first - 1]!) ?? Infinity) + 1
    if (size > left) break
    left -= size
  }
  const kept = items.slice(first)
  if (kept.length > 0) return [toMarker(items[first - 1]!, first), ...kept]
  const last = items[items.length - 1]!
  if (!isMessage(last)) return [toMarker(last, items.length)]
  const older = items.length - 1
  const room = left - (older > 0 ? MARKER_BYTES : 0) - (jsonBytes({ ...last, parts: [] }) ?? Infinity)
  if (room < 2 * MARKER_BYTES) return [toMarker(last, items.length)]
  const shortened = { ...last, parts: limitList(last.parts, room) }
  return older > 0 ? [toMarker(items[0]!, older), shortened] : [shortened]
}

/** A marker part stands alone among parts, and in a message of its own among messages. */
function toMarker(omitted: Item, count: number): AttributeValue {
  const isWhole = isMessage(omitted)
  const noun = `${isWhole ? 'message' : 'part'}${count === 1 ? '' : 's'}`
  const part = { type: 'omitted', content: `[${count} ${noun} omitted]` }
  return isWhole ? { role: 'system', parts: [part] } : part
}

function isMessage(item: Item): item is Message {
  return typeof item === 'object' && item !== null && Array.isArray((item as { parts?: unknown }).parts)
}

/** A character takes at most six bytes of JSON (`\\u001f`), a number 25: counting characters spares writing most content twice. */
const MAX_BYTES_PER_CHARACTER = 6
const MAX_BYTES_PER_SCALAR = 25
const MAX_DEPTH = 64

function isSurelyWithin(content: AttributeValue, maxBytes: number): boolean {
  let left = maxBytes
  function take(value: unknown, depth: number): boolean {
    if (typeof value === 'string') left -= value.length * MAX_BYTES_PER_CHARACTER + 3
    else if (typeof value !== 'object' || value === null) left -= MAX_BYTES_PER_SCALAR
    else {
      if (depth > MAX_DEPTH) return false
      left -= 2
      for (const key of Object.keys(value)) {
        if (!Array.isArray(value)) left -= key.length * MAX_BYTES_PER_CHARACTER + 3
        if (left < 0 || !take((value as Record<string, unknown>)[key], depth + 1)) return false
        left -= 1
      }
    }
    return left >= 0
  }
  return take(content, 0)
}

function jsonBytes(value: AttributeValue): number | undefined {
  try {
    return Buffer.byteLength(JSON.stringify(value))
  } catch {
    // Nested so deep that V8's stack is too small for it.
    return undefined
  }
}
