// SPDX-License-Identifier: Apache-2.0
/** From OTEL_* to destinations. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig } from './config.js'
import type { Config, Environment, Flags } from './types.js'

const pem = join(import.meta.dirname, '../../test/server/tls/ca.pem')

function parse(env: Environment, flags: Flags = {}): Config {
  return parseConfig({ flags, env, userId: 1000, isTerminal: false })
}

const urls = (config: Config): string[] =>
  config.destinations.map(({ protocol, url }) => `${protocol} ${url}`)

describe('where telemetry goes', () => {
  it.each<[string, Environment, Flags, number, boolean]>([
    ['nothing said', {}, {}, 0, true],
    ['an endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, {}, 3, true],
    ["one signal's endpoint", { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://c:4318' }, {}, 1, true],
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
  })
})

describe('things that are said but not done', () => {
  it.each<[Environment, string]>([
    [{ OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' }, 'metrics are always cumulative'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/v1/traces' }, 'give the URL without it'],
    [{ OTEL_CONFIG_FILE: '/etc/otel.yaml' }, 'OTEL_CONFIG_FILE is not read'],
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
    expect([traces!.tls.caFile, logs!.tls.caFile]).toEqual([pem, undefined])
  })
})
