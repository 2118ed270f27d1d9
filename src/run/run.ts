// SPDX-License-Identifier: Apache-2.0
/**
 * AI events → spans, log records and metrics, in the words of the GenAI semantic conventions. In: one event per model call.
 * Out: Telemetry, unredacted. Knows no clock, no random number and no exporter.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { AiEvent, InferenceEvent } from '../provider/types.js'
import {
  DEFAULT_PROFILE,
  EVENT_GEN_AI_CLIENT_INFERENCE_OPERATION_DETAILS as DETAILS_EVENT,
  EVENTS,
  SCHEMA_URL_CORE,
  SCHEMA_URL_GEN_AI,
  type Profile,
} from '../semconv.js'
import type { Stats } from '../stats.js'
import { toAttributes } from './attributes.js'
import { createIds, type Ids } from './ids.js'
import { createMeter, DEFAULT_MAX_SERIES, DEFAULT_METRIC_INTERVAL_MS } from './metrics.js'
import { createResources, SENSOR_NAME } from './resource.js'
import { parseTraceparent, type RemoteContext } from './trace-context.js'
import type { Attributes, LogRecord, Resource, Scope, Span, Telemetry } from './types.js'

export interface RunSettings {
  stats: Stats
  /** Names this boot of the observed machine: part of every id. */
  bootId: string
  /** Of the sensor. */
  version: string
  /** What a caller's own trace becomes: a link from our trace, or the parent that our span joins. */
  traceparent?: 'link' | 'parent'
  profile?: Profile
  metricIntervalMs?: number
  /** Most series per metric; what comes after shares one overflow series. */
  maxSeries?: number
  /** The sensor's own: metrics stand on it, and observed processes share its host. */
  resource?: Resource
}

const SPAN_KIND_CLIENT = 2
const STATUS_UNSET = 0
const STATUS_ERROR = 2
const SAMPLED = 1

export function createRun(settings: RunSettings, next: Consumer<Telemetry>): Consumer<AiEvent> {
  const { stats, bootId, version, traceparent = 'link', profile = DEFAULT_PROFILE } = settings
  const scope: Scope = { name: SENSOR_NAME, version, schemaUrl: SCHEMA_URL_GEN_AI }
  const sensor = settings.resource ?? {
    attributes: { 'service.name': SENSOR_NAME, 'service.version': version },
    schemaUrl: SCHEMA_URL_CORE,
  }
  const meter = createMeter({
    stats,
    profile,
    intervalMs: settings.metricIntervalMs ?? DEFAULT_METRIC_INTERVAL_MS,
    maxSeries: settings.maxSeries ?? DEFAULT_MAX_SERIES,
  })

  const resourceOf = createResources(sensor, version)

  function passMetrics(nowUnixNano?: bigint): void {
    const metrics = meter.collect(nowUnixNano)
    if (metrics.length > 0) next.consume({ resource: sensor, scope, spans: [], logRecords: [], metrics })
  }

  return {
    consume(event) {
      const attributes = toAttributes(event, profile)
      const remote = readRemote(event, stats)
      const [parent, link] = traceparent === 'parent' ? [remote, undefined] : [undefined, remote]
      const span = toSpan(event, attributes, { ids: createIds(bootId, event.exchange), parent, link })
      meter.record(event, attributes)
      stats.add('spans.made', event.completeness)
      const resource = resourceOf(event.exchange.connection.process)
      next.consume({ resource, scope, spans: [span], logRecords: [toLogRecord(span)], metrics: [] })
    },
    tick(nowUnixNano) {
      if (meter.isDue(nowUnixNano)) passMetrics(nowUnixNano)
      next.tick(nowUnixNano)
    },
    end() {
      passMetrics()
      next.end()
    },
  }
}

/** Undefined without a header, and for one that breaks the grammar. */
function readRemote({ traceparent, tracestate }: InferenceEvent, stats: Stats): RemoteContext | undefined {
  if (traceparent === undefined) return undefined
  const remote = parseTraceparent(traceparent, tracestate)
  if (remote === undefined) stats.add('traceparents.ignored', 'invalid')
  else if (tracestate !== undefined && remote.traceState === undefined)
    stats.add('tracestates.ignored', 'invalid')
  return remote
}

interface SpanTies {
  ids: Ids
  parent: RemoteContext | undefined
  link: RemoteContext | undefined
}

function toSpan(event: InferenceEvent, attributes: Attributes, { ids, parent, link }: SpanTies): Span {
  const { operation, request, startUnixNano, endUnixNano } = event
  return {
    name: request.model === undefined ? operation : `${operation} ${request.model}`,
    kind: SPAN_KIND_CLIENT,
    spanContext: {
      traceId: parent?.traceId ?? ids.traceId,
      spanId: ids.spanId,
      traceFlags: parent?.traceFlags ?? SAMPLED,
    },
    parentSpanContext: parent && withoutState(parent),
    ...(parent?.traceState === undefined ? {} : { traceState: parent.traceState }),
    startUnixNano,
    endUnixNano: endUnixNano > startUnixNano ? endUnixNano : startUnixNano,
    attributes,
    links: link === undefined ? [] : [{ context: link, attributes: {} }],
    status: toStatus(event.error),
  }
}

function withoutState({ traceState: _, ...context }: RemoteContext): Span['parentSpanContext'] {
  return context
}

/** The description must not repeat error.type (Recording errors, semantic conventions). */
function toStatus(error: InferenceEvent['error']): Span['status'] {
  if (error === undefined) return { code: STATUS_UNSET }
  const { type, message } = error
  return message === undefined || message === type ? { code: STATUS_ERROR } : { code: STATUS_ERROR, message }
}

/** The same attribute object as the span's: redaction and hashing then happen once. */
function toLogRecord({ spanContext, attributes, endUnixNano }: Span): LogRecord {
  const row = EVENTS.get(DETAILS_EVENT)!
  return {
    eventName: DETAILS_EVENT,
    timeUnixNano: endUnixNano,
    observedTimeUnixNano: endUnixNano,
    severityNumber: row.severityNumber,
    severityText: row.severityText,
    spanContext,
    attributes,
  }
}
