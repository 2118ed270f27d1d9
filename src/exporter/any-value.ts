// SPDX-License-Identifier: Apache-2.0
/**
 * Attribute values → OTLP AnyValue, typed by the semantic-convention table. In: JavaScript values. Out: AnyValues.
 * Refuses to guess int or double from a value where the table knows the key.
 * @module
 */
import type { AttributeValue, Attributes } from '../run/types.js'
import { attributeType, type AttributeType } from '../semconv.js'
import type { AnyValue, KeyValue } from './otlp.js'

/**
 * One level of JSON costs three protobuf messages (AnyValue, KeyValueList, KeyValue), and C++, Java and Python refuse
 * messages nested deeper than 100 (protobuf.dev/programming-guides/proto-limits). Deeper values go out as JSON text.
 */
const MAX_DEPTH = 28

/** Span attributes hold structured values as JSON text, log attributes as maps (semconv: "Encoding"). */
export type StructuredAs = 'json-string' | 'map'

export function toKeyValues(attributes: Attributes, structuredAs: StructuredAs): KeyValue[] {
  const out: KeyValue[] = []
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined) continue
    const asText = structuredAs === 'json-string' && isStructured(value)
    const type = attributeType(key)
    out.push({
      // A key of the table is well-formed.
      key: type === undefined ? wellFormed(key) : key,
      value: asText ? { stringValue: toJsonText(value) } : toAnyValue(value, type, 0),
    })
  }
  return out
}

/** A map, or an array that holds anything but strings, numbers and booleans. */
export function isStructured(value: AttributeValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) || value.some((item) => typeof item === 'object')
}

export function toJsonText(value: AttributeValue): string {
  try {
    return wellFormed(
      JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}` : item)),
    )
  } catch {
    // JSON.stringify overflows the stack at some thousand levels; a captured body can be made that way on purpose.
    return '"[nested too deep]"'
  }
}

function toAnyValue(value: AttributeValue, type: AttributeType | undefined, depth: number): AnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: wellFormed(value) }
    case 'boolean':
      return { boolValue: value }
    case 'number':
      return toNumber(value, type)
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? { intValue: value } : { stringValue: `${value}` }
    default:
      if (value === null) return {}
      if (depth >= MAX_DEPTH) return { stringValue: toJsonText(value) }
      return Array.isArray(value)
        ? {
            arrayValue: {
              values: value.map((item: AttributeValue) =>
                toAnyValue(item, type === 'string[]' ? 'string' : type, depth + 1),
              ),
            },
          }
        : toKeyValueList(value as { [key: string]: AttributeValue | undefined | null }, depth)
  }
}

function toKeyValueList(map: { [key: string]: AttributeValue | undefined | null }, depth: number): AnyValue {
  const values: KeyValue[] = []
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined)
      values.push({ key: wellFormed(key), value: toAnyValue(value, undefined, depth + 1) })
  }
  return { kvlistValue: { values } }
}

function toNumber(value: number, type: AttributeType | undefined): AnyValue {
  if (type !== 'double' && Number.isSafeInteger(value)) return { intValue: BigInt(value) }
  return { doubleValue: value }
}

/** A lone surrogate has no UTF-8 form; one invalid string makes a Go receiver refuse the whole request. */
export function wellFormed(text: string): string {
  return (text as WellFormable).toWellFormed()
}

/** ES2024, in Node since 20; the compiler's library is ES2023. */
type WellFormable = string & { toWellFormed(): string }
