// SPDX-License-Identifier: Apache-2.0
/**
 * Cuts an encoded request in two, when a receiver takes less than we thought. In: one Export…ServiceRequest of our own
 * encoding. Out: two with half of its records each. Reads frames only, never what is in a record, except to count data points.
 * @module
 */
import protobuf from 'protobufjs/minimal.js'
import { encodeRequest, type Head } from './request.js'
import type { EncodedRequest, Signal } from './types.js'

interface Framed {
  head: Head
  body: Uint8Array
}

/** `undefined` when there is only one record: then nothing smaller can be sent. */
export function splitRequest(signal: Signal, body: Uint8Array): [EncodedRequest, EncodedRequest] | undefined {
  const records = readRecords(body)
  if (records.length < 2) return undefined
  const middle = findMiddle(records)
  return [toRequest(signal, records.slice(0, middle)), toRequest(signal, records.slice(middle))]
}

function toRequest(signal: Signal, records: Framed[]): EncodedRequest {
  const items = records.reduce((sum, { body }) => sum + (signal === 'metrics' ? countPoints(body) : 1), 0)
  return { signal, body: encodeRequest(records), items }
}

/** By bytes, not by number: one record may outweigh all others. */
function findMiddle(records: readonly Framed[]): number {
  const half = records.reduce((sum, { body }) => sum + body.length, 0) / 2
  let before = 0
  for (const [index, { body }] of records.entries()) {
    before += body.length
    if (before >= half) return Math.min(index + 1, records.length - 1)
  }
  return records.length - 1
}

/** ResourceX {resource 1, scopes 2, schema_url 3} → ScopeX {scope 1, records 2, schema_url 3}, alike in all three signals. */
function readRecords(request: Uint8Array): Framed[] {
  return submessages(request, 1).flatMap((group, groupIndex) => {
    const resource = submessages(group, 1)[0] ?? new Uint8Array()
    const resourceSchemaUrl = text(submessages(group, 3)[0])
    return submessages(group, 2).flatMap((scoped, scopeIndex) => {
      const head: Head = {
        key: `${groupIndex}.${scopeIndex}`,
        resource,
        scope: submessages(scoped, 1)[0] ?? new Uint8Array(),
        resourceSchemaUrl,
        scopeSchemaUrl: text(submessages(scoped, 3)[0]),
      }
      return submessages(scoped, 2).map((body) => ({ head, body }))
    })
  })
}

/** Metric: gauge 5, sum 7, histogram 9, exponential histogram 10, summary 11; each has its points in field 1. */
function countPoints(metric: Uint8Array): number {
  return [5, 7, 9, 10, 11]
    .flatMap((field) => submessages(metric, field))
    .reduce((sum, data) => sum + submessages(data, 1).length, 0)
}

function submessages(message: Uint8Array, field: number): Uint8Array[] {
  const found: Uint8Array[] = []
  const reader = protobuf.Reader.create(message)
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === ((field << 3) | 2)) found.push(reader.bytes())
    else reader.skipType(tag & 7)
  }
  return found
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8')
}
