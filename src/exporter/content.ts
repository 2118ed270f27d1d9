// SPDX-License-Identifier: Apache-2.0
/**
 * The per-record cap. In: an encoded span or log record and its object. Out: bytes within the cap, content cut first, or
 * undefined when nothing helps. A JSON text is never cut in the middle: a content attribute goes whole or not at all.
 * @module
 */
import { ATTR_OISP_CONTENT_DROPPED, ATTRIBUTES } from '../semconv.js'
import type { AnyValue, KeyValue } from './otlp.js'

/** What people and models said; everything else describes it and stays. */
function isContent(key: string): boolean {
  return ATTRIBUTES.get(key)?.sensitivity === 'content'
}

interface HasAttributes {
  attributes: KeyValue[]
  droppedAttributesCount: number
}

/** Drops the largest content attribute, then the next, until the record fits; a marker names what went. */
export function encodeWithin<T extends HasAttributes>(
  record: T,
  maxBytes: number,
  encode: (record: T) => Uint8Array,
): { bytes: Uint8Array; isCut: boolean } | undefined {
  let bytes = encode(record)
  if (bytes.length <= maxBytes) return { bytes, isCut: false }
  const content = record.attributes
    .filter(({ key }) => isContent(key))
    .sort((a, b) => roughBytes(b.value) - roughBytes(a.value))
  const dropped = new Set<string>()
  for (const { key } of content) {
    dropped.add(key)
    bytes = encode(withoutKeys(record, dropped))
    if (bytes.length <= maxBytes) return { bytes, isCut: true }
  }
  return undefined
}

function withoutKeys<T extends HasAttributes>(record: T, dropped: ReadonlySet<string>): T {
  const marker = [...dropped].sort().map((key) => ({ stringValue: key }))
  return {
    ...record,
    attributes: [
      ...record.attributes.filter(({ key }) => !dropped.has(key)),
      { key: ATTR_OISP_CONTENT_DROPPED, value: { arrayValue: { values: marker } } },
    ],
    droppedAttributesCount: record.droppedAttributesCount + dropped.size,
  }
}

function roughBytes(value: AnyValue): number {
  if ('stringValue' in value) return value.stringValue.length
  if ('arrayValue' in value) return value.arrayValue.values.reduce((sum, item) => sum + roughBytes(item), 0)
  if ('kvlistValue' in value)
    return value.kvlistValue.values.reduce((sum, item) => sum + item.key.length + roughBytes(item.value), 0)
  return 8
}
