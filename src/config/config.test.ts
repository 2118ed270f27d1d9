// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SensorError } from '../errors.js'
import { parseConfig } from './config.js'
import { OPTIONS } from './options.js'
import type { Config, Environment, Flags } from './types.js'

let folder: string
let pem: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-config-'))
  pem = join(folder, 'ca.pem')
  writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n')
  writeFileSync(join(folder, 'not.pem'), 'hello')
})
afterAll(() => rmSync(folder, { recursive: true }))

function parse(
  env: Environment = {},
  flags: Flags = {},
  change: { userId?: number; isTerminal?: boolean } = {},
): Config {
  return parseConfig({ flags, env, userId: 1000, isTerminal: false, ...change })
}

function failure(env: Environment, flags: Flags = {}): SensorError {
  try {
    parse(env, flags)
  } catch (error) {
    if (error instanceof SensorError) return error
    throw error
  }
  throw new Error('was accepted')
}

const urls = (config: Config): string[] =>
  config.destinations.map(({ protocol, url }) => `${protocol} ${url}`)

describe('defaults', () => {
  it('are safe, local and complete', () => {
    expect(parse({ HOME: '/home/u' })).toEqual({
      logLevel: 'info',
      destinations: [],
      hasConsole: true,
      isColored: false,
      flushMs: 1_000,
      queueBytes: 32 * 1024 ** 2,
      metricIntervalMs: 60_000,
      redactionMode: 'safe',
      traceparent: 'link',
      profile: 'genai-dev-1.42+aliases',
      ringBytes: 32 * 1024 ** 2,
      budgetBytes: 128 * 1024 ** 2,
      maxBodyBytes: 16 * 1024 ** 2,
      stateDirectory: '/home/u/.local/state/oisp-sensor',
      resourceAttributes: { 'service.name': 'oisp-sensor' },
      warnings: [],
    })
  })

  it('cannot be changed afterwards', () => {
    const config = parse({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' })
    expect(
      Object.isFrozen(config) &&
        Object.isFrozen(config.destinations) &&
        Object.isFrozen(config.destinations[0]),
    ).toBe(true)
    expect(Object.isFrozen(config.resourceAttributes) && Object.isFrozen(config.warnings)).toBe(true)
  })
})

describe('precedence', () => {
  it('is flag, then environment, then default, for every option', () => {
    const other: Record<
      string,
      [env: string, flag: string, read: (config: Config) => unknown, inEnv: unknown, inFlag: unknown]
    > = {
      redactionMode: ['full', 'safe', (c) => c.redactionMode, 'full', 'safe'],
      traceparent: ['parent', 'link', (c) => c.traceparent, 'parent', 'link'],
      profile: ['legacy-1.41', 'genai-dev-1.42', (c) => c.profile, 'legacy-1.41', 'genai-dev-1.42'],
      metricInterval: ['1000', '2000', (c) => c.metricIntervalMs, 1_000, 2_000],
      flushInterval: ['0', '20', (c) => c.flushMs, 0, 20],
      queueBytes: ['2MiB', '4194304', (c) => c.queueBytes, 2 * 1024 ** 2, 4 * 1024 ** 2],
      ringBytes: ['64KiB', '1 MiB', (c) => c.ringBytes, 65_536, 1024 ** 2],
      budgetBytes: ['64MiB', '1GiB', (c) => c.budgetBytes, 64 * 1024 ** 2, 1024 ** 3],
      bodyBytes: ['1mib', '2MIB', (c) => c.maxBodyBytes, 1024 ** 2, 2 * 1024 ** 2],
      stateDirectory: ['/a', '/b', (c) => c.stateDirectory, '/a', '/b'],
      logLevel: ['DEBUG', 'none', (c) => c.logLevel, 'debug', 'silent'],
      otlpEndpoint: [
        'http://a:4318',
        'http://b:4318',
        (c) => c.destinations[0]!.url,
        'http://a:4318/v1/traces',
        'http://b:4318/v1/traces',
      ],
      otlpProtocol: ['grpc', 'http/protobuf', (c) => c.destinations[0]!.protocol, 'grpc', 'http/protobuf'],
      otlpTimeout: ['10', '20', (c) => c.destinations[0]!.timeoutMs, 10, 20],
      otlpCompression: ['gzip', 'none', (c) => c.destinations[0]!.compression, 'gzip', 'none'],
      otlpCertificate: [pem, pem, (c) => c.destinations[0]!.certificate?.length, 28, 28],
    }
    const tested = OPTIONS.filter(({ env }) => env.length > 0)
    expect(tested.map(({ key }) => key).sort()).toEqual(Object.keys(other).sort())
    for (const { key, env } of tested) {
      const [inEnvironment, inFlag, read, first, second] = other[key]!
      const otlp = { OTEL_TRACES_EXPORTER: 'otlp' }
      expect(read(parse({ ...otlp, [env[0]!]: inEnvironment }))).toEqual(first)
      expect(read(parse({ ...otlp, [env[0]!]: inEnvironment }, { [key]: inFlag }))).toEqual(second)
      expect(read(parse({ ...otlp, [env[0]!]: '  ' }, { [key]: inFlag }))).toEqual(second)
    }
  })
})

describe('where telemetry goes', () => {
  it.each<[string, Environment, Flags, number, boolean]>([
    ['nothing said', {}, {}, 0, true],
    ['an endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, {}, 3, true],
    ["one signal's endpoint", { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://c:4318' }, {}, 3, true],
    ["the seed's spelling", {}, { export: 'otlp', otlpEndpoint: 'http://c:4318' }, 3, false],
    ['--export otlp alone', {}, { export: 'otlp' }, 3, false],
    ['both', {}, { export: 'otlp, console' }, 3, true],
    ['none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, { export: 'none' }, 0, false],
    ['none for one signal', { OTEL_LOGS_EXPORTER: 'none' }, { export: 'otlp' }, 2, false],
    ['a flag against a variable', { OTEL_TRACES_EXPORTER: 'otlp' }, { export: 'console' }, 0, true],
    ['otlp for one signal', { OTEL_TRACES_EXPORTER: 'otlp' }, {}, 1, false],
    [
      'console for traces',
      { OTEL_TRACES_EXPORTER: 'console', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' },
      {},
      2,
      true,
    ],
    ['disabled', { OTEL_SDK_DISABLED: 'TRUE', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, {}, 0, false],
  ])('%s', (_name, env, flags, destinations, hasConsole) => {
    const config = parse(env, flags)
    expect([config.destinations.length, config.hasConsole]).toEqual([destinations, hasConsole])
  })

  it('warns when a choice does nothing', () => {
    expect(parse({ OTEL_LOGS_EXPORTER: 'console' }).warnings).toEqual([
      expect.stringContaining('OTEL_LOGS_EXPORTER=console'),
    ])
    expect(parse({ OTEL_SDK_DISABLED: 'yes' }).warnings).toEqual([expect.stringContaining('counts as false')])
    expect(parse({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_CLIENT_KEY: '/k' }).warnings).toEqual([
      expect.stringContaining('OTEL_EXPORTER_OTLP_CLIENT_KEY is ignored'),
    ])
  })
})

describe('things that are said but not done', () => {
  it.each<[Environment, string]>([
    [{ OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' }, 'metrics are always cumulative'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/v1/traces' }, 'give the URL without it'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_CLIENT_KEY: '/k' },
      'CLIENT_KEY is ignored',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317', OTEL_EXPORTER_OTLP_INSECURE: '1' }, 'counts as false'],
  ])('are said once: %j', (env, words) => {
    expect(parse(env).warnings).toEqual([expect.stringContaining(words)])
  })
})

describe('endpoints and protocols', () => {
  it.each<[Environment, string[]]>([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' },
      [
        'http/protobuf http://c:4318/v1/traces',
        'http/protobuf http://c:4318/v1/logs',
        'http/protobuf http://c:4318/v1/metrics',
      ],
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/?x=1' },
      [
        'http/protobuf https://c/otlp/v1/traces?x=1',
        'http/protobuf https://c/otlp/v1/logs?x=1',
        'http/protobuf https://c/otlp/v1/metrics?x=1',
      ],
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' },
      ['grpc http://c:4317/', 'grpc http://c:4317/', 'grpc http://c:4317/'],
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[::1]:4317/' },
      ['grpc http://[::1]:4317/', 'grpc http://[::1]:4317/', 'grpc http://[::1]:4317/'],
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      ['grpc http://c:4318/', 'grpc http://c:4318/', 'grpc http://c:4318/'],
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' },
      ['grpc https://c:4317/', 'grpc https://c:4317/', 'grpc https://c:4317/'],
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317', OTEL_EXPORTER_OTLP_INSECURE: 'true' },
      ['grpc http://c:4317/', 'grpc http://c:4317/', 'grpc http://c:4317/'],
    ],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:9/own',
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://l:4317',
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m:9',
      },
      ['http/protobuf http://t:9/own', 'grpc http://l:4317/', 'http/protobuf http://m:9/'],
    ],
    [{ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, ['grpc http://localhost:4317/']],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, ['http/protobuf http://localhost:4318/v1/traces']],
  ])('%j', (env, expected) => {
    expect(urls(parse(env))).toEqual(expected)
  })

  it('tells TLS from plaintext', () => {
    const insecure = (url: string): boolean =>
      parse({ OTEL_EXPORTER_OTLP_ENDPOINT: url }).destinations[0]!.insecure
    expect([insecure('http://c:4317'), insecure('https://c:4317')]).toEqual([true, false])
  })

  it("lets a signal's own value replace the general one", () => {
    const [traces, logs] = parse({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc%3D,x=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'api-key=k',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '6',
      OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: pem,
    }).destinations
    expect(traces).toMatchObject({ headers: { 'api-key': 'k' }, timeoutMs: 6, compression: 'none' })
    expect(logs).toMatchObject({
      headers: { authorization: 'Bearer abc=', x: '1' },
      timeoutMs: 5,
      compression: 'gzip',
    })
    expect([traces!.certificate !== undefined, logs!.certificate]).toEqual([true, undefined])
  })
})

describe('mistakes', () => {
  it.each<[Environment, Flags, string]>([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4318' },
      {},
      'OTEL_EXPORTER_OTLP_ENDPOINT: is not an http:// or https:// URL',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://c' },
      {},
      'OTEL_EXPORTER_OTLP_ENDPOINT: is not an http:// or https:// URL',
    ],
    [{}, { otlpEndpoint: 'http://' }, '--otlp-endpoint: is not an http:// or https:// URL'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:sk-secret@c' },
      {},
      'OTEL_EXPORTER_OTLP_ENDPOINT: holds a user name or password',
    ],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      {},
      'OTEL_EXPORTER_OTLP_PROTOCOL: http/json is not sent',
    ],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, {}, 'OTEL_TRACES_EXPORTER: "zipkin" is not one of its values'],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_TIMEOUT: '10s' },
      {},
      'OTEL_EXPORTER_OTLP_TIMEOUT: "10s" is not a whole number from 1 to 600000',
    ],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
      {},
      'OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" is not one of its values',
    ],
    [{}, { redactionMode: 'off' }, '--redaction-mode: "off" is not one of its values'],
    [{ OISP_REDACTION_MODE: 'off' }, {}, 'OISP_REDACTION_MODE: "off" is not one of its values'],
    [
      { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'maybe' },
      {},
      'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "maybe" is not one of its values',
    ],
    [{}, { ringBytes: '100KiB' }, '--ring-bytes: 100KiB is not a power of two'],
    [{}, { ringBytes: '4096' }, '--ring-bytes: "4096" is not a size from 64KiB to 1GiB'],
    [{}, { queueBytes: '1TB' }, '--queue-bytes: "1TB" is not a size from 1MiB to 4GiB'],
    [{}, { budgetBytes: '8MiB' }, '--budget-bytes: 8MiB is less than one body may take (16MiB)'],
    [{ OTEL_LOG_LEVEL: 'loud' }, {}, 'OTEL_LOG_LEVEL: "loud" is not one of its values'],
    [
      { OTEL_RESOURCE_ATTRIBUTES: 'a' },
      {},
      'OTEL_RESOURCE_ATTRIBUTES: entry 1 of 1 is not key=value (the text is not shown: it may be a secret)',
    ],
  ])('%j %j', (env, flags, message) => {
    const error = failure(env, flags)
    expect(error.message).toBe(message)
    expect(error.code).toMatch(/^ERR_CONFIG_/)
    expect(error.exitCode).toBe(2)
    expect(error.hint).toMatch(/^[A-Z].+\.$/)
  })

  it.each([
    'nonsense-sk-secret',
    'k=%E0%A4%A-sk-secret',
    'bad key=sk-secret',
    'k=sk-secret%0d%0aevil: 1',
    '=sk-secret',
    'ok=1,sk-secret',
  ])('in headers are never repeated: %s', (headers) => {
    const error = failure({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_HEADERS: headers })
    expect(error.message).toMatch(/^OTEL_EXPORTER_OTLP_HEADERS: entry \d of \d is not key=value/)
    expect(`${error.message} ${error.hint} ${String(error.cause)} ${error.stack}`).not.toContain('sk-secret')
  })

  it('in headers that only gRPC refuses are found at start', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_HEADERS: 'a!b=1' }
    expect(failure(env).message).toContain('OTEL_EXPORTER_OTLP_HEADERS: entry 1 of 1')
    expect(parse({ ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }).destinations[0]!.headers).toEqual({
      'a!b': '1',
    })
  })

  it('in a certificate path name the file system’s reason', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }
    expect(failure(env, { otlpCertificate: join(folder, 'none.pem') }).message).toBe(
      '--otlp-certificate: the file cannot be read (ENOENT)',
    )
    expect(failure(env, { otlpCertificate: join(folder, 'not.pem') }).message).toBe(
      '--otlp-certificate: the file holds no PEM certificate',
    )
  })

  it('suggest the next powers of two for the ring', () => {
    expect(failure({}, { ringBytes: '100KiB' }).hint).toBe('Use 64KiB or 128KiB.')
  })
})

