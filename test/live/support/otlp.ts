// SPDX-License-Identifier: Apache-2.0
/**
 * A file of OTLP/JSON lines as the tests look at it. In: the file of `record` or `replay`. Out: spans, flat. Reads only what
 * the OTLP/JSON encoding defines (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding); none of our encoder.
 * @module
 */
import { readFileSync } from 'node:fs'

export type AttributeMap = Record<string, string | number | boolean | unknown[]>

export interface FlatSpan {
  name: string
  spanId: string
  /** 2 is ERROR. */
  statusCode: number
  attributes: AttributeMap
  resource: AttributeMap
}

interface KeyValue {
  key: string
  value: {
    stringValue?: string
    intValue?: string | number
    doubleValue?: number
    boolValue?: boolean
    arrayValue?: { values?: KeyValue['value'][] }
  }
}

interface JsonSpan {
  name: string
  spanId: string
  status?: { code?: number }
  attributes?: KeyValue[]
}

interface Line {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] }
    scopeSpans?: { spans?: JsonSpan[] }[]
  }[]
}

/** A last line without its end is still being written and not read. */
export function readSpans(path: string): FlatSpan[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.flatMap((line) =>
    ((JSON.parse(line) as Line).resourceSpans ?? []).flatMap(({ resource, scopeSpans }) =>
      (scopeSpans ?? [])
        .flatMap(({ spans }) => spans ?? [])
        .map((span) => ({
          name: span.name,
          spanId: span.spanId,
          statusCode: span.status?.code ?? 0,
          attributes: flatten(span.attributes),
          resource: flatten(resource?.attributes),
        })),
    ),
  )
}

function flatten(attributes: KeyValue[] = []): AttributeMap {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]))
}

function plainValue(value: KeyValue['value']): string | number | boolean | unknown[] {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue)
  if (value.intValue !== undefined) return Number(value.intValue)
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? ''
}
