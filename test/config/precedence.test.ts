// SPDX-License-Identifier: Apache-2.0
/**
 * Flags > environment > file > defaults, for every setting there is: a row that is missing fails.
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { OPTIONS, parseConfig, type Config, type OptionSpec } from '../../src/config/index.js'
import { SIGNALS, signalPath, signalVariable } from '../../src/config/options.js'

const tls = join(import.meta.dirname, '../server/tls')
let folder: string
let file: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-precedence-'))
  file = join(folder, 'sensor.yaml')
  for (const copy of ['a', 'b', 'c'])
    for (const name of ['ca.pem', 'server.pem', 'server-key.pem'])
      copyFileSync(join(tls, name), join(folder, `${copy}-${name}`))
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Row {
  file: unknown
  env?: string
  flag?: string
  read(config: Config): unknown
  /** Expected from file, environment, flag and default. */
  expected: { file: unknown; env?: unknown; flag?: unknown; default: unknown }
  /** What must be said as well for it to be valid or to be seen. */
  beside?: Record<string, string>
}

const first = (config: Config) => config.destinations[0]
const withOtlp = { OTEL_TRACES_EXPORTER: 'otlp' }
const MIB = 1024 ** 2

function plain(
  file: string,
  env: string,
  flag: string | undefined,
  read: Row['read'],
  otherwise: unknown,
): Row {
  return {
    file,
    env,
    ...(flag === undefined ? {} : { flag }),
    read,
    expected: { file, env, flag, default: otherwise },
  }
}

function exporterRow(signal: string): Row {
  const read = ({ destinations }: Config) =>
    destinations.map((each) => each.signal).includes(signal as 'traces')
  return {
    file: ['none'],
    env: 'otlp',
    read,
    expected: { file: false, env: true, default: true },
    beside: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318' },
  }
}

