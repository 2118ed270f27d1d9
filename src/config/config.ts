// SPDX-License-Identifier: Apache-2.0
/**
 * Flags, environment, file and defaults → one frozen `Config`, in this order of precedence. In: what the user said. Out: the
 * config, or the first mistake as a `SensorError`. Knows no room and starts nothing.
 * @module
 */
import { join } from 'node:path'
import type { OtlpSettings, Signal } from '../exporter/types.js'
import type { RedactionMode } from '../redaction/types.js'
import { readConfigFile } from './file.js'
import { Lookup } from './lookup.js'
import { checkModules } from './modules.js'
import { SIGNALS } from './options.js'
import { readDestination } from './otlp.js'
import type { Config, ConfigInput, LogLevel } from './types.js'
import { formatSize, invalid, parseChoice, parsePairs } from './values.js'

const MIB = 1024 * 1024

type Destination = 'otlp' | 'console' | 'none'

export function parseConfig(input: ConfigInput): Config {
  return resolveConfig(createLookup(input), input)
}

/** Reads the file, if one is named. */
export function createLookup(input: ConfigInput): Lookup {
  const { env, userId } = input
  const path = new Lookup(input, new Map(), []).text('config')
  if (path === undefined) return new Lookup(input, new Map(), [])
  const { said, warnings } = readConfigFile({ path, env, userId })
  return new Lookup(input, said, warnings)
}

export function resolveConfig(lookup: Lookup, input: ConfigInput): Config {
  const { warnings } = lookup
  const said = lookup.env('OTEL_CONFIG_FILE')
  if (said) warnings.push(`${said.name} is not read: it is for SDKs; the sensor's own file is --config FILE`)
  const maxBodyBytes = lookup.size('bodyBytes')
  const exporting = readExport(lookup)
  const queueDirectory = lookup.text('queueDirectory')
  const maxDiskBytes = lookup.size('queueDiskBytes')
  const config: Config = {
    configFile: lookup.text('config'),
    logLevel: LOG_LEVELS[lookup.choice('logLevel')],
    ...exporting,
    isColored: input.isTerminal && lookup.env('NO_COLOR') === undefined,
    flushMs: lookup.duration('flushInterval'),
    concurrency: lookup.integer('exportConcurrency'),
    queueBytes: lookup.size('queueBytes'),
    diskQueue:
      queueDirectory === undefined
        ? undefined
        : Object.freeze({ directory: queueDirectory, maxBytes: maxDiskBytes }),
    modules: Object.freeze(checkModules(lookup.find('modules'))),
    hasOwnTelemetry: lookup.flag('ownTelemetry') && exporting.destinations.length > 0,
    metricIntervalMs: lookup.duration('metricInterval'),
    redactionMode: readRedactionMode(lookup),
    traceparent: lookup.choice('traceparent'),
    profile: lookup.choice('profile'),
    ringBytes: readRingBytes(lookup),
    budgetBytes: readBudgetBytes(lookup, maxBodyBytes),
    maxBodyBytes,
    stateDirectory: lookup.text('stateDirectory') ?? defaultStateDirectory(input),
    healthSocket: lookup.text('healthSocket'),
    resourceAttributes: Object.freeze(readResourceAttributes(lookup)),
    // Three signals say the same thing three times.
    warnings: Object.freeze([...new Set(warnings)]),
  }
  return Object.freeze(config)
}

function readExport(lookup: Lookup): Pick<Config, 'destinations' | 'hasConsole'> {
  const { warnings } = lookup
  const temporality = lookup.env('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE')
  if (temporality && temporality.text.toLowerCase() !== 'cumulative')
    warnings.push(`${temporality.name} is ignored: metrics are always cumulative`)
  const bySignal = SIGNALS.map((signal) => ({ signal, list: readDestinationsOf(signal, lookup) }))
  const destinations: OtlpSettings[] = []
  for (const { signal, list } of bySignal) {
    const isUsed = isOn(list, 'otlp')
    // A mistake is a mistake, whether the setting is needed just now or not; only its warnings would be noise.
    const quiet = new Lookup(lookup.input, lookup.file, [])
    const destination = readDestination(signal, isUsed ? lookup : quiet)
    if (isUsed) destinations.push(Object.freeze(destination))
  }
  if (lookup.flag('disabled')) {
    warnings.push(`${lookup.find('disabled')!.name} is true: nothing is exported`)
    return { destinations: Object.freeze([]), hasConsole: false }
  }
  return {
    destinations: Object.freeze(destinations),
    hasConsole: bySignal.some(({ signal, list }) => signal === 'traces' && isOn(list, 'console')),
  }
}

