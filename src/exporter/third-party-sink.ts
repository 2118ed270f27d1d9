// SPDX-License-Identifier: Apache-2.0
/**
 * The door for processors and exporters written for the OpenTelemetry JS SDK. In: redacted telemetry, and nothing else can
 * come in. Out: calls of their `onEnd`, `onEmit` and `export` with plain objects in the SDK's shapes. What they throw is
 * counted and goes no further.
 * @module
 */
import { createRequire } from 'node:module'
import type * as Api from '@opentelemetry/api'
import type { HrTime, SpanContext } from '@opentelemetry/api'
import type { AnyValueMap } from '@opentelemetry/api-logs'
import type * as Resources from '@opentelemetry/resources'
import type { Resource } from '@opentelemetry/resources'
import type {
  LogRecordExporter,
  LogRecordProcessor,
  ReadableLogRecord,
  SdkLogRecord,
} from '@opentelemetry/sdk-logs'
import type {
  ReadableSpan,
  Span as SdkSpan,
  SpanExporter,
  SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import type {
  Attributes,
  LogRecord,
  Scope,
  Span,
  SpanContext as RunSpanContext,
  Telemetry,
} from '../run/types.js'
import type { Stats } from '../stats.js'
import { isStructured, toJsonText } from './any-value.js'
import { systemClock } from './clock.js'
import type { Clock, ExporterLog, ShutdownReport, Sink } from './types.js'

interface Sdk {
  api: typeof Api
  resources: typeof Resources
}

let sdk: Sdk | undefined

/** On first use: nearly no sensor has third parties, and these packages take some 15 MB of every process that loads them. */
function loadSdk(): Sdk {
  const require = createRequire(import.meta.url)
  return (sdk ??= {
    api: require('@opentelemetry/api') as typeof Api,
    resources: require('@opentelemetry/resources') as typeof Resources,
  })
}

export interface ThirdParties {
  spanProcessors?: readonly SpanProcessor[]
  spanExporters?: readonly SpanExporter[]
  logRecordProcessors?: readonly LogRecordProcessor[]
  logRecordExporters?: readonly LogRecordExporter[]
}

export interface ThirdPartySettings extends ThirdParties {
  /** For the log: whose they are. */
  name?: string
  stats: Stats
  log: ExporterLog
  clock?: Clock
}

export function createThirdPartySink(settings: ThirdPartySettings): Sink {
  const {
    spanProcessors = [],
    spanExporters = [],
    logRecordProcessors = [],
    logRecordExporters = [],
  } = settings
  const guard = new Guard(settings)
  const scopes = new ScopeTable()

  return {
    name: settings.name ?? 'third-party',
    consume(telemetry) {
      const resource = toResource(telemetry)
      const scope = scopes.get(telemetry.scope)
      const spans = telemetry.spans.map((span) => toReadableSpan(span, resource, scope))
      const records = telemetry.logRecords.map((record) => toReadableLogRecord(record, resource, scope))
      // The SDK hands over its own Span class; `onEnd` promises no more than ReadableSpan.
      for (const processor of spanProcessors)
        for (const span of spans) guard.call(() => processor.onEnd(span as SdkSpan))
      for (const exporter of spanExporters)
        if (spans.length > 0) guard.export(exporter, spans.length, (done) => exporter.export(spans, done))
      for (const processor of logRecordProcessors)
        for (const record of records)
          guard.call(() => processor.onEmit(record as SdkLogRecord, toContext(record)))
      for (const exporter of logRecordExporters)
        if (records.length > 0)
          guard.export(exporter, records.length, (done) => exporter.export(records, done))
    },
    end() {},
    async shutdown(deadlineMs): Promise<ShutdownReport> {
      const all = [...spanProcessors, ...spanExporters, ...logRecordProcessors, ...logRecordExporters]
      await within(
        deadlineMs,
        settings.clock ?? systemClock,
        all.map((part) => guard.promise(() => part.shutdown())),
      )
      return { unsentItems: 0 }
    },
  }
}

/** Calls of one exporter that have not called back; beyond it, it gets no more, so that what hangs holds bounded memory. */
const MAX_OPEN_EXPORTS = 32

type Done = (result: { code: number; error?: Error }) => void

/** Somebody else's code must not stop capture; its errors are counted and said once, without words that may quote content. */
class Guard {
  readonly #stats: Stats
  readonly #log: ExporterLog
  readonly #name: string
  readonly #open = new Map<object, number>()
  readonly #warned = new Set<string>()

  constructor({ stats, log, name = 'third-party exporter' }: ThirdPartySettings) {
    this.#stats = stats
    this.#log = log
    this.#name = name
  }

  /** The types say void, but JavaScript lets an async function stand in; nobody else would catch what it rejects with. */
  call(call: () => unknown): void {
    try {
      const result = call()
      if (result instanceof Promise) result.catch((error: unknown) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
  }

  export(exporter: object, items: number, call: (done: Done) => unknown): void {
    const open = this.#open.get(exporter) ?? 0
    if (open >= MAX_OPEN_EXPORTS) {
      this.#stats.add('exporter.third_party.dropped', 'hanging', items)
      return this.#warnOnce('hanging', `does not say when it is done: it gets nothing before it does`)
    }
    this.#open.set(exporter, open + 1)
    let isDone = false
    const settle = (): void => {
      if (!isDone) this.#open.set(exporter, this.#open.get(exporter)! - 1)
      isDone = true
    }
    const done: Done = ({ code, error }) => {
      settle()
      if (code !== 0) this.#fail(error)
    }
    this.call(() => {
      try {
        const result = call(done)
        return result instanceof Promise ? result.finally(settle) : result
      } catch (error) {
        settle()
        throw error
      }
    })
  }

  promise(call: () => Promise<void>): Promise<void> {
    return Promise.resolve()
      .then(call)
      .catch((error: unknown) => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.#stats.add('exporter.third_party.failed', 'error')
    this.#warnOnce('error', error instanceof Error ? error.name : 'failed')
  }

  #warnOnce(about: string, message: string): void {
    if (!this.#warned.has(about)) this.#log.warn(`${this.#name}: ${message}`)
    this.#warned.add(about)
  }
}

async function within(deadlineMs: number, clock: Clock, work: Promise<void>[]): Promise<void> {
  let timer: unknown
  const deadline = new Promise<void>((resolve) => {
    timer = clock.setTimer(resolve, deadlineMs)
  })
  await Promise.race([Promise.all(work), deadline])
  clock.clearTimer(timer)
}

/** One object per scope: SDK exporters group by the scope's identity. */
class ScopeTable {
  readonly #scopes = new Map<string, Scope>()

  get({ name, version, schemaUrl }: Scope): Scope {
    const key = `${name}\n${version}\n${schemaUrl}`
    let scope = this.#scopes.get(key)
    if (scope === undefined) this.#scopes.set(key, (scope = { name, version, schemaUrl }))
    return scope
  }
}

function toResource({ resource }: Telemetry): Resource {
  return loadSdk().resources.resourceFromAttributes(toSdkAttributes(resource.attributes), {
    schemaUrl: resource.schemaUrl,
  })
}

export function toReadableSpan(span: Span, resource: Resource, scope: Scope): ReadableSpan {
  const context = toSpanContext(span.spanContext, span.traceState)
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => context,
    ...(span.parentSpanContext
      ? { parentSpanContext: toSpanContext(span.parentSpanContext, undefined) }
      : {}),
    startTime: toHrTime(span.startUnixNano),
    endTime: toHrTime(span.endUnixNano),
    duration: toHrTime(span.endUnixNano - span.startUnixNano),
    status: { ...span.status },
    attributes: toSdkAttributes(span.attributes),
    links: span.links.map((link) => ({
      context: toSpanContext(link.context, link.context.traceState),
      attributes: toSdkAttributes(link.attributes),
    })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

export function toReadableLogRecord(record: LogRecord, resource: Resource, scope: Scope): ReadableLogRecord {
  return {
    hrTime: toHrTime(record.timeUnixNano),
    hrTimeObserved: toHrTime(record.observedTimeUnixNano),
    ...(record.spanContext ? { spanContext: toSpanContext(record.spanContext, undefined) } : {}),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    eventName: record.eventName,
    resource,
    instrumentationScope: scope,
    // Both are "JSON-like"; the SDK's type does not say readonly.
    attributes: record.attributes as AnyValueMap,
    droppedAttributesCount: 0,
  }
}

function toContext({ spanContext }: ReadableLogRecord) {
  const { trace, ROOT_CONTEXT } = loadSdk().api
  return spanContext ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT
}

function toSpanContext(context: RunSpanContext, traceState: string | undefined): SpanContext {
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    traceFlags: context.traceFlags,
    ...(context.isRemote === undefined ? {} : { isRemote: context.isRemote }),
    ...(traceState ? { traceState: loadSdk().api.createTraceState(traceState) } : {}),
  }
}

/** The SDK's span attributes know no maps: they go as JSON text, as our own encoder does it. */
function toSdkAttributes(attributes: Attributes): Record<string, string | number | boolean | string[]> {
  const out: Record<string, string | number | boolean | string[]> = {}
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined || value === null) continue
    if (isStructured(value)) out[key] = toJsonText(value)
    else if (typeof value === 'bigint') out[key] = Number(value)
    else out[key] = value as string | number | boolean | string[]
  }
  return out
}

function toHrTime(nanos: bigint): HrTime {
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]
}
