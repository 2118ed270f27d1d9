// SPDX-License-Identifier: Apache-2.0
/**
 * Heads that were encoded lately: the exchanges of one process have equal resources, in objects of their own. In: OTLP objects. Out:
 * the head of the equal one before, or a new one. Bounded; a wrong guess only costs time.
 * @module
 */
import { encodeHead } from './encode.js'
import type { AnyValue, KeyValue, OtlpTelemetry } from './otlp.js'
import type { Head } from './request.js'

/** Processes that talk to models at the same time. */
const MAX_HEADS = 16

interface Entry {
  otlp: OtlpTelemetry
  head: Head
}

export class HeadCache {
  /** The latest first. */
  readonly #entries: Entry[] = []

  get(otlp: OtlpTelemetry): Head {
    const index = this.#entries.findIndex((entry) => isSameHead(entry.otlp, otlp))
    const entry = index < 0 ? { otlp: headOnly(otlp), head: encodeHead(otlp) } : this.#entries[index]!
    if (index !== 0) {
      if (index > 0) this.#entries.splice(index, 1)
      this.#entries.unshift(entry)
      this.#entries.length = Math.min(this.#entries.length, MAX_HEADS)
    }
    return entry.head
  }
}

/** Without the records, which must not live on here. */
function headOnly(otlp: OtlpTelemetry): OtlpTelemetry {
  return { ...otlp, spans: [], logRecords: [], metrics: [] }
}

function isSameHead(a: OtlpTelemetry, b: OtlpTelemetry): boolean {
  return (
    a.resourceSchemaUrl === b.resourceSchemaUrl &&
    a.scopeSchemaUrl === b.scopeSchemaUrl &&
    a.scope.name === b.scope.name &&
    a.scope.version === b.scope.version &&
    a.resource.droppedAttributesCount === b.resource.droppedAttributesCount &&
    areSame(a.resource.attributes, b.resource.attributes)
  )
}

function areSame(a: readonly KeyValue[], b: readonly KeyValue[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ key, value }, index) => key === b[index]!.key && isSameValue(value, b[index]!.value))
  )
}

/** Strings and numbers, which is what resources hold; anything else counts as different. */
function isSameValue(a: AnyValue, b: AnyValue): boolean {
  if ('stringValue' in a) return 'stringValue' in b && a.stringValue === b.stringValue
  return 'intValue' in a && 'intValue' in b && a.intValue === b.intValue
}