function rows(): Record<string, Row> {
  const pem = (copy: string, name: string): string => join(folder, `${copy}-${name}`)
  const size = (read: Row['read'], otherwise: number): Row => ({
    file: '1MiB',
    env: '2MiB',
    flag: '4194304',
    read,
    expected: { file: MIB, env: 2 * MIB, flag: 4 * MIB, default: otherwise },
  })
  const duration = (read: Row['read'], otherwise: number): Row => ({
    file: '3s',
    env: '2000',
    flag: '1500ms',
    read,
    expected: { file: 3000, env: 2000, flag: 1500, default: otherwise },
  })
  return {
    config: {
      file: undefined,
      env: 'env.yaml',
      flag: 'flag.yaml',
      read: ({ configFile }) => configFile?.split('/').at(-1),
      expected: { file: undefined, env: 'env.yaml', flag: 'flag.yaml', default: undefined },
    },
    export: {
      file: ['otlp'],
      flag: 'none',
      read: ({ destinations, hasConsole }) => [destinations.length, hasConsole],
      expected: { file: [3, false], flag: [0, false], default: [0, true] },
    },
    tracesExporter: exporterRow('traces'),
    logsExporter: exporterRow('logs'),
    metricsExporter: exporterRow('metrics'),
    disabled: {
      file: true,
      env: 'false',
      read: ({ hasConsole }) => hasConsole,
      expected: { file: false, env: true, default: true },
    },
    otlpEndpoint: {
      file: 'http://file:4318',
      env: 'http://env:4318',
      flag: 'http://flag:4318',
      read: (config) => first(config)?.url,
      expected: {
        file: 'http://file:4318/v1/traces',
        env: 'http://env:4318/v1/traces',
        flag: 'http://flag:4318/v1/traces',
        default: 'http://localhost:4318/v1/traces',
      },
      beside: withOtlp,
    },
    otlpProtocol: {
      ...plain('grpc', 'http/protobuf', 'grpc', (config) => first(config)?.protocol, 'http/protobuf'),
      beside: withOtlp,
    },
    otlpHeaders: {
      file: { 'x-a': 'from, file' },
      env: 'x-a=from%20env',
      read: (config) => first(config)?.headers,
      expected: { file: { 'x-a': 'from, file' }, env: { 'x-a': 'from env' }, default: {} },
      beside: withOtlp,
    },
    otlpTimeout: { ...duration((config) => first(config)?.timeoutMs, 10_000), beside: withOtlp },
    otlpCompression: {
      ...plain('gzip', 'none', 'gzip', (config) => first(config)?.compression, 'none'),
      beside: withOtlp,
    },
    otlpInsecure: {
      file: true,
      env: 'false',
      read: (config) => first(config)?.insecure,
      expected: { file: true, env: false, default: false },
      beside: { ...withOtlp, OTEL_EXPORTER_OTLP_ENDPOINT: 'a:4317' },
    },
    otlpCertificate: {
      ...plain(
        pem('a', 'ca.pem'),
        pem('b', 'ca.pem'),
        pem('c', 'ca.pem'),
        (c) => first(c)?.tls.caFile,
        undefined,
      ),
      beside: withOtlp,
    },
    otlpClientCertificate: {
      ...plain(
        pem('a', 'server.pem'),
        pem('b', 'server.pem'),
        pem('c', 'server.pem'),
        (c) => first(c)?.tls.certFile,
        'not valid alone',
      ),
      beside: { ...withOtlp, OTEL_EXPORTER_OTLP_CLIENT_KEY: pem('a', 'server-key.pem') },
    },
    otlpClientKey: {
      ...plain(
        pem('a', 'server-key.pem'),
        pem('b', 'server-key.pem'),
        pem('c', 'server-key.pem'),
        (c) => first(c)?.tls.keyFile,
        'not valid alone',
      ),
      beside: { ...withOtlp, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: pem('a', 'server.pem') },
    },
    exportConcurrency: {
      file: 1,
      env: '2',
      flag: '3',
      read: ({ concurrency }) => concurrency,
      expected: { file: 1, env: 2, flag: 3, default: 4 },
    },
    flushInterval: duration(({ flushMs }) => flushMs, 1_000),
    queueBytes: size(({ queueBytes }) => queueBytes, 32 * MIB),
    queueDirectory: plain('/f', '/e', '/g', ({ diskQueue }) => diskQueue?.directory, undefined),
    queueDiskBytes: {
      ...size(({ diskQueue }) => diskQueue?.maxBytes, 256 * MIB),
      beside: { OISP_QUEUE_DIRECTORY: '/q' },
    },
    modules: {
      file: [{ module: 'acme', options: { a: [1, '${env:TOKEN:-t}'] } }],
      read: ({ modules }) => modules,
      expected: { file: [{ module: 'acme', options: { a: [1, 't'] } }], default: [] },
    },
    redactionMode: plain('full', 'safe', 'full', ({ redactionMode }) => redactionMode, 'safe'),
    traceparent: plain('parent', 'link', 'parent', ({ traceparent }) => traceparent, 'link'),
    profile: plain(
      'legacy-1.41',
      'genai-dev-1.42',
      'genai-dev-1.42+aliases',
      ({ profile }) => profile,
      'genai-dev-1.42+aliases',
    ),
    metricInterval: duration(({ metricIntervalMs }) => metricIntervalMs, 60_000),
    ownTelemetry: {
      file: false,
      env: 'true',
      flag: 'false',
      read: ({ hasOwnTelemetry }) => hasOwnTelemetry,
      expected: { file: false, env: true, flag: false, default: true },
      beside: withOtlp,
    },
    ringBytes: size(({ ringBytes }) => ringBytes, 32 * MIB),
    budgetBytes: {
      ...size(({ budgetBytes }) => budgetBytes, 128 * MIB),
      beside: { OISP_BODY_BYTES: '65536' },
    },
    bodyBytes: size(({ maxBodyBytes }) => maxBodyBytes, 64 * MIB),
    serviceName: plain('f', 'e', undefined, (c) => c.resourceAttributes['service.name'], 'oisp-sensor'),
    resourceAttributes: {
      file: { 'deployment.environment.name': 'a, b' },
      env: 'deployment.environment.name=c%20d',
      read: (c) => c.resourceAttributes['deployment.environment.name'],
      expected: { file: 'a, b', env: 'c d', default: undefined },
    },
    stateDirectory: plain('/f', '/e', '/g', (c) => c.stateDirectory, '/home/u/.local/state/oisp-sensor'),
    healthSocket: plain('/f', '/e', '/g', ({ healthSocket }) => healthSocket, undefined),
    logLevel: plain('debug', 'warn', 'error', ({ logLevel }) => logLevel, 'info'),
  }
}

