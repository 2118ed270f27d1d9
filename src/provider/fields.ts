// SPDX-License-Identifier: Apache-2.0
/**
 * Typed readers for values of parsed JSON. In: anything. Out: a value of the promised type, or undefined: a hostile or sloppy
 * peer sends numbers as strings and objects as names. Knows no API.
 * @module
 */

export type JsonObject = Readonly<Record<string, unknown>>

/** Names become span names and metric dimensions; no API has one this long. */
export const MAX_NAME_CHARS = 256
/** Deeper values are replaced: everything downstream of this room may walk them by recursion. */
export const MAX_VALUE_DEPTH = 64
export const TOO_DEEP = `[omitted: nested deeper than ${MAX_VALUE_DEPTH} levels]`

export function readObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined
}

export function readArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The objects of an array; what is not an object is left out. */
export function readObjects(value: unknown): JsonObject[] {
  const objects: JsonObject[] = []
  for (const item of readArray(value)) if (readObject(item) !== undefined) objects.push(item as JsonObject)
  return objects
}

/** `toItem` of each object of an array. */
export function mapObjects<T>(value: unknown, toItem: (object: JsonObject) => T): T[] {
  const items: T[] = []
  for (const item of readArray(value))
    if (readObject(item) !== undefined) items.push(toItem(item as JsonObject))
  return items
}

export function readText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function readName(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARS ? value : undefined
}

export function readNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function readInteger(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined
}

/** Tokens, indices, limits: an integer that is not negative. */
export function readCount(value: unknown): number | undefined {
  const integer = readInteger(value)
  return integer !== undefined && integer >= 0 ? integer : undefined
}

/** `value` itself when it is shallow enough to be walked by recursion, else a sentence that says so. */
export function readValue(value: unknown): unknown {
  return isShallow(value, MAX_VALUE_DEPTH) ? value : TOO_DEEP
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  const items = value as Record<string, unknown>
  for (const key in items) if (!isShallow(items[key], levels - 1)) return false
  return true
}

/** `fields` without its undefined ones, for optional properties that must be absent. */
export function present<T extends object>(fields: { [K in keyof T]?: T[K] | undefined }): Partial<T> {
  const out: Partial<T> = {}
  for (const key in fields) if (fields[key] !== undefined) out[key] = fields[key]
  return out
}
