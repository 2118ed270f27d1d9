// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of SIGHUP. In: a way to read the configuration again. Out: the settings that can change now, applied together; the
 * names of those that cannot, in a warning. A mistake anywhere leaves everything as it was.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/index.js'
import { SensorError } from '../errors.js'
import type { Log } from '../log.js'

export interface ReloadSettings {
  config: Config
  readConfig(): Config
  log: Log
  /** May throw; then nothing of it has happened. Called for a new redaction mode as well. */
  replaceExporter(config: Config): void
  setRedactionMode(mode: Config['redactionMode']): void
}

/** Settings of everything that stands for the whole life of the process, by their place in the file. */
const FIXED = {
  ringBytes: 'limits.ring_bytes',
  budgetBytes: 'limits.budget_bytes',
  maxBodyBytes: 'limits.body_bytes',
  metricIntervalMs: 'metrics.interval',
  traceparent: 'traces.traceparent',
  profile: 'semconv.profile',
  stateDirectory: 'state_directory',
  resourceAttributes: 'resource',
  logLevel: 'log_level',
  queueBytes: 'exporters.otlp.queue.bytes',
  diskQueue: 'exporters.otlp.queue.directory or disk_bytes',
  modules: 'exporters.modules',
  hasOwnTelemetry: 'own_telemetry (it is decided at start, and needs a destination)',
} as const satisfies Partial<Record<keyof Config, string>>

const EXPORTER = ['destinations', 'hasConsole', 'flushMs', 'concurrency'] as const

export function createReload(settings: ReloadSettings): () => void {
  const { log } = settings
  let current = settings.config
  return () => {
    try {
      current = apply(settings, current, settings.readConfig())
    } catch (error) {
      // Anything may be half done at this moment, such as a file that is being replaced: that must not end the capture.
      const hint = error instanceof SensorError && error.hint ? `. ${error.hint}` : ''
      log.error(`the configuration stays as it was: ${toText(error)}${hint}`)
    }
  }
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The configuration that holds from here on. */
function apply(settings: ReloadSettings, current: Config, next: Config): Config {
  const { log } = settings
  const isChanged = (key: keyof Config): boolean => !isDeepStrictEqual(current[key], next[key])
  const fixed = (Object.keys(FIXED) as (keyof typeof FIXED)[]).filter(isChanged)
  const isExporterChanged = EXPORTER.some(isChanged)
  const isModeChanged = isChanged('redactionMode')
  // A new mode, too: what waits was made in the old one, and only the exporter can tell them apart.
  if (isExporterChanged || isModeChanged) settings.replaceExporter(next)
  settings.setRedactionMode(next.redactionMode)
  for (const warning of next.warnings) log.warn(warning)
  if (fixed.length > 0)
    log.warn(`waits for a restart: ${fixed.map((key) => FIXED[key]).join(', ')}; the rest is in force`)
  const changes = [
    ...(isExporterChanged ? ['destinations'] : []),
    ...(isModeChanged ? [`redaction mode (${next.redactionMode})`] : []),
  ]
  log.info(
    `configuration reloaded: ${changes.length === 0 ? 'nothing else has changed' : changes.join(', ')}`,
  )
  const kept = Object.fromEntries(Object.keys(FIXED).map((key) => [key, current[key as keyof Config]]))
  return { ...next, ...kept }
}
