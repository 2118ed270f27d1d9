// SPDX-License-Identifier: Apache-2.0
/**
 * Flags, environment and defaults → one frozen `Config`; flags win over the environment, the environment over defaults. In:
 * what the user said. Out: the config, or the first mistake as a `SensorError`. Knows no room and starts nothing.
 * @module
 */
import { join } from 'node:path'
import type { OtlpSettings, Signal } from '../exporter/types.js'
import type { RedactionMode } from '../redaction/types.js'
import { DEFAULT_PROFILE, PROFILES, type Profile } from '../semconv.js'
import { OPTIONS, type OptionKey, type OptionSpec } from './options.js'
import { hasEndpoint, readDestination, SIGNALS, type Lookup } from './otlp.js'
import type { Config, ConfigInput, LogLevel } from './types.js'
import {
  formatSize,
  invalid,
  parseChoice,
  parseFlag,
  parseInteger,
  parseList,
  parsePairs,
  parseSize,
  type Said,
} from './values.js'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const MAX_INTERVAL_MS = 24 * 3600 * 1000
const DESTINATIONS = ['otlp', 'console', 'none'] as const
type Destination = (typeof DESTINATIONS)[number]

export function parseConfig(input: ConfigInput): Config {
  const lookup = createLookup(input)
  const warnings: string[] = []
  const bodyBytes = readSize(lookup, 'bodyBytes', 64 * MIB, 64 * KIB, GIB)
  const interval = (key: OptionKey, fallback: number, min: number): number => {
    const said = find(lookup, key)
    return said ? parseInteger(said, min, MAX_INTERVAL_MS) : fallback
  }
  const config: Config = {
    logLevel: readLogLevel(lookup),
    ...readExport(lookup, warnings),
    isColored: input.isTerminal && lookup.env('NO_COLOR') === undefined,
    flushMs: interval('flushInterval', 1_000, 0),
    queueBytes: readSize(lookup, 'queueBytes', 32 * MIB, MIB, 4 * GIB),
    metricIntervalMs: interval('metricInterval', 60_000, 100),
    redactionMode: readRedactionMode(lookup, warnings),
    traceparent: readChoice(lookup, 'traceparent', ['link', 'parent'], 'link'),
    profile: readChoice(lookup, 'profile', Object.keys(PROFILES) as Profile[], DEFAULT_PROFILE),
    ringBytes: readRingBytes(lookup),
    budgetBytes: readBudgetBytes(lookup, bodyBytes),
    maxBodyBytes: bodyBytes,
    stateDirectory: find(lookup, 'stateDirectory')?.text ?? defaultStateDirectory(input),
    resourceAttributes: Object.freeze(readResourceAttributes(lookup)),
    // Three signals say the same thing three times.
    warnings: Object.freeze([...new Set(warnings)]),
  }
  return Object.freeze(config)
}

function createLookup({ flags, env }: ConfigInput): Lookup {
  return {
    flag(key) {
      const value = flags[key]
      if (value === undefined) return undefined
      return { name: optionOf(key).flags.split(' ')[0]!, text: String(value).trim() }
    },
    env(name) {
      const text = env[name]?.trim()
      return text === undefined || text === '' ? undefined : { name, text }
    },
  }
}

function optionOf(key: OptionKey): OptionSpec {
  return OPTIONS.find((option) => option.key === key)!
}

function find(lookup: Lookup, key: OptionKey): Said | undefined {
  const inEnvironment = optionOf(key).env.map((name) => lookup.env(name))
  return lookup.flag(key) ?? inEnvironment.find((said) => said !== undefined)
}

function readChoice<T extends string>(lookup: Lookup, key: OptionKey, choices: readonly T[], fallback: T): T {
  const said = find(lookup, key)
  return said ? parseChoice(said, choices) : fallback
}

function readSize(lookup: Lookup, key: OptionKey, fallback: number, min: number, max: number): number {
  const said = find(lookup, key)
  return said ? parseSize(said, min, max) : fallback
}

