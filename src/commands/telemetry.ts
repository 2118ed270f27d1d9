// SPDX-License-Identifier: Apache-2.0
/**
 * Everything between the records and the destinations, built from the configuration. In: a Config and the clock of a host or a
 * recording. Out: settings of the pipeline, and an exporter with its sinks. Knows no capture.
 * @module
 */
import { readOrCreateKey, type Config } from '../config/index.js'
import {
  createConsoleSink,
  createExporter,
  createFileSink,
  createOtlpSink,
  displayEndpoint,
  type Exporter,
  type RequestQueue,
  type Sink,
} from '../exporter/index.js'
import { toHostAttributes } from '../health/index.js'
import type { Log } from '../log.js'
import type { PipelineSettings } from '../pipeline.js'
import type { RecordingHeader } from '../receiver/index.js'
import { SCHEMA_URL_CORE } from '../semconv.js'
import { createBudget, type Budget, type Stats } from '../stats.js'

export interface TelemetrySettings {
  config: Config
  version: string
  stats: Stats
  log: Log
  /** A file of OTLP/JSON lines in place of every other destination. */
  output?: string | undefined
}

export interface SinkSettings extends TelemetrySettings {
  /** Memory without it. */
  queue?: RequestQueue | undefined
  /** What a queue in memory takes of, and what is not in it yet. */
  budget?: Budget | undefined
  /** Those of third parties. */
  sinks?: readonly Sink[]
}

/** Throws SensorError when the file exists already, or when a destination's headers or TLS files are no good. */
export function createSinks(settings: SinkSettings): Exporter {
  const { config, version, stats, log, output, queue, budget, sinks = [] } = settings
  return createExporter({ sinks: [...listSinks()] })

  function* listSinks(): Generator<Sink> {
    if (output !== undefined) {
      yield createFileSink({ path: output, stats, log, queueBytes: config.queueBytes })
      return
    }
    if (config.hasConsole)
      yield createConsoleSink({
        write: (line) => void process.stdout.write(`${line}\n`),
        waitingBytes: () => process.stdout.writableLength,
        stats,
        isColored: config.isColored,
      })
    if (config.destinations.length > 0)
      yield createOtlpSink({
        destinations: config.destinations,
        stats,
        log,
        version,
        queueBytes: config.queueBytes,
        budget,
        flushMs: config.flushMs,
        concurrency: config.concurrency,
        ...(queue && { queue }),
      })
    yield* sinks
  }
}

/** Where telemetry goes, one line each, without anything secret. */
export function describeDestinations({
  config,
  output,
}: Pick<TelemetrySettings, 'config' | 'output'>): string[] {
  if (output !== undefined) return [`OTLP/JSON lines to ${output === '-' ? 'standard output' : output}`]
  const signalsByPlace = new Map<string, string[]>()
  for (const destination of config.destinations) {
    const { signal, protocol } = destination
    // Over HTTP each signal has its own path below one endpoint.
    const place = `${displayEndpoint(destination).replace(new RegExp(`/v1/${signal}$`), '')} (${protocol})`
    signalsByPlace.set(place, [...(signalsByPlace.get(place) ?? []), signal])
  }
  const sent = [...signalsByPlace].map(([place, signals]) => `${signals.join(', ')} to ${place}`)
  sent.push(...config.modules.map(({ module }) => `redacted copies to the module ${module}`))
  if (sent.length > 0) return sent
  return [config.hasConsole ? 'this screen only (OTEL_EXPORTER_OTLP_ENDPOINT exports it)' : 'nowhere']
}

/** The key of all hashes; says so when it is only for this run. */
export function readKey({ config, log }: Pick<TelemetrySettings, 'config' | 'log'>): Uint8Array {
  const { key, reason } = readOrCreateKey(config.stateDirectory)
  if (reason !== undefined)
    log.warn(
      `${reason}: hashes of this run cannot be compared with those of another (--state-directory names another folder)`,
    )
  return key
}

/** The rooms' settings for records of one host, live or recorded. */
export function createPipelineSettings(
  { config, version, stats }: Pick<TelemetrySettings, 'config' | 'version' | 'stats'>,
  key: Uint8Array,
  host: RecordingHeader,
): PipelineSettings {
  return {
    stats,
    budget: createBudget(config.budgetBytes),
    boottimeToUnixNano: host.boottimeToUnixNano,
    bootId: host.bootId,
    key,
    redactionMode: config.redactionMode,
    profile: config.profile,
    traceparent: config.traceparent,
    metricIntervalMs: config.metricIntervalMs,
    maxBodyBytes: config.maxBodyBytes,
    version,
    resource: {
      attributes: { ...toHostAttributes(host), ...config.resourceAttributes, 'service.version': version },
      schemaUrl: SCHEMA_URL_CORE,
    },
  }
}