function isOn(list: readonly Destination[], what: Destination): boolean {
  return !list.includes('none') && list.includes(what)
}

/** The signal's own word; --export says more, but it cannot say "all but logs", so `none` stands. */
function readDestinationsOf(signal: Signal, lookup: Lookup): readonly Destination[] {
  const key = `${signal}Exporter` as const
  const said = lookup.find(key)
  const own = lookup.list(key)
  const isGeneralFlag = lookup.find('export')?.source === 'flag'
  const general = lookup.list('export')
  if (said && signal !== 'traces' && own!.length === 1 && own![0] === 'console')
    lookup.warnings.push(`${said.name}=console prints nothing: a line per exchange is made from traces`)
  if (own && (!isGeneralFlag || own.includes('none'))) return own
  // Nobody named a receiver for this signal: whoever listens at the default address gets nothing unasked.
  return general ?? (lookup.find('otlpEndpoint', signal) ? ['console', 'otlp'] : ['console'])
}

function readRedactionMode(lookup: Lookup): RedactionMode {
  const inherited = lookup.env('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT')
  // What was said to the sensor itself, in its file too, wins over what was said to every program around.
  if (!inherited || lookup.find('redactionMode')) return lookup.choice('redactionMode')
  // The values of the Python instrumentations; `true` is their older form.
  const choices = ['true', 'span_only', 'event_only', 'span_and_event', 'false', 'no_content'] as const
  const choice = parseChoice(inherited, choices)
  if (choice === 'false' || choice === 'no_content') return 'safe'
  lookup.warnings.push(`${inherited.name} is set: message content is exported, as with --redaction-mode full`)
  return 'full'
}

/** What bpf(2) takes for a ring buffer: a power of two that is a multiple of the page size (64 KiB at most). */
function readRingBytes(lookup: Lookup): number {
  const bytes = lookup.size('ringBytes')
  const power = 2 ** Math.floor(Math.log2(bytes))
  if (power === bytes) return bytes
  throw invalid(
    lookup.find('ringBytes')!,
    `${formatSize(bytes)} is not a power of two`,
    `Use ${formatSize(power)} or ${formatSize(2 * power)}.`,
  )
}

function readBudgetBytes(lookup: Lookup, bodyBytes: number): number {
  const bytes = lookup.size('budgetBytes') ?? Math.max(128 * MIB, 2 * bodyBytes)
  if (bytes >= bodyBytes) return bytes
  throw invalid(
    lookup.find('budgetBytes')!,
    `${formatSize(bytes)} is less than one body may take (${formatSize(bodyBytes)})`,
    'Raise it, or lower --body-bytes.',
  )
}

const LOG_LEVELS = {
  none: 'silent',
  silent: 'silent',
  error: 'error',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  verbose: 'trace',
  all: 'trace',
  trace: 'trace',
} as const satisfies Record<string, LogLevel>

function readResourceAttributes(lookup: Lookup): Record<string, string> {
  const said = lookup.find('resourceAttributes')
  const name = lookup.find('serviceName')
  return {
    'service.name': lookup.text('serviceName'),
    ...(said ? parsePairs(said, /^[\x21-\x7e]{1,255}$/, /^/) : {}),
    ...(name ? { 'service.name': name.text } : {}),
  }
}

function defaultStateDirectory({ env, userId }: ConfigInput): string {
  if (userId === 0) return '/var/lib/oisp-sensor'
  const base = env.XDG_STATE_HOME || join(env.HOME || '/nonexistent', '.local/state')
  return join(base, 'oisp-sensor')
}
