// SPDX-License-Identifier: Apache-2.0
/**
 * The only maker of `Redacted<Telemetry>`. In: telemetry with everything that was captured. Out: what the semconv table lets
 * through, and hashes, sizes and counts of what it does not. An allow-list: what nobody has thought of stays here. Knows no
 * provider and no protocol.
 * @module
 */
import type { Consumer } from '../consumer.js'
import * as semconv from '../semconv.js'
import type {
  Attributes,
  AttributeValue,
  LogRecord,
  Metric,
  Resource,
  Span,
  SpanLink,
  Telemetry,
} from '../run/types.js'
import type { Stats } from '../stats.js'
import { DEFAULT_MAX_CONTENT_BYTES, limitContent } from './content-limit.js'
import { describeContent } from './content.js'
import { createKeys, type Keys } from './keys.js'
import type { Redacted, RedactionMode } from './types.js'
import { cleanMessage, guardValue, looksLikeCredential } from './values.js'

export interface RedactionSettings {
  stats: Stats
  mode: RedactionMode
  /** Of the keyed hashes, at least 16 bytes. */
  key: Uint8Array
  /** Full mode: most bytes of JSON per content attribute. */
  maxContentBytes?: number
  /** The sensor's own. Its attributes are the operator's words (OTEL_RESOURCE_ATTRIBUTES) and pass as they are. */
  resource?: Resource
}

export function createRedaction(
  settings: RedactionSettings,
  next: Consumer<Redacted<Telemetry>>,
): Consumer<Telemetry> {
  const redactor = new Redactor(settings)
  return {
    consume: (telemetry) => next.consume(redactor.redact(telemetry)),
    tick: (nowUnixNano) => next.tick(nowUnixNano),
    end: () => next.end(),
  }
}

class Redactor {
  readonly #stats: Stats
  readonly #mode: RedactionMode
  readonly #keys: Keys
  readonly #maxContentBytes: number
  readonly #operatorAttributes: Attributes
  /** One object per observed process (createResources): it is read once. */
  readonly #resources = new WeakMap<Resource, Resource>()
  /** A span and its log record share one attribute set: it is read and hashed once. */
  #last: { from: Attributes; to: Attributes } | undefined

  constructor(settings: RedactionSettings) {
    this.#stats = settings.stats
    this.#mode = settings.mode
    this.#keys = createKeys(settings.key)
    this.#maxContentBytes = settings.maxContentBytes ?? DEFAULT_MAX_CONTENT_BYTES
    this.#operatorAttributes = settings.resource?.attributes ?? {}
  }

