// SPDX-License-Identifier: Apache-2.0
/**
 * Every setting as data: flag, environment name, default, sentence. In: nothing. Out: the tables that the command line, the
 * parser and the README are made from.
 * @module
 */

/**
 * Who honours it. `general`: every command; `capture`: what opens probes; `telemetry`: what decodes; `export`: what sends or
 * prints (`record` writes a file and nothing else).
 */
export type OptionGroup = 'general' | 'capture' | 'telemetry' | 'export'

export interface OptionSpec {
  /** Name in commander's `opts()`. */
  key: string
  group: OptionGroup
  /** As commander takes it. */
  flags: string
  /** Environment names that say the same, first one first. */
  env: readonly string[]
  /** As the help shows it; the parser has the value. */
  default: string
  description: string
}

export const OPTIONS = [
  {
    key: 'export',
    group: 'export',
    flags: '--export <list>',
    env: [],
    default: 'console, and otlp when an endpoint is set',
    description: 'where telemetry goes: otlp, console, none; comma-separated',
  },
  {
    key: 'otlpEndpoint',
    group: 'export',
    flags: '--otlp-endpoint <url>',
    env: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    default: 'http://localhost:4318 (grpc: http://localhost:4317)',
    description: 'OTLP receiver; over HTTP, /v1/traces, /v1/logs and /v1/metrics are appended',
  },
  {
    key: 'otlpProtocol',
    group: 'export',
    flags: '--otlp-protocol <name>',
    env: ['OTEL_EXPORTER_OTLP_PROTOCOL'],
    default: 'grpc for port 4317, else http/protobuf',
    description: 'grpc or http/protobuf',
  },
  {
    key: 'otlpTimeout',
    group: 'export',
    flags: '--otlp-timeout <ms>',
    env: ['OTEL_EXPORTER_OTLP_TIMEOUT'],
    default: '10000',
    description: 'how long one export request may take',
  },
  {
    key: 'otlpCompression',
    group: 'export',
    flags: '--otlp-compression <name>',
    env: ['OTEL_EXPORTER_OTLP_COMPRESSION'],
    default: 'none',
    description: 'gzip or none',
  },
  {
    key: 'otlpCertificate',
    group: 'export',
    flags: '--otlp-certificate <file>',
    env: ['OTEL_EXPORTER_OTLP_CERTIFICATE'],
    default: "the system's",
    description: 'PEM file of the certificate authority to trust',
  },
  {
    key: 'redactionMode',
    group: 'telemetry',
    flags: '--redaction-mode <mode>',
    env: ['OISP_REDACTION_MODE'],
    default: 'safe',
    description:
      'safe: hashes, sizes and counts instead of content; full: content too. Credentials never leave',
  },
  {
    key: 'traceparent',
    group: 'telemetry',
    flags: '--traceparent <how>',
    env: ['OISP_TRACEPARENT'],
    default: 'link',
    description: 'how an incoming traceparent joins: link or parent',
  },
  {
    key: 'profile',
    group: 'telemetry',
    flags: '--profile <name>',
    env: ['OISP_PROFILE'],
    default: 'genai-dev-1.42+aliases',
    description: 'names of the GenAI conventions: genai-dev-1.42, genai-dev-1.42+aliases or legacy-1.41',
  },
  {
    key: 'metricInterval',
    group: 'telemetry',
    flags: '--metric-interval <ms>',
    env: ['OTEL_METRIC_EXPORT_INTERVAL'],
    default: '60000',
    description: 'time between two exports of metrics',
  },
  {
    key: 'flushInterval',
    group: 'export',
    flags: '--flush-interval <ms>',
    env: ['OTEL_BSP_SCHEDULE_DELAY'],
    default: '1000',
    description: 'how long spans and log records wait for company before they are sent',
  },
  {
    key: 'queueBytes',
    group: 'telemetry',
    flags: '--queue-bytes <size>',
    env: ['OISP_QUEUE_BYTES'],
    default: '32MiB',
    description: 'what may wait while the receiver is away; more is dropped and counted',
  },
  {
    key: 'ringBytes',
    group: 'capture',
    flags: '--ring-bytes <size>',
    env: ['OISP_RING_BYTES'],
    default: '32MiB',
    description: 'ring buffer between kernel and sensor: a power of two, at least 64KiB',
  },
  {
    key: 'budgetBytes',
    group: 'telemetry',
    flags: '--budget-bytes <size>',
    env: ['OISP_BUDGET_BYTES'],
    default: '128MiB',
    description: 'everything buffered together',
  },
  {
    key: 'bodyBytes',
    group: 'telemetry',
    flags: '--body-bytes <size>',
    env: ['OISP_BODY_BYTES'],
    default: '64MiB',
    description: 'the largest body that is read',
  },
  {
    key: 'stateDirectory',
    group: 'telemetry',
    flags: '--state-directory <path>',
    env: ['OISP_STATE_DIRECTORY'],
    default: '/var/lib/oisp-sensor, or $XDG_STATE_HOME/oisp-sensor when not root',
    description: 'where the key of all hashes is kept',
  },
  {
    key: 'logLevel',
    group: 'general',
    flags: '--log-level <level>',
    env: ['OTEL_LOG_LEVEL'],
    default: 'info',
    description: "the sensor's own log on standard error: none, error, warn, info, debug or verbose",
  },
] as const satisfies readonly OptionSpec[]

export type OptionKey = (typeof OPTIONS)[number]['key']

export interface EnvironmentSpec {
  name: string
  group: OptionGroup
  description: string
}

/** Honoured from the environment only: per signal, secret, or not ours to name. */
export const ENVIRONMENT: readonly EnvironmentSpec[] = [
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    group: 'export',
    description: 'key=value,key2=value2, percent-encoded; has no flag because it holds secrets',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_INSECURE',
    group: 'export',
    description: 'true: plaintext for a gRPC endpoint that is written without http:// or https://',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_{TRACES,LOGS,METRICS}_{ENDPOINT,HEADERS,PROTOCOL,TIMEOUT,COMPRESSION,CERTIFICATE,INSECURE}',
    group: 'export',
    description:
      'the same for one signal; it replaces the general value, and an endpoint is used as it stands',
  },
  {
    name: 'OTEL_{TRACES,LOGS,METRICS}_EXPORTER',
    group: 'export',
    description: 'otlp, console or none for one signal; none wins over --export',
  },
  { name: 'OTEL_SDK_DISABLED', group: 'export', description: 'true: nothing is exported' },
  { name: 'OTEL_SERVICE_NAME', group: 'telemetry', description: "service.name of the sensor's own resource" },
  {
    name: 'OTEL_RESOURCE_ATTRIBUTES',
    group: 'telemetry',
    description: "key=value,key2=value2: the sensor's own resource",
  },
  {
    name: 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT',
    group: 'telemetry',
    description: 'true, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT: --redaction-mode full, with a warning',
  },
  { name: 'NO_COLOR', group: 'export', description: 'any value: no colour (no-color.org)' },
  { name: 'XDG_STATE_HOME', group: 'telemetry', description: 'parent of the state folder when not root' },
]
