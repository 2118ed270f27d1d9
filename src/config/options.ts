// SPDX-License-Identifier: Apache-2.0
/**
 * Every setting as data: flag, environment name, place in the file, default, sentence. In: nothing. Out: the tables that the
 * command line, the parser, `print-config` and the reference page are made from.
 * @module
 */
import type { Signal } from '../exporter/types.js'
import type { Profile } from '../semconv.js'

/**
 * Who honours it. `general`: every command; `capture`: what opens probes; `telemetry`: what decodes; `export`: what sends or
 * prints (`record` writes a file and nothing else).
 */
export type OptionGroup = 'general' | 'capture' | 'telemetry' | 'export'

/** How its text is read; `text` is also for paths and URLs. */
export type OptionKind =
  'choice' | 'list' | 'flag' | 'integer' | 'duration' | 'size' | 'text' | 'pairs' | 'modules'

export interface OptionSpec {
  /** Name in commander's `opts()`. */
  key: string
  group: OptionGroup
  kind: OptionKind
  /** As commander takes it; none for what holds secrets or would be too long. */
  flags?: string
  /** Environment names that say the same, first one first. */
  env: readonly string[]
  /** Where it stands in the file; the file cannot name itself. */
  path?: string
  /** Also for one signal: OTEL_EXPORTER_OTLP_TRACES_…, exporters.otlp.traces.… */
  isPerSignal?: true
  /** Takes effect on SIGHUP. */
  isReloaded?: true
  isSecret?: true
  choices?: readonly string[]
  min?: number
  max?: number
  /** The text that counts when nobody says anything. */
  default?: string
  /** Instead of it, in words: it depends on something. */
  defaultWords?: string
  description: string
}

export const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics']

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const DAY_MS = 24 * 3600 * 1000
const DESTINATIONS = ['otlp', 'console', 'none'] as const

