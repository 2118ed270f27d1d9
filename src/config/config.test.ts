// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SensorError } from '../errors.js'
import { DEFAULT_DISK_BYTES, DEFAULT_FLUSH_MS, DEFAULT_QUEUE_BYTES } from '../exporter/index.js'
import { DEFAULT_BUDGET_BYTES } from '../stats.js'
import { parseConfig } from './config.js'
import type { Config, Environment, Flags } from './types.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-config-'))
  writeFileSync(join(folder, 'not.pem'), '-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n')
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

describe('defaults', () => {
  it('are safe, local and complete', () => {
    expect(parse({ HOME: '/home/u' })).toEqual({
      configFile: undefined,
      concurrency: 4,
      diskQueue: undefined,
      modules: [],
      hasOwnTelemetry: false,
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
      maxBodyBytes: 64 * 1024 ** 2,
      stateDirectory: '/home/u/.local/state/oisp-sensor',
      healthSocket: undefined,
      resourceAttributes: { 'service.name': 'oisp-sensor' },
      warnings: [],
    })
  })

  it('are those of the rooms, which have their own for tests', () => {
    const config = parse({ OISP_QUEUE_DIRECTORY: '/q' })
    expect([config.queueBytes, config.flushMs, config.diskQueue?.maxBytes, config.budgetBytes]).toEqual([
      DEFAULT_QUEUE_BYTES,
      DEFAULT_FLUSH_MS,
      DEFAULT_DISK_BYTES,
      DEFAULT_BUDGET_BYTES,
    ])
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
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_TIMEOUT: '11m' },
      {},
      'OTEL_EXPORTER_OTLP_TIMEOUT: "11m" is not a time from 1 to 600000 ms',
    ],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
      {},
      'OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" is not one of its values',
    ],
    [{}, { otlpProtocol: 'junk' }, '--otlp-protocol: "junk" is not one of its values'],
    [
      { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: 'junk' },
      {},
      'OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: "junk" is not one of its values',
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
    [{}, { budgetBytes: '8MiB' }, '--budget-bytes: 8MiB is less than one body may take (64MiB)'],
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
