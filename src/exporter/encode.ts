// SPDX-License-Identifier: Apache-2.0
/**
 * OTLP message objects → protobuf bytes with the protobufjs Writer; field numbers as in `proto/`. In: one span, log record
 * or metric at a time. Out: its message bytes, so that sizes are exact before anything is put together (request.ts). Knows no queue.
 * @module
 */
import protobuf from 'protobufjs/minimal.js'
import { ATTRIBUTES } from '../semconv.js'
import type {
  AnyValue,
  KeyValue,
  OtlpHistogramPoint,
  OtlpLink,
  OtlpLogRecord,
  OtlpMetric,
  OtlpNumberPoint,
  OtlpSpan,
  OtlpTelemetry,
} from './otlp.js'
import type { Head } from './request.js'

type Writer = protobuf.Writer
type Long = Parameters<Writer['fixed64']>[0]

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
const tag = (field: number, wireType: number): number => (field << 3) | wireType

/** A writer that has grown is kept for the next record: growing costs more than writing. Not there while one is being written. */
let idle: Writer | undefined
const MAX_IDLE_BYTES = 64 * 1024

function begin(): Writer {
  const writer = idle ?? protobuf.Writer.create()
  // Should writing throw, half a record goes away with its writer.
  idle = undefined
  return writer.reset()
}

/** A copy: the writer goes on. */
function finish(writer: Writer): Uint8Array {
  const bytes = writer.finish()
  if (bytes.length <= MAX_IDLE_BYTES) idle = writer
  return bytes
}

export function encodeSpan(span: OtlpSpan): Uint8Array {
  const writer = begin()
  writer.uint32(tag(1, BYTES)).bytes(idBytes(span.traceId, 16))
  writer.uint32(tag(2, BYTES)).bytes(idBytes(span.spanId, 8))
  if (span.traceState) writer.uint32(tag(3, BYTES)).string(span.traceState)
  if (span.parentSpanId) writer.uint32(tag(4, BYTES)).bytes(idBytes(span.parentSpanId, 8))
  writer.uint32(tag(5, BYTES)).string(span.name)
  writer.uint32(tag(6, VARINT)).uint32(span.kind)
  writer.uint32(tag(7, FIXED64)).fixed64(toLong(span.startTimeUnixNano))
  writer.uint32(tag(8, FIXED64)).fixed64(toLong(span.endTimeUnixNano))
  writeAttributes(writer, 9, span.attributes)
  writeCount(writer, 10, span.droppedAttributesCount)
  for (const link of span.links) writeLink(writer.uint32(tag(13, BYTES)).fork(), link)
  writeCount(writer, 14, span.droppedLinksCount)
  writer.uint32(tag(15, BYTES)).fork()
  if (span.status.message) writer.uint32(tag(2, BYTES)).string(span.status.message)
  writeCount(writer, 3, span.status.code)
  writer.ldelim()
  return finish(writer.uint32(tag(16, FIXED32)).fixed32(span.flags))
}

/** The caller forked; this ends the fork. */
function writeLink(writer: Writer, link: OtlpLink): void {
  writer.uint32(tag(1, BYTES)).bytes(idBytes(link.traceId, 16))
  writer.uint32(tag(2, BYTES)).bytes(idBytes(link.spanId, 8))
  if (link.traceState) writer.uint32(tag(3, BYTES)).string(link.traceState)
  writeAttributes(writer, 4, link.attributes)
  writeCount(writer, 5, link.droppedAttributesCount)
  writer.uint32(tag(6, FIXED32)).fixed32(link.flags).ldelim()
}

export function encodeLogRecord(record: OtlpLogRecord): Uint8Array {
  const writer = begin()
  writer.uint32(tag(1, FIXED64)).fixed64(toLong(record.timeUnixNano))
  writeCount(writer, 2, record.severityNumber)
  if (record.severityText) writer.uint32(tag(3, BYTES)).string(record.severityText)
  if (record.body) {
    writeAnyValue(writer.uint32(tag(5, BYTES)).fork(), record.body)
    writer.ldelim()
  }
  writeAttributes(writer, 6, record.attributes)
  writeCount(writer, 7, record.droppedAttributesCount)
  if (record.flags) writer.uint32(tag(8, FIXED32)).fixed32(record.flags)
  if (record.traceId) writer.uint32(tag(9, BYTES)).bytes(idBytes(record.traceId, 16))
  if (record.spanId) writer.uint32(tag(10, BYTES)).bytes(idBytes(record.spanId, 8))
  writer.uint32(tag(11, FIXED64)).fixed64(toLong(record.observedTimeUnixNano))
  if (record.eventName) writer.uint32(tag(12, BYTES)).string(record.eventName)
  return finish(writer)
}

export function encodeMetric(metric: OtlpMetric): Uint8Array {
  const writer = begin()
  writer.uint32(tag(1, BYTES)).string(metric.name)
  if (metric.description) writer.uint32(tag(2, BYTES)).string(metric.description)
  if (metric.unit) writer.uint32(tag(3, BYTES)).string(metric.unit)
  if (metric.gauge) {
    writer.uint32(tag(5, BYTES)).fork()
    for (const point of metric.gauge.dataPoints) writeNumberPoint(writer.uint32(tag(1, BYTES)).fork(), point)
    writer.ldelim()
  }
  if (metric.sum) {
    writer.uint32(tag(7, BYTES)).fork()
    for (const point of metric.sum.dataPoints) writeNumberPoint(writer.uint32(tag(1, BYTES)).fork(), point)
    writer.uint32(tag(2, VARINT)).uint32(metric.sum.aggregationTemporality)
    writer.uint32(tag(3, VARINT)).bool(metric.sum.isMonotonic).ldelim()
  }
  if (metric.histogram) {
    writer.uint32(tag(9, BYTES)).fork()
    for (const point of metric.histogram.dataPoints)
      writeHistogramPoint(writer.uint32(tag(1, BYTES)).fork(), point)
    writer.uint32(tag(2, VARINT)).uint32(metric.histogram.aggregationTemporality).ldelim()
  }
  return finish(writer)
}