describe('content capture', () => {
  const NAME = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'

  it.each(['true', 'SPAN_ONLY', 'event_only', 'SPAN_AND_EVENT'])(
    'is inherited with a warning: %s',
    (value) => {
      const config = parse({ [NAME]: value })
      expect(config.redactionMode).toBe('full')
      expect(config.warnings).toEqual([expect.stringContaining(NAME)])
    },
  )

  it.each(['false', 'NO_CONTENT'])('is off without a word: %s', (value) => {
    expect(parse({ [NAME]: value })).toMatchObject({ redactionMode: 'safe', warnings: [] })
  })

  it('yields to an explicit setting', () => {
    expect(parse({ [NAME]: 'true' }, { redactionMode: 'safe' })).toMatchObject({
      redactionMode: 'safe',
      warnings: [],
    })
    expect(parse({ [NAME]: 'true', OISP_REDACTION_MODE: 'safe' })).toMatchObject({
      redactionMode: 'safe',
      warnings: [],
    })
  })
})

describe('the rest', () => {
  it('names the sensor', () => {
    const env = {
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,deployment.environment.name=x%20y,',
      OTEL_SERVICE_NAME: 'b',
    }
    expect(parse(env).resourceAttributes).toEqual({
      'service.name': 'b',
      'deployment.environment.name': 'x y',
    })
  })

  it('finds the state folder', () => {
    expect(parse({}, {}, { userId: 0 }).stateDirectory).toBe('/var/lib/oisp-sensor')
    expect(parse({ XDG_STATE_HOME: '/x' }).stateDirectory).toBe('/x/oisp-sensor')
    expect(
      parse({ XDG_STATE_HOME: '/x', OISP_STATE_DIRECTORY: '/y' }, {}, { userId: 0 }).stateDirectory,
    ).toBe('/y')
  })

  it('colours a terminal unless NO_COLOR says not to', () => {
    expect(parse({}, {}, { isTerminal: true }).isColored).toBe(true)
    expect(parse({ NO_COLOR: '1' }, {}, { isTerminal: true }).isColored).toBe(false)
    expect(parse({ NO_COLOR: '' }, {}, { isTerminal: true }).isColored).toBe(true)
    expect(parse({}).isColored).toBe(false)
  })

  it('grows the budget with the body limit', () => {
    expect(parse({}, { bodyBytes: '100MiB' }).budgetBytes).toBe(200 * 1024 ** 2)
  })
})