function parse(layers: {
  file?: unknown
  env?: Record<string, string>
  flags?: Record<string, string>
}): Config {
  const flags: Record<string, string> = { ...layers.flags }
  if (layers.file !== undefined) {
    writeFileSync(file, stringify(layers.file), { mode: 0o600 })
    flags['config'] ??= file
  }
  return parseConfig({ flags, env: { HOME: '/home/u', ...layers.env }, userId: 1000, isTerminal: false })
}

/** exporters.otlp.endpoint, x → {exporters: {otlp: {endpoint: x}}} */
function nest(path: string, value: unknown): unknown {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
}

const specs: readonly OptionSpec[] = OPTIONS

describe('precedence', () => {
  it('has a row for every setting', () => {
    expect(Object.keys(rows()).sort()).toEqual(specs.map(({ key }) => key).sort())
    for (const { key, env, flags, path } of specs) {
      const row = rows()[key]!
      const has = [row.env !== undefined, row.flag !== undefined, row.file !== undefined]
      expect({ key, has }).toEqual({ key, has: [env.length > 0, flags !== undefined, path !== undefined] })
    }
  })

  it.each(specs.map(({ key }) => key))('of %s is flag, environment, file, default', (key) => {
    const { env: names, path } = specs.find((spec) => spec.key === key)!
    const row = rows()[key]!
    const beside = row.beside ?? {}
    const inFile = path === undefined ? undefined : nest(path, row.file)
    for (const name of [row.env, row.flag].filter((text) => text?.endsWith('.yaml')))
      writeFileSync(join(folder, name!), '')
    const inFolder = (text: string): string => (text.endsWith('.yaml') ? join(folder, text) : text)
    if (row.expected.default !== 'not valid alone')
      expect(row.read(parse({ env: beside }))).toEqual(row.expected.default)
    if (inFile !== undefined)
      expect(row.read(parse({ file: inFile, env: beside }))).toEqual(row.expected.file)
    for (const name of row.env === undefined ? [] : names) {
      const env = { ...beside, [name]: inFolder(row.env!) }
      expect(row.read(parse({ file: inFile, env }))).toEqual(row.expected.env)
      // An empty variable says nothing.
      if (inFile !== undefined)
        expect(row.read(parse({ file: inFile, env: { ...beside, [name]: ' ' } }))).toEqual(row.expected.file)
    }
    if (row.flag === undefined) return
    const env = { ...beside, ...(names[0] === undefined ? {} : { [names[0]]: inFolder(row.env!) }) }
    expect(row.read(parse({ file: inFile, env, flags: { [key]: inFolder(row.flag) } }))).toEqual(
      row.expected.flag,
    )
  })

  const perSignal = specs.filter(({ isPerSignal }) => isPerSignal)
  it.each(perSignal.map(({ key }) => key))('of %s for one signal is environment, file', (key) => {
    const { env, path } = perSignal.find((spec) => spec.key === key)!
    const row = rows()[key]!
    const isValidAlone = row.expected.default !== 'not valid alone'
    for (const signal of SIGNALS) {
      const only = { [`OTEL_${signal.toUpperCase()}_EXPORTER`]: 'otlp' }
      const { OTEL_TRACES_EXPORTER: _, ...others } = row.beside ?? {}
      const beside = { ...others, ...only }
      const inFile = nest(signalPath(path!, signal), row.file)
      const withoutPath = (value: unknown) =>
        key === 'otlpEndpoint' ? String(value).replace(/v1\/\w+$/, '') : value
      const read = (config: Config) =>
        row.read({ ...config, destinations: config.destinations.filter((each) => each.signal === signal) })
      if (isValidAlone)
        expect(read(parse({ file: inFile, env: beside }))).toEqual(withoutPath(row.expected.file))
      const own = { ...beside, [signalVariable(env[0]!, signal)]: row.env! }
      if (isValidAlone) expect(read(parse({ file: inFile, env: own }))).toEqual(withoutPath(row.expected.env))
    }
  })
})