function writeNumberPoint(writer: Writer, point: OtlpNumberPoint): void {
  writer.uint32(tag(2, FIXED64)).fixed64(toLong(point.startTimeUnixNano))
  writer.uint32(tag(3, FIXED64)).fixed64(toLong(point.timeUnixNano))
  if (point.asDouble !== undefined) writer.uint32(tag(4, FIXED64)).double(point.asDouble)
  if (point.asInt !== undefined) writer.uint32(tag(6, FIXED64)).sfixed64(toLong(point.asInt))
  writeAttributes(writer, 7, point.attributes)
  writer.ldelim()
}

function writeHistogramPoint(writer: Writer, point: OtlpHistogramPoint): void {
  writer.uint32(tag(2, FIXED64)).fixed64(toLong(point.startTimeUnixNano))
  writer.uint32(tag(3, FIXED64)).fixed64(toLong(point.timeUnixNano))
  writer.uint32(tag(4, FIXED64)).fixed64(toLong(point.count))
  writer.uint32(tag(5, FIXED64)).double(point.sum)
  writer.uint32(tag(6, BYTES)).fork()
  for (const count of point.bucketCounts) writer.fixed64(toLong(count))
  writer.ldelim().uint32(tag(7, BYTES)).fork()
  for (const bound of point.explicitBounds) writer.double(bound)
  writer.ldelim()
  writeAttributes(writer, 9, point.attributes)
  writer.uint32(tag(11, FIXED64)).double(point.min)
  writer.uint32(tag(12, FIXED64)).double(point.max).ldelim()
}

export function encodeHead(otlp: OtlpTelemetry): Head {
  const resource = protobuf.Writer.create()
  writeAttributes(resource, 1, otlp.resource.attributes)
  writeCount(resource, 2, otlp.resource.droppedAttributesCount)
  const scope = protobuf.Writer.create()
  scope.uint32(tag(1, BYTES)).string(otlp.scope.name).uint32(tag(2, BYTES)).string(otlp.scope.version)
  const { resourceSchemaUrl, scopeSchemaUrl } = otlp
  const head = { resource: resource.finish(), scope: scope.finish(), resourceSchemaUrl, scopeSchemaUrl }
  const key = [resourceSchemaUrl, scopeSchemaUrl, latin1(head.scope), latin1(head.resource)].join('\n')
  return { key, ...head }
}

function writeAttributes(writer: Writer, field: number, attributes: readonly KeyValue[]): void {
  for (const { key, value } of attributes) {
    writer.uint32(tag(field, BYTES)).fork().raw(encodeKey(key))
    writeAnyValue(writer.uint32(tag(2, BYTES)).fork(), value)
    writer.ldelim().ldelim()
  }
}

/** KeyValue's field 1. There are some hundred known keys, in every span the same. */
const knownKeys = new Map<string, Uint8Array>()

function encodeKey(key: string): Uint8Array {
  const known = knownKeys.get(key)
  if (known !== undefined) return known
  const bytes = protobuf.Writer.create().uint32(tag(1, BYTES)).string(key).finish()
  if (ATTRIBUTES.has(key)) knownKeys.set(key, bytes)
  return bytes
}

function writeAnyValue(writer: Writer, value: AnyValue): void {
  if ('stringValue' in value) writer.uint32(tag(1, BYTES)).string(value.stringValue)
  else if ('boolValue' in value) writer.uint32(tag(2, VARINT)).bool(value.boolValue)
  else if ('intValue' in value) writer.uint32(tag(3, VARINT)).int64(toLong(value.intValue))
  else if ('doubleValue' in value) writer.uint32(tag(4, FIXED64)).double(value.doubleValue)
  else if ('arrayValue' in value) {
    writer.uint32(tag(5, BYTES)).fork()
    for (const item of value.arrayValue.values) {
      writeAnyValue(writer.uint32(tag(1, BYTES)).fork(), item)
      writer.ldelim()
    }
    writer.ldelim()
  } else if ('kvlistValue' in value) {
    writer.uint32(tag(6, BYTES)).fork()
    writeAttributes(writer, 1, value.kvlistValue.values)
    writer.ldelim()
  }
}

/** Proto3 leaves a zero out. */
function writeCount(writer: Writer, field: number, count: number): void {
  if (count !== 0) writer.uint32(tag(field, VARINT)).uint32(count)
}

/** The Writer takes 64 bits as two halves: exact where a JavaScript number is not. */
function toLong(value: bigint): Long {
  // Nearly all but times; BigInt arithmetic costs an allocation per step.
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  const low = Number(BigInt.asIntN(32, value))
  const high = Number(BigInt.asIntN(32, value >> 32n))
  return { low, high, unsigned: true } as Long
}

function idBytes(hex: string, length: number): Uint8Array {
  const bytes = Buffer.from(hex, 'hex')
  // `run` makes the ids: a wrong one is our bug, and every receiver would refuse the request for it.
  if (bytes.length !== length || hex.length !== 2 * length)
    throw new Error(`id is not ${length} bytes of hex`)
  return bytes
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
