// SPDX-License-Identifier: Apache-2.0
/**
 * The sensor's own operational log, on standard error: JSON for machines, one plain line for a terminal; and from there through
 * the OpenTelemetry SDK to a Collector. In: sentences that we wrote. Out: lines and log records. Never sees captured content;
 * what comes from outside (a path, a peer's word) was cut and cleaned by the room that says it.
 * @module
 */
import type { SeverityNumber } from '@opentelemetry/api-logs'
import { pino, type DestinationStream } from 'pino'
import type { LogLevel } from './config/types.js'
import {
  OwnLogExporter,
  peerText,
  systemClock,
  type OfficialOptions,
  type OtlpSettings,
} from './exporter/index.js'
import type { OwnTelemetry } from './health/types.js'
import type { Stats } from './stats.js'

/** What a room gets through its settings; a method per level. */
export interface Log {
  error(message: string): void
  warn(message: string): void
  info(message: string): void
  debug(message: string): void
}

/** The same line in the words of OTLP (logs data model, "Mapping of SeverityNumber"). */
export interface LogCopy {
  severityNumber: number
  severityText: string
  body: string
}

export interface OperationalLog extends Log {
  /** Standard error only: for whatever is said about the copies themselves. */
  readonly local: Log
  /** Every line that is written from here on goes there as well. One receiver at a time. */
  copyTo(receive: ((line: LogCopy) => void) | undefined): void
}

export interface LogSettings {
  level: LogLevel
  /** Takes whole lines; `process.stderr` in the command. */
  stream: DestinationStream
  isTerminal: boolean
}

const LEVELS = { error: 17, warn: 13, info: 9, debug: 5 } as const
type Level = keyof typeof LEVELS

export function createLog({ level, stream, isTerminal }: LogSettings): OperationalLog {
  const target = isTerminal ? { write: (line: string) => stream.write(toPlainLine(line)) } : stream
  const logger = pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, target)
  let receive: ((line: LogCopy) => void) | undefined
  const local = toLog((name, message) => logger[name](message))
  const copied = toLog((name, body) => {
    local[name](body)
    if (logger.isLevelEnabled(name))
      receive?.({ severityNumber: LEVELS[name], severityText: name.toUpperCase(), body })
  })
  return { ...copied, local, copyTo: (next) => (receive = next) }
}

function toLog(write: (level: Level, message: string) => void): Log {
  return {
    error: (message) => write('error', message),
    warn: (message) => write('warn', message),
    info: (message) => write('info', message),
    debug: (message) => write('debug', message),
  }
}

/** `21:08:51 warn  message`: pino's JSON line for people, without a formatter package. */
function toPlainLine(line: string): string {
  const { level, time, msg } = JSON.parse(line) as Record<string, unknown>
  const clock = new Date(Number(time)).toTimeString().slice(0, 8)
  return `${clock} ${String(level).padEnd(5)} ${printable(String(msg))}\n`
}

/** What comes from outside (names and paths are chosen by the observed processes) writes no control code to the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u00b7')
}

export interface LogExportSettings {
  log: OperationalLog
  /** Of the logs signal, over gRPC. */
  destination: OtlpSettings
  resource: OwnTelemetry['resource']
  scope: OwnTelemetry['scope']
  stats: Stats
}

export interface LogExport {
  /** Sends what waits. Settles within the deadline; what is left by then is counted. */
  shutdown(deadlineMs: number): Promise<void>
}

const FLUSH_MS = 1000
/** The exporter tries until it is told to end; a batch that the SDK gave up meanwhile would be sent all the same. */
const NEVER_MS = 2 ** 31 - 1

/** The packages are loaded here: whoever exports no log over gRPC does not pay for them. Throws SensorError for bad TLS files. */
export async function exportLog(settings: LogExportSettings): Promise<LogExport> {
  const { log, destination, resource, scope, stats } = settings
  const [{ BatchLogRecordProcessor, LoggerProvider }, { OTLPLogExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-logs'),
      import('@opentelemetry/exporter-logs-otlp-grpc'),
      import('@opentelemetry/resources'),
    ])
  await hearTheSdk(log.local, destination.headers)
  type Options = NonNullable<ConstructorParameters<typeof OTLPLogExporter>[0]>
  const exporter = new OwnLogExporter({
    destination,
    stats,
    log: log.local,
    version: scope.version,
    createOfficial: (options) =>
      withoutEnvironment(() => new OTLPLogExporter(options as OfficialOptions & Options)),
  })
  const { attributes, schemaUrl } = resource
  const provider = new LoggerProvider({
    resource: resourceFromAttributes(attributes, { schemaUrl }),
    processors: [
      new BatchLogRecordProcessor({
        exporter,
        scheduledDelayMillis: FLUSH_MS,
        exportTimeoutMillis: NEVER_MS,
      }),
    ],
  })
  const logger = provider.getLogger(scope.name, scope.version, { schemaUrl: scope.schemaUrl })
  log.copyTo(({ severityNumber, ...line }) => {
    if (exporter.admit()) logger.emit({ severityNumber: severityNumber as SeverityNumber, ...line })
  })
  return {
    async shutdown(deadlineMs) {
      log.copyTo(undefined)
      exporter.end()
      let timer: unknown
      const late = new Promise<void>((resolve) => (timer = systemClock.setTimer(resolve, deadlineMs)))
      await Promise.race([provider.shutdown(), late])
      systemClock.clearTimer(timer)
      exporter.abandon()
    },
  }
}

/** What the SDK has to say (a partial success, a fault) stands on standard error, once, and not on the console. */
async function hearTheSdk(log: Log, headers: OtlpSettings['headers']): Promise<void> {
  const { diag, DiagLogLevel } = await import('@opentelemetry/api')
  const said = new Set<string>()
  const say = (message: string, ...details: unknown[]): void => {
    if (said.has(message) || said.size > 100) return
    said.add(message)
    log.warn(`OpenTelemetry SDK: ${peerText([message, ...details].map(String).join(' '), headers)}`)
  }
  const ignore = (): void => undefined
  const logger = { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}

/**
 * The exporter reads OTEL_EXPORTER_OTLP_* under whatever it is given, and merges headers that config has overridden: the key for
 * one backend would go to another.
 */
function withoutEnvironment<T>(create: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_EXPORTER_OTLP_'))
  for (const [name] of hidden) delete process.env[name]
  try {
    return create()
  } finally {
    for (const [name, value] of hidden) process.env[name] = value
  }
}
