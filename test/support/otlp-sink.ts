// SPDX-License-Identifier: Apache-2.0
/**
 * Reads OTLP as a receiver would: bytes of Export…ServiceRequests → plain objects, by reflection over `proto/`, not with the
 * exporter's code. `canonical` is what goldens hold: stable order, ids in hex, every value with its wire type.
 * @module
 */
import { join, resolve } from 'node:path'
import protobuf from 'protobufjs'
import { createOtlpSink } from '../../src/exporter/index.js'
import type { OtlpSettings, Signal, Sink } from '../../src/exporter/types.js'
import type { Stats } from '../../src/stats.js'

const PROTO = resolve(import.meta.dirname, '../../proto')
const FILES = [
  ...['trace', 'logs', 'metrics'].map(
    (name) => `opentelemetry/proto/collector/${name}/v1/${name}_service.proto`,
  ),
  'google/rpc/status.proto',
  'google/rpc/error_details.proto',
]

let loaded: protobuf.Root | undefined

/** All message types of `proto/` but the recording's. */
export function protoRoot(): protobuf.Root {
  if (loaded) return loaded
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) => join(PROTO, target)
  return (loaded = root.loadSync(FILES).resolveAll() as protobuf.Root)
}

const SERVICE: Record<Signal, string> = { traces: 'Trace', logs: 'Logs', metrics: 'Metrics' }

export function messageType(signal: Signal, what: 'Request' | 'Response'): protobuf.Type {
  const name = SERVICE[signal]
  return protoRoot().lookupType(
    `opentelemetry.proto.collector.${name.toLowerCase()}.v1.Export${name}Service${what}`,
  )
}

/** A JSON-shaped tree as OTLP/JSON would have it: hex ids, 64-bit integers as decimal strings, enums as numbers. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain }
export type PlainObject = { [key: string]: Plain }

export function decodeRequest(signal: Signal, body: Uint8Array): PlainObject {
  const type = messageType(signal, 'Request')
  return toPlain(type.toObject(type.decode(body), { longs: String, json: false }), '') as PlainObject
}

function toPlain(value: unknown, key: string): Plain {
  if (value instanceof Uint8Array) return Buffer.from(value).toString(/Id$/.test(key) ? 'hex' : 'base64')
  if (Array.isArray(value)) return value.map((item) => toPlain(item, key))
  if (typeof value !== 'object' || value === null) return value as Plain
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toPlain(item, name)]))
}

export interface SentRequest {
  signal: Signal
  body: Uint8Array
}

/** One resource and scope with everything that was sent under it. */
export interface CanonicalGroup {
  resource: PlainObject
  resourceSchemaUrl: string
  scope: PlainObject
  scopeSchemaUrl: string
  items: PlainObject[]
}
export type CanonicalOtlp = Record<Signal, CanonicalGroup[]>

const SHAPE: Record<Signal, { resources: string; scopes: string; items: string }> = {
  traces: { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' },
  logs: { resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' },
  metrics: { resources: 'resourceMetrics', scopes: 'scopeMetrics', items: 'metrics' },
}

/** The same telemetry gives the same value, however it was cut into requests. Attributes become a map, sorted by key. */
export function canonical(requests: readonly SentRequest[]): CanonicalOtlp {
  const out: CanonicalOtlp = { traces: [], logs: [], metrics: [] }
  for (const signal of Object.keys(SHAPE) as Signal[]) {
    const groups = new Map<string, CanonicalGroup>()
    const mine = requests.filter((request) => request.signal === signal)
    for (const { body } of mine) addGroups(groups, signal, decodeRequest(signal, body))
    for (const group of groups.values()) group.items.sort(byText(itemKey))
    out[signal] = [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
  }
  return out
}

function addGroups(groups: Map<string, CanonicalGroup>, signal: Signal, request: PlainObject): void {
  const { resources, scopes, items } = SHAPE[signal]
  for (const byResource of list(request[resources])) {
    for (const byScope of list(byResource[scopes])) {
      const head = {
        resource: canonicalValue(byResource.resource ?? {}) as PlainObject,
        resourceSchemaUrl: (byResource.schemaUrl as string) ?? '',
        scope: (byScope.scope as PlainObject) ?? {},
        scopeSchemaUrl: (byScope.schemaUrl as string) ?? '',
      }
      const key = JSON.stringify(head)
      if (!groups.has(key)) groups.set(key, { ...head, items: [] })
      groups.get(key)!.items.push(...list(byScope[items]).map((item) => canonicalValue(item) as PlainObject))
    }
  }
}

function canonicalValue(value: Plain): Plain {
  if (Array.isArray(value)) return value.map(canonicalValue)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]): [string, Plain] => {
    if (key === 'attributes') return [key, attributeMap(list(item))]
    if (key === 'dataPoints')
      return [
        key,
        list(item)
          .map(canonicalValue)
          .sort(byText((point) => JSON.stringify(point))),
      ]
    return [key, canonicalValue(item)]
  })
  return Object.fromEntries(entries)
}

function attributeMap(attributes: PlainObject[]): PlainObject {
  const sorted = [...attributes].sort(byText(({ key }) => key as string))
  const map = Object.fromEntries(sorted.map(({ key, value }) => [key as string, value ?? {}]))
  if (Object.keys(map).length !== attributes.length)
    throw new Error(`an attribute key stands twice: ${sorted.map(({ key }) => String(key)).join(' ')}`)
  return map
}

/** By time and id where the item has them, by name for metrics. */
function itemKey(item: PlainObject): string {
  const time = String(item.startTimeUnixNano ?? item.timeUnixNano ?? '').padStart(20, '0')
  return [time, item.spanId, item.eventName, item.name, JSON.stringify(item)].join('\n')
}

function byText<T>(keyOf: (value: T) => string): (a: T, b: T) => number {
  return (a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)
}

function list(value: Plain | undefined): PlainObject[] {
  return (value ?? []) as PlainObject[]
}

export interface MemoryCollector {
  /** A sink for `createExporter`: the real encoder, queue and batches; only the network is missing. */
  sink: Sink
  /** In the order of arrival. Complete once `exporter.shutdown()` has settled. */
  requests: SentRequest[]
  read(): CanonicalOtlp
}

/** Takes everything that is exported, at once, into memory. */
export function createMemoryCollector(stats: Stats): MemoryCollector {
  const requests: SentRequest[] = []
  const sink = createOtlpSink({
    destinations: (Object.keys(SHAPE) as Signal[]).map(destinationFor),
    stats,
    log: { info() {}, warn() {} },
    version: '0.0.0',
    createTransport: () => ({
      async send(signal, body) {
        requests.push({ signal, body })
        return { outcome: 'accepted', rejectedItems: 0, message: undefined }
      },
      async close() {},
    }),
  })
  return { sink, requests, read: () => canonical(requests) }
}

function destinationFor(signal: Signal): OtlpSettings {
  return {
    signal,
    protocol: 'http/protobuf',
    url: `http://collector.test/v1/${signal}`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    insecure: true,
    tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
  }
}