function readExport(lookup: Lookup, warnings: string[]): Pick<Config, 'destinations' | 'hasConsole'> {
  const temporality = lookup.env('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE')
  if (temporality && temporality.text.toLowerCase() !== 'cumulative')
    warnings.push(`${temporality.name} is ignored: metrics are always cumulative`)
  const said = lookup.flag('export')
  const general = said && parseList(said, DESTINATIONS)
  const fallback: Destination[] = hasEndpoint(lookup) ? ['console', 'otlp'] : ['console']
  const bySignal = SIGNALS.map((signal) => ({
    signal,
    list: readSignal(signal, lookup, general) ?? general ?? fallback,
  }))
  const isOn = (list: readonly Destination[], what: Destination): boolean =>
    !list.includes('none') && list.includes(what)
  for (const { signal, list } of bySignal)
    if (signal !== 'traces' && list.length === 1 && list[0] === 'console' && lookup.env(exporterOf(signal)))
      warnings.push(`${exporterOf(signal)}=console prints nothing: a line per exchange is made from traces`)
  const destinations: OtlpSettings[] = []
  for (const { signal, list } of bySignal) {
    // A mistake is a mistake, whether the setting is needed just now or not; only its warnings would be noise.
    const isUsed = isOn(list, 'otlp')
    const destination = readDestination(signal, lookup, isUsed ? warnings : [])
    if (isUsed) destinations.push(Object.freeze(destination))
  }
  const disabled = lookup.env('OTEL_SDK_DISABLED')
  if (disabled && parseFlag(disabled, warnings)) {
    warnings.push('OTEL_SDK_DISABLED is true: nothing is exported')
    return { destinations: [], hasConsole: false }
  }
  return {
    destinations: Object.freeze(destinations),
    hasConsole: bySignal.some(({ signal, list }) => signal === 'traces' && isOn(list, 'console')),
  }
}

const exporterOf = (signal: Signal): string => `OTEL_${signal.toUpperCase()}_EXPORTER`

/** The signal's own variable; --export says more, but it cannot say "all but logs", so `none` stands. */
function readSignal(
  signal: Signal,
  lookup: Lookup,
  general: Destination[] | undefined,
): Destination[] | undefined {
  const said = lookup.env(exporterOf(signal))
  if (!said) return undefined
  const list = parseList(said, DESTINATIONS)
  return general === undefined || list.includes('none') ? list : undefined
}

function readRedactionMode(lookup: Lookup, warnings: string[]): RedactionMode {
  const explicit = find(lookup, 'redactionMode')
  if (explicit) return parseChoice(explicit, ['safe', 'full'])
  const inherited = lookup.env('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT')
  if (!inherited) return 'safe'
  // The values of the Python instrumentations; `true` is their older form.
  const choices = ['true', 'span_only', 'event_only', 'span_and_event', 'false', 'no_content'] as const
  const choice = parseChoice(inherited, choices)
  if (choice === 'false' || choice === 'no_content') return 'safe'
  warnings.push(`${inherited.name} is set: message content is exported, as with --redaction-mode full`)
  return 'full'
}

/** What bpf(2) takes for a ring buffer: a power of two that is a multiple of the page size (64 KiB at most). */
function readRingBytes(lookup: Lookup): number {
  const bytes = readSize(lookup, 'ringBytes', 32 * MIB, 64 * KIB, GIB)
  const power = 2 ** Math.floor(Math.log2(bytes))
  if (power === bytes) return bytes
  throw invalid(
    find(lookup, 'ringBytes')!,
    `${formatSize(bytes)} is not a power of two`,
    `Use ${formatSize(power)} or ${formatSize(2 * power)}.`,
  )
}

function readBudgetBytes(lookup: Lookup, bodyBytes: number): number {
  const fallback = Math.max(128 * MIB, 2 * bodyBytes)
  const bytes = readSize(lookup, 'budgetBytes', fallback, MIB, 64 * GIB)
  if (bytes >= bodyBytes) return bytes
  throw invalid(
    find(lookup, 'budgetBytes')!,
    `${formatSize(bytes)} is less than one body may take (${formatSize(bodyBytes)})`,
    'Raise it, or lower --body-bytes.',
  )
}

const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  none: 'silent',
  silent: 'silent',
  error: 'error',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  verbose: 'trace',
  all: 'trace',
  trace: 'trace',
}

function readLogLevel(lookup: Lookup): LogLevel {
  const said = find(lookup, 'logLevel')
  return LOG_LEVELS[said ? parseChoice(said, Object.keys(LOG_LEVELS)) : 'info']!
}

function readResourceAttributes(lookup: Lookup): Record<string, string> {
  const said = lookup.env('OTEL_RESOURCE_ATTRIBUTES')
  const name = lookup.env('OTEL_SERVICE_NAME')
  return {
    'service.name': 'oisp-sensor',
    ...(said ? parsePairs(said, /^[\x21-\x7e]{1,255}$/, /^/) : {}),
    ...(name ? { 'service.name': name.text } : {}),
  }
}

function defaultStateDirectory({ env, userId }: ConfigInput): string {
  if (userId === 0) return '/var/lib/oisp-sensor'
  const base = env.XDG_STATE_HOME || join(env.HOME || '/nonexistent', '.local/state')
  return join(base, 'oisp-sensor')
}