export const OPTIONS = [
  {
    key: 'config',
    group: 'general',
    kind: 'text',
    flags: '--config <file>',
    env: ['OISP_CONFIG_FILE'],
    defaultWords: 'none',
    description: 'YAML file with settings; flags and variables win over it',
  },
  {
    key: 'export',
    group: 'export',
    kind: 'list',
    flags: '--export <list>',
    env: [],
    path: 'exporters.enabled',
    isReloaded: true,
    choices: DESTINATIONS,
    defaultWords: 'console, and otlp for each signal that has an endpoint',
    description: 'where telemetry goes: otlp, console, none; comma-separated',
  },
  ...(['traces', 'logs', 'metrics'] as const).map(
    (signal) =>
      ({
        key: `${signal}Exporter`,
        group: 'export',
        kind: 'list',
        env: [`OTEL_${signal.toUpperCase()}_EXPORTER`],
        path: `exporters.${signal}`,
        isReloaded: true,
        choices: DESTINATIONS,
        defaultWords: 'as for all signals',
        description: `otlp, console or none for ${signal} only; none wins over --export`,
      }) as const,
  ),
  {
    key: 'disabled',
    group: 'export',
    kind: 'flag',
    env: ['OTEL_SDK_DISABLED'],
    path: 'disabled',
    isReloaded: true,
    default: 'false',
    description: 'true: nothing is exported',
  },
  {
    key: 'otlpEndpoint',
    group: 'export',
    kind: 'text',
    flags: '--otlp-endpoint <url>',
    env: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    path: 'exporters.otlp.endpoint',
    isPerSignal: true,
    isReloaded: true,
    defaultWords: 'http://localhost:4318 (grpc: http://localhost:4317)',
    description:
      "OTLP receiver, http://, https:// or unix:///path; over HTTP, /v1/traces, /v1/logs and /v1/metrics are appended (not to one signal's own)",
  },
  {
    key: 'otlpProtocol',
    group: 'export',
    kind: 'choice',
    flags: '--otlp-protocol <name>',
    env: ['OTEL_EXPORTER_OTLP_PROTOCOL'],
    path: 'exporters.otlp.protocol',
    isPerSignal: true,
    isReloaded: true,
    choices: ['grpc', 'http/protobuf'],
    defaultWords: 'grpc for port 4317, else http/protobuf',
    description: 'grpc or http/protobuf',
  },
  {
    key: 'otlpHeaders',
    group: 'export',
    kind: 'pairs',
    env: ['OTEL_EXPORTER_OTLP_HEADERS'],
    path: 'exporters.otlp.headers',
    isPerSignal: true,
    isReloaded: true,
    isSecret: true,
    defaultWords: 'none',
    description:
      'sent with every request: key=value,key2=value2, percent-encoded (in the file a map, plain); has no flag because it holds secrets',
  },
  {
    key: 'otlpTimeout',
    group: 'export',
    kind: 'duration',
    flags: '--otlp-timeout <ms>',
    env: ['OTEL_EXPORTER_OTLP_TIMEOUT'],
    path: 'exporters.otlp.timeout',
    isPerSignal: true,
    isReloaded: true,
    min: 1,
    max: 600_000,
    default: '10000',
    description: 'how long one export request may take',
  },
  {
    key: 'otlpCompression',
    group: 'export',
    kind: 'choice',
    flags: '--otlp-compression <name>',
    env: ['OTEL_EXPORTER_OTLP_COMPRESSION'],
    path: 'exporters.otlp.compression',
    isPerSignal: true,
    isReloaded: true,
    choices: ['gzip', 'none'],
    default: 'none',
    description: 'gzip or none',
  },
  {
    key: 'otlpInsecure',
    group: 'export',
    kind: 'flag',
    env: ['OTEL_EXPORTER_OTLP_INSECURE'],
    path: 'exporters.otlp.tls.insecure',
    isPerSignal: true,
    isReloaded: true,
    default: 'false',
    description: 'true: plaintext for a gRPC endpoint that is written without http:// or https://',
  },
  {
    key: 'otlpCertificate',
    group: 'export',
    kind: 'text',
    flags: '--otlp-certificate <file>',
    env: ['OTEL_EXPORTER_OTLP_CERTIFICATE'],
    path: 'exporters.otlp.tls.ca_file',
    isPerSignal: true,
    isReloaded: true,
    defaultWords: "the system's",
    description: 'PEM file of the certificate authority to trust; read again when it changes',
  },
  {
    key: 'otlpClientCertificate',
    group: 'export',
    kind: 'text',
    flags: '--otlp-client-certificate <file>',
    env: ['OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    path: 'exporters.otlp.tls.cert_file',
    isPerSignal: true,
    isReloaded: true,
    defaultWords: 'none',
    description: 'PEM file of our own certificate (mTLS), with the key beside it; read again when it changes',
  },
  {
    key: 'otlpClientKey',
    group: 'export',
    kind: 'text',
    flags: '--otlp-client-key <file>',
    env: ['OTEL_EXPORTER_OTLP_CLIENT_KEY'],
    path: 'exporters.otlp.tls.key_file',
    isPerSignal: true,
    isReloaded: true,
    defaultWords: 'none',
    description: "PEM file of that certificate's private key",
  },
  {
    key: 'exportConcurrency',
    group: 'export',
    kind: 'integer',
    flags: '--export-concurrency <count>',
    env: ['OISP_EXPORT_CONCURRENCY'],
    path: 'exporters.otlp.concurrency',
    isReloaded: true,
    min: 1,
    max: 64,
    default: '4',
    description: 'export requests under way at once, per signal',
  },
  {
    key: 'flushInterval',
    group: 'export',
    kind: 'duration',
    flags: '--flush-interval <ms>',
    env: ['OTEL_BSP_SCHEDULE_DELAY'],
    path: 'exporters.otlp.flush_interval',
    isReloaded: true,
    min: 0,
    max: DAY_MS,
    default: '1000',
    description: 'how long spans and log records wait for company before they are sent',
  },
  {
    key: 'queueBytes',
    group: 'telemetry',
    kind: 'size',
    flags: '--queue-bytes <size>',
    env: ['OISP_QUEUE_BYTES'],
    path: 'exporters.otlp.queue.bytes',
    min: MIB,
    max: 4 * GIB,
    default: '32MiB',
    description: 'what may wait in memory while the receiver is away; more is dropped and counted',
  },
  {
    key: 'queueDirectory',
    group: 'export',
    kind: 'text',
    flags: '--queue-directory <path>',
    env: ['OISP_QUEUE_DIRECTORY'],
    path: 'exporters.otlp.queue.directory',
    defaultWords: 'none: the queue is in memory',
    description: 'keeps what waits on disk, so that it outlives a restart',
  },
  {
    key: 'queueDiskBytes',
    group: 'export',
    kind: 'size',
    flags: '--queue-disk-bytes <size>',
    env: ['OISP_QUEUE_DISK_BYTES'],
    path: 'exporters.otlp.queue.disk_bytes',
    min: MIB,
    max: 1024 * GIB,
    default: '256MiB',
    description: 'what may wait on disk; more is dropped and counted',
  },
  {
    key: 'modules',
    group: 'export',
    kind: 'modules',
    env: [],
    path: 'exporters.modules',
    isSecret: true,
    defaultWords: 'none',
    description:
      "third parties' processors and exporters, a list of {module: /path/file.mjs or a package, options: {...}}; they get redacted data",
  },
  {
    key: 'redactionMode',
    group: 'telemetry',
    kind: 'choice',
    flags: '--redaction-mode <mode>',
    env: ['OISP_REDACTION_MODE'],
    path: 'redaction.mode',
    isReloaded: true,
    choices: ['safe', 'full'],
    default: 'safe',
    description:
      'safe: hashes, sizes and counts instead of content; full: content too. Credentials never leave',
  },
  {
    key: 'traceparent',
    group: 'telemetry',
    kind: 'choice',
    flags: '--traceparent <how>',
    env: ['OISP_TRACEPARENT'],
    path: 'traces.traceparent',
    choices: ['link', 'parent'],
    default: 'link',
    description: 'an incoming traceparent joins our span to its trace as a link or as the parent',
  },
  {
    key: 'profile',
    group: 'telemetry',
    kind: 'choice',
    flags: '--profile <name>',
    env: ['OISP_PROFILE'],
    path: 'semconv.profile',
    choices: ['genai-dev-1.42', 'genai-dev-1.42+aliases', 'legacy-1.41'] as const satisfies Profile[],
    default: 'genai-dev-1.42+aliases' satisfies Profile,
    description: 'names of the GenAI conventions: genai-dev-1.42, genai-dev-1.42+aliases or legacy-1.41',
  },
  {
    key: 'metricInterval',
    group: 'telemetry',
    kind: 'duration',
    flags: '--metric-interval <ms>',
    env: ['OTEL_METRIC_EXPORT_INTERVAL'],
    path: 'metrics.interval',
    min: 100,
    max: DAY_MS,
    default: '60000',
    description: 'time between two exports of metrics',
  },
  {
    key: 'ownTelemetry',
    group: 'export',
    kind: 'flag',
    flags: '--own-telemetry <bool>',
    env: ['OISP_OWN_TELEMETRY'],
    path: 'own_telemetry',
    default: 'true',
    description: "false: the sensor's own log and counters are not sent along over OTLP",
  },
  {
    key: 'ringBytes',
    group: 'capture',
    kind: 'size',
    flags: '--ring-bytes <size>',
    env: ['OISP_RING_BYTES'],
    path: 'limits.ring_bytes',
    min: 64 * 1024,
    max: GIB,
    default: '32MiB',
    description: 'ring buffer between kernel and sensor: a power of two, at least 64KiB',
  },
  {
    key: 'budgetBytes',
    group: 'telemetry',
    kind: 'size',
    flags: '--budget-bytes <size>',
    env: ['OISP_BUDGET_BYTES'],
    path: 'limits.budget_bytes',
    min: MIB,
    max: 64 * GIB,
    defaultWords: '128MiB, or two bodies if that is more',
    description: 'everything buffered together',
  },
  {
    key: 'bodyBytes',
    group: 'telemetry',
    kind: 'size',
    flags: '--body-bytes <size>',
    env: ['OISP_BODY_BYTES'],
    path: 'limits.body_bytes',
    min: 64 * 1024,
    max: GIB,
    default: '64MiB',
    description: 'the largest body that is read',
  },
  {
    key: 'serviceName',
    group: 'telemetry',
    kind: 'text',
    env: ['OTEL_SERVICE_NAME'],
    path: 'resource.service_name',
    default: 'oisp-sensor',
    description: "service.name of the sensor's own resource",
  },
  {
    key: 'resourceAttributes',
    group: 'telemetry',
    kind: 'pairs',
    env: ['OTEL_RESOURCE_ATTRIBUTES'],
    path: 'resource.attributes',
    defaultWords: 'none',
    description:
      "more attributes of the sensor's own resource: key=value,key2=value2, percent-encoded (in the file a map, plain)",
  },
  {
    key: 'stateDirectory',
    group: 'telemetry',
    kind: 'text',
    flags: '--state-directory <path>',
    env: ['OISP_STATE_DIRECTORY'],
    path: 'state_directory',
    defaultWords: '/var/lib/oisp-sensor, or $XDG_STATE_HOME/oisp-sensor when not root',
    description: 'where the key of all hashes is kept',
  },
  {
    key: 'healthSocket',
    group: 'capture',
    kind: 'text',
    flags: '--health-socket <path>',
    env: ['OISP_HEALTH_SOCKET'],
    path: 'health.socket',
    defaultWords: 'none',
    description: 'Unix socket to answer `oisp-sensor health` on; its folder is made if only that is missing',
  },
  {
    key: 'logLevel',
    group: 'general',
    kind: 'choice',
    flags: '--log-level <level>',
    env: ['OTEL_LOG_LEVEL'],
    path: 'log_level',
    choices: ['none', 'silent', 'error', 'warn', 'info', 'debug', 'verbose', 'all', 'trace'],
    default: 'info',
    description: "the sensor's own log on standard error: none, error, warn, info, debug or verbose",
  },
] as const satisfies readonly OptionSpec[]

type Row = (typeof OPTIONS)[number]
export type OptionKey = Row['key']
export type KeyOf<Kind extends OptionKind> = Extract<Row, { kind: Kind }>['key']
/** What a reader returns for an option: without a default text there may be nothing. */
export type Maybe<Key extends OptionKey, Value> =
  Extract<Row, { key: Key }> extends { default: string } ? Value : Value | undefined
export type ChoiceOf<Key extends OptionKey> =
  Extract<Row, { key: Key }> extends { choices: readonly (infer Choice)[] } ? Choice : never

export function optionOf(key: OptionKey): OptionSpec {
  return OPTIONS.find((option) => option.key === key)!
}

/** exporters.otlp.endpoint → exporters.otlp.traces.endpoint */
export function signalPath(path: string, signal: Signal): string {
  return path.replace('exporters.otlp.', `exporters.otlp.${signal}.`)
}

/** OTEL_EXPORTER_OTLP_ENDPOINT → OTEL_EXPORTER_OTLP_TRACES_ENDPOINT */
export function signalVariable(name: string, signal: Signal): string {
  return name.replace('OTEL_EXPORTER_OTLP_', `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_`)
}

export interface EnvironmentSpec {
  name: string
  group: OptionGroup
  description: string
}

/** Honoured from the environment only: not ours to name. */
export const ENVIRONMENT: readonly EnvironmentSpec[] = [
  {
    name: 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT',
    group: 'telemetry',
    description:
      'true, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT: --redaction-mode full, with a warning; anything that is said about redaction itself, in the file too, wins',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
    group: 'export',
    description: 'cumulative; anything else is ignored with a warning',
  },
  {
    name: 'OTEL_CONFIG_FILE',
    group: 'general',
    description: "not read, with a warning: it is for SDKs; the sensor's own file is --config",
  },
  { name: 'NO_COLOR', group: 'export', description: 'any value: no colour (no-color.org)' },
  { name: 'XDG_STATE_HOME', group: 'telemetry', description: 'parent of the state folder when not root' },
]
