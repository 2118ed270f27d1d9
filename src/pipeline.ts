// SPDX-License-Identifier: Apache-2.0
/**
 * The wiring, in order: each room is built with the next one, so downstream is ready before upstream. In: settings from outside
 * (time, ids and keys included). Out: the consumer that the receiver feeds.
 * @module
 */
import type { Consumer } from './consumer.js'
import { createProcessTable } from './process/index.js'
import { createProtocol } from './protocol/index.js'
import type { ExchangeEvent } from './protocol/types.js'
import { createProvider } from './provider/index.js'
import type { AiEvent } from './provider/types.js'
import type { CaptureRecord } from './receiver/index.js'
import { createFingerprint, createRedaction } from './redaction/index.js'
import type { Redacted, RedactionMode } from './redaction/types.js'
import { createRun } from './run/index.js'
import type { Resource, Telemetry } from './run/types.js'
import type { Profile } from './semconv.js'
import type { Budget, Stats } from './stats.js'
import { createStream } from './stream/index.js'
import type { StreamEvent } from './stream/types.js'

export interface PipelineSettings {
  stats: Stats
  budget: Budget
  /** Of the host that is captured, or of the recording. */
  boottimeToUnixNano: bigint
  bootId: string
  /** Key of all keyed hashes. */
  key: Uint8Array
  /** A function when it may change: it is asked for each item of telemetry. */
  redactionMode: RedactionMode | (() => RedactionMode)
  profile: Profile
  traceparent: 'link' | 'parent'
  metricIntervalMs: number
  maxBodyBytes: number
  version: string
  /** The sensor's own resource; metrics stand on it. */
  resource: Resource
}

/** CaptureRecord in, Redacted<Telemetry> out at `exporter`. */
export function createPipeline(
  settings: PipelineSettings,
  exporter: Consumer<Redacted<Telemetry>>,
): Consumer<CaptureRecord> {
  const { redactionMode: mode, ...rest } = settings
  const redaction =
    typeof mode === 'function'
      ? createSwitchedRedaction(mode, rest, exporter)
      : createRedaction({ ...rest, mode }, exporter)
  const run = createRun(rest, redaction)
  return toProviders(settings, run)
}

/** One for each mode: an item goes through one of them as a whole. */
function createSwitchedRedaction(
  readMode: () => RedactionMode,
  settings: Omit<PipelineSettings, 'redactionMode'>,
  exporter: Consumer<Redacted<Telemetry>>,
): Consumer<Telemetry> {
  const byMode = {
    safe: createRedaction({ ...settings, mode: 'safe' }, exporter),
    full: createRedaction({ ...settings, mode: 'full' }, exporter),
  }
  return {
    consume: (telemetry) => byMode[readMode()].consume(telemetry),
    tick: (nowUnixNano) => exporter.tick(nowUnixNano),
    end: () => exporter.end(),
  }
}

/** What `replay --stop-after` prints: the same rooms, ended early. */
export interface StageSinks {
  stream: Consumer<StreamEvent>
  protocol: Consumer<ExchangeEvent>
  provider: Consumer<AiEvent>
}
export type Stage = keyof StageSinks

export function createPipelineUntil<S extends Stage>(
  stage: S,
  settings: PipelineSettings,
  sink: StageSinks[S],
): Consumer<CaptureRecord> {
  if (stage === 'stream') return toStreams(settings, sink as StageSinks['stream'])
  if (stage === 'protocol') return toExchanges(settings, sink as StageSinks['protocol'])
  return toProviders(settings, sink as StageSinks['provider'])
}

function toProviders(settings: PipelineSettings, next: Consumer<AiEvent>): Consumer<CaptureRecord> {
  return toExchanges(settings, createProvider(settings, next))
}

function toExchanges(settings: PipelineSettings, next: Consumer<ExchangeEvent>): Consumer<CaptureRecord> {
  return toStreams(
    settings,
    createProtocol({ ...settings, fingerprint: createFingerprint(settings.key) }, next),
  )
}

function toStreams(settings: PipelineSettings, next: Consumer<StreamEvent>): Consumer<CaptureRecord> {
  return createProcessTable(settings, createStream(settings, next))
}