  redact({ resource, scope, spans, logRecords, metrics }: Telemetry): Redacted<Telemetry> {
    const telemetry: Telemetry = {
      resource: this.#redactResource(resource),
      scope,
      spans: spans.map((span) => this.#redactSpan(span)),
      logRecords: logRecords.flatMap((record) => this.#redactLogRecord(record)),
      metrics: metrics.flatMap((metric) => this.#redactMetric(metric)),
    }
    this.#last = undefined
    return telemetry as Redacted<Telemetry>
  }

  #redactResource(resource: Resource): Resource {
    const known = this.#resources.get(resource)
    if (known !== undefined) return known
    const { attributes, schemaUrl } = resource
    const redacted = { attributes: this.#redactResourceAttributes(attributes), schemaUrl }
    this.#resources.set(resource, redacted)
    return redacted
  }

  #redactResourceAttributes(attributes: Attributes): Attributes {
    const captured: Attributes = {}
    const own: Attributes = {}
    for (const [key, value] of Object.entries(attributes)) {
      if (Object.hasOwn(this.#operatorAttributes, key) && this.#operatorAttributes[key] === value)
        own[key] = value
      else captured[key] = value
    }
    return { ...this.#redactAttributes(captured), ...own }
  }

  #redactSpan(span: Span): Span {
    const { traceState, status, ...rest } = span
    const attributes = this.#redactShared(span.attributes)
    const message =
      this.#mode === 'full' && status.message !== undefined ? cleanMessage(status.message) : undefined
    return {
      ...rest,
      ...this.#redactTraceState(traceState),
      name: toSpanName(span, attributes),
      attributes,
      links: span.links.map((link) => this.#redactLink(link)),
      status: message === undefined ? { code: status.code } : { code: status.code, message },
    }
  }

  #redactLink({ context, attributes }: SpanLink): SpanLink {
    const { traceState, ...rest } = context
    return {
      context: { ...rest, ...this.#redactTraceState(traceState) },
      attributes: this.#redactAttributes(attributes),
    }
  }

  /** `run` has checked the grammar, which lets nearly any text through. */
  #redactTraceState(traceState: string | undefined): { traceState?: string } {
    if (traceState === undefined) return {}
    if (!looksLikeCredential(traceState)) return { traceState }
    this.#stats.add('values.replaced', 'drop')
    return {}
  }

  #redactLogRecord(record: LogRecord): LogRecord[] {
    if (!semconv.EVENTS.has(record.eventName)) {
      this.#stats.add('log_records.dropped', 'unknown_event')
      return []
    }
    return [{ ...record, attributes: this.#redactShared(record.attributes) }]
  }

  #redactMetric(metric: Metric): Metric[] {
    if (!semconv.METRICS.has(metric.name)) {
      this.#stats.add('metrics.dropped', 'unknown_metric')
      return []
    }
    const redactPoint = <P extends { attributes: Attributes }>(point: P): P => ({
      ...point,
      attributes: this.#redactAttributes(point.attributes),
    })
    return metric.kind === 'sum'
      ? [{ ...metric, points: metric.points.map(redactPoint) }]
      : [{ ...metric, points: metric.points.map(redactPoint) }]
  }

  #redactShared(attributes: Attributes): Attributes {
    if (this.#last?.from !== attributes)
      this.#last = { from: attributes, to: this.#redactAttributes(attributes) }
    return this.#last.to
  }

  #redactAttributes(attributes: Attributes): Attributes {
    const out: Attributes = {}
    const truncated: string[] = []
    for (const [key, value] of Object.entries(attributes)) {
      const row = semconv.ATTRIBUTES.get(key)
      const kept = row === undefined ? this.#drop('unknown') : this.#redactValue(key, row, value)
      if (kept !== undefined) out[key] = kept
      if (row?.sensitivity === 'content' && this.#mode === 'full' && kept !== value) truncated.push(key)
    }
    if (truncated.length > 0) out[semconv.ATTR_OISP_CONTENT_TRUNCATED] = truncated
    if (this.#mode === 'safe') describeContent(attributes, this.#keys, out)
    return out
  }

  #redactValue(key: string, row: semconv.AttributeRow, value: AttributeValue): AttributeValue | undefined {
    switch (row.sensitivity) {
      case 'safe':
      case 'identity':
        return guardValue(row, value, this.#keys, this.#stats)
      case 'content':
        return this.#mode === 'safe' ? this.#withhold(key) : this.#limit(key, row, value)
      case 'secret':
        return this.#drop('secret')
    }
  }

  /** Not a loss: a hash and counts go out in its place. */
  #withhold(key: string): undefined {
    this.#stats.add('content.withheld', key)
  }

  #limit(key: string, row: semconv.AttributeRow, value: AttributeValue): AttributeValue | undefined {
    // A marker part has a place among messages and parts, not in a list of strings.
    const fits = row.type === 'any' || JSON.stringify(value).length <= this.#maxContentBytes
    const limited = fits ? limitContent(value, this.#maxContentBytes) : undefined
    if (limited !== value) this.#stats.add('content.truncated', key)
    return limited
  }

  #drop(reason: string): undefined {
    this.#stats.add('attributes.dropped', reason)
  }
}

/** By operation: the attribute that a span's name repeats. */
const NAME_ATTRIBUTES: ReadonlyMap<string, string> = new Map(
  [...semconv.SPANS.values()].flatMap(({ operations, nameAttribute }) =>
    operations.map((operation) => [operation, nameAttribute] as const),
  ),
)

/** Made again from the attributes that leave: the name repeats one of them. */
function toSpanName({ attributes: before }: Span, after: Attributes): string {
  const operation = String(after[semconv.ATTR_GEN_AI_OPERATION_NAME] ?? '_OTHER')
  const key = NAME_ATTRIBUTES.get(operation)
  const target = key !== undefined && before[key] !== undefined ? after[key] : undefined
  return target === undefined ? operation : `${operation} ${String(target)}`
}
