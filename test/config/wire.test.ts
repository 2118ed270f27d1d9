// SPDX-License-Identifier: Apache-2.0
/**
 * Every setting that a receiver can see, from the file, from the environment and from a flag: a recording is replayed by the real
 * command and what came in is looked at.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { askEndpoints } from '../../src/commands/endpoints.js'
import { createExporterSlot } from '../../src/commands/exporter-slot.js'
import { runReplay } from '../../src/commands/replay.js'
import { OPTIONS, parseConfig, type Config, type OptionSpec } from '../../src/config/index.js'
import { SIGNALS, signalPath, signalVariable } from '../../src/config/options.js'
import { createLog } from '../../src/log.js'
import { createStats } from '../../src/stats.js'
import {
  faultFile,
  startGrpcCollector,
  startHttpCollector,
  type Collector,
  type CollectorOptions,
} from '../support/collector.js'
import { makeSpan, makeTelemetry } from '../support/collector-telemetry.js'
import { capturePath } from '../support/scenario.js'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'oisp-wire-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const collectors: Collector[] = []
afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.stop()))
})

async function start(protocol: 'http' | 'grpc', options: CollectorOptions = {}): Promise<Collector> {
  const collector = await (protocol === 'grpc' ? startGrpcCollector(options) : startHttpCollector(options))
  collectors.push(collector)
  return collector
}

interface Layers {
  file?: unknown
  env?: Record<string, string>
  flags?: Record<string, string>
}

function configure({ file, env = {}, flags = {} }: Layers): Config {
  const config = join(folder, 'sensor.yaml')
  writeFileSync(config, stringify(file ?? {}), { mode: 0o600 })
  const always = { OISP_STATE_DIRECTORY: join(folder, 'state') }
  return parseConfig({
    flags: { config, ...flags },
    env: { ...always, ...env },
    userId: 1000,
    isTerminal: false,
  })
}

async function play(layers: Layers): Promise<{ code: number; log: string }> {
  let text = ''
  const log = createLog({ level: 'info', isTerminal: false, stream: { write: (line) => (text += line) } })
  const config = configure(layers)
  const code = await runReplay([capturePath('openai-chat-plain-node')], { config, version: '0', log })
  return { code, log: text }
}

const nest = (path: string, value: unknown): unknown =>
  path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)

const specOf = (key: string): OptionSpec => OPTIONS.find((option) => option.key === key)!

/** The same word from each place that takes it; for OTLP settings from each signal's own as well. */
function sourcesOf(key: string, text: string, inFile: unknown): [source: string, layers: Layers][] {
  const { env, flags, path, isPerSignal } = specOf(key)
  return [
    ...(path ? [[path, { file: nest(path, inFile) }] as [string, Layers]] : []),
    ...env.map((name): [string, Layers] => [name, { env: { [name]: text } }]),
    ...(flags ? [[flags, { flags: { [key]: text } }] as [string, Layers]] : []),
    ...(isPerSignal
      ? SIGNALS.flatMap((signal): [string, Layers][] => [
          [signalPath(path!, signal), { file: nest(signalPath(path!, signal), inFile) }],
          [signalVariable(env[0]!, signal), { env: { [signalVariable(env[0]!, signal)]: text } }],
        ])
      : []),
  ]
}

interface Row {
  key: string
  text: string
  /** As it stands in the file. */
  inFile?: unknown
  /** What has the effect, read from what came in. */
  see(collector: Collector): boolean
  protocol?: 'grpc'
  options?: CollectorOptions
  beside?: (collector: Collector) => Record<string, string>
}

/** A setting of one signal is seen with that signal alone: the others would wait for receivers that they cannot reach. */
function onlySignalOf(source: string): Record<string, string> {
  const signal = SIGNALS.find((each) => new RegExp(`otlp[._]${each}[._]`, 'i').test(source))
  const others = signal === undefined ? [] : SIGNALS.filter((each) => each !== signal)
  return Object.fromEntries(others.map((each) => [`OTEL_${each.toUpperCase()}_EXPORTER`, 'none']))
}

/** Any span, log record or point that holds this text. */
const holds = (text: string) => (collector: Collector) =>
  collector.requests.some(({ body }) => Buffer.from(body).includes(text))
const none = (signal: string) => (collector: Collector) =>
  collector.requests.length > 0 && collector.requests.every((request) => request.signal !== signal)
const mutual: CollectorOptions = { isTls: true, certificate: 'server', asksForClient: true }
const client = { OTEL_EXPORTER_OTLP_CERTIFICATE: faultFile('ca') }

const ROWS: Row[] = [
  {
    key: 'otlpHeaders',
    text: 'x-team=a%20b',
    inFile: { 'x-team': 'a b' },
    see: ({ requests }) => requests.some(({ headers }) => headers['x-team'] === 'a b'),
  },
  {
    key: 'otlpHeaders',
    text: 'x-team=a%20b',
    inFile: { 'x-team': 'a b' },
    protocol: 'grpc',
    see: ({ requests }) => requests.some(({ headers }) => headers['x-team'] === 'a b'),
  },
  {
    key: 'otlpCompression',
    text: 'gzip',
    see: ({ requests }) => requests.some(({ headers }) => headers['content-encoding'] === 'gzip'),
  },
  {
    key: 'otlpProtocol',
    text: 'grpc',
    protocol: 'grpc',
    see: ({ requests }) => requests.length > 0,
    beside: ({ url }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: '' }),
  },
  {
    key: 'otlpInsecure',
    text: 'true',
    inFile: true,
    protocol: 'grpc',
    see: ({ requests }) => requests.length > 0,
    beside: ({ port }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `localhost:${port}` }),
  },
  {
    key: 'otlpCertificate',
    text: faultFile('ca'),
    options: { isTls: true, certificate: 'server' },
    see: ({ requests }) => requests.length > 0,
  },
  {
    key: 'otlpCertificate',
    text: faultFile('ca'),
    protocol: 'grpc',
    options: { isTls: true, certificate: 'server' },
    see: ({ requests }) => requests.length > 0,
  },
  { key: 'disabled', text: 'true', inFile: true, see: ({ requests }) => requests.length === 0 },
  { key: 'export', text: 'none', see: ({ requests }) => requests.length === 0 },
  { key: 'tracesExporter', text: 'none', see: none('traces') },
  { key: 'logsExporter', text: 'none', see: none('logs') },
  { key: 'metricsExporter', text: 'none', see: none('metrics') },
  { key: 'redactionMode', text: 'full', see: holds('gen_ai.input.messages') },
  {
    key: 'profile',
    text: 'genai-dev-1.42',
    see: (collector) => !holds('gen_ai.system')(collector) && collector.requests.length > 0,
  },
  { key: 'serviceName', text: 'my-sensor', see: holds('my-sensor') },
  { key: 'resourceAttributes', text: 'team=my%20team', inFile: { team: 'my team' }, see: holds('my team') },
]

describe('seen by a receiver', () => {
  it.each(
    ROWS.flatMap((row) =>
      sourcesOf(row.key, row.text, row.inFile ?? row.text).map(
        ([source, layers]) => [`${row.protocol ?? 'http'} ${source}`, row, layers, source] as const,
      ),
    ),
  )('%s', async (_name, row, layers, source) => {
    const collector = await start(row.protocol ?? 'http', row.options)
    const base = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ...(row.protocol === 'grpc' ? { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' } : {}),
      ...row.beside?.(collector),
      ...onlySignalOf(source),
    }
    // What the layer says must not hide behind what is always said.
    await play({ ...layers, env: { ...base, ...layers.env } })
    expect(row.see(collector)).toBe(true)
    // And without it there is no such effect: else the row would prove nothing.
    collector.requests.splice(0)
    if (row.options?.isTls || row.key === 'otlpProtocol' || row.key === 'otlpInsecure') return
    await play({ env: base })
    expect(row.see(collector)).toBe(false)
  })

  it.each(sourcesOf('otlpEndpoint', 'URL', 'URL'))('the endpoint: %s', async (source, layers) => {
    const collector = await start('http')
    // An answer for a path that is no signal's.
    collector.answer(...Array.from({ length: 9 }, () => ({ body: '' })))
    const only = onlySignalOf(source)
    const isOwn = Object.keys(only).length > 0
    const url = isOwn ? `${collector.url}/own/path` : collector.url
    const said = JSON.parse(JSON.stringify(layers).replace('URL', url)) as Layers
    await play({ ...said, env: { ...only, ...said.env } })
    // The receiver here takes the last part of the path for the signal: one signal's own URL is used as it stands.
    const ends = new Set(collector.requests.map(({ signal }): string => signal))
    expect([...ends].sort()).toEqual(isOwn ? ['path'] : ['logs', 'metrics', 'traces'])
  })

  it.each(['http', 'grpc'] as const)('a certificate of our own, over %s', async (protocol) => {
    const collector = await start(protocol, mutual)
    const pair = {
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: faultFile('client-a'),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: faultFile('client-a-key'),
    }
    const base = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol === 'grpc' ? 'grpc' : 'http/protobuf',
      ...client,
    }
    const tls = { cert_file: faultFile('client-a'), key_file: faultFile('client-a-key') }
    const flags = { otlpClientCertificate: tls.cert_file, otlpClientKey: tls.key_file }
    for (const layers of [
      { env: { ...base, ...pair } },
      { env: base, flags },
      { env: base, file: { exporters: { otlp: { tls } } } },
    ]) {
      expect((await play(layers)).code).toBe(0)
      expect(new Set(collector.requests.map(({ peer }) => peer)).size).toBe(1)
      expect(collector.requests.splice(0)[0]!.peer).toBeTruthy()
    }
  })

  it.each(sourcesOf('otlpTimeout', '50', '50ms').slice(0, 3))('the timeout: %s', async (_source, layers) => {
    const collector = await start('http')
    collector.answer(...Array.from({ length: 50 }, () => ({ hang: true })))
    const { code, log } = await play({
      ...layers,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...layers.env },
    })
    expect(log).toContain('did not answer within 50 ms')
    expect(code).toBe(1)
  })

  it('the state folder: the same key gives the same hashes', async () => {
    const collector = await start('http')
    const hashes: string[] = []
    for (const state of ['a', 'a', 'b']) {
      await play({
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OISP_STATE_DIRECTORY: join(folder, state) },
      })
      const traces = collector.requests.splice(0).find(({ signal }) => signal === 'traces')!
      hashes.push(
        /oisp\.content\.input\.hmac.{2,8}?([0-9a-f]{16,})/s.exec(
          Buffer.from(traces.body).toString('latin1'),
        )![1]!,
      )
    }
    expect(hashes[0]).toBe(hashes[1])
    expect(hashes[0]).not.toBe(hashes[2])
  })

  /** What shows elsewhere, and where. */
  const ELSEWHERE: Record<string, string> = {
    config: 'every row that has a file',
    exportConcurrency: 'below',
    flushInterval: 'below',
    queueBytes: 'below',
    queueDirectory: 'src/exporter/disk-queue, test/crash',
    queueDiskBytes: 'src/exporter/disk-queue',
    modules: 'src/exporter/third-party-modules.test.ts',
    traceparent: 'src/run',
    metricInterval: 'src/run',
    ownTelemetry: 'test/live',
    ringBytes: 'test/live: it is the kernel that sees it',
    budgetBytes: 'src/provider, test/fuzz',
    bodyBytes: 'src/provider',
    logLevel: 'src/log.test.ts',
    otlpEndpoint: 'above',
    otlpTimeout: 'above',
    otlpClientCertificate: 'above',
    otlpClientKey: 'above',
    stateDirectory: 'above',
    healthSocket: 'src/commands/health.test.ts, test/compose',
  }

  it('covers every setting, or says where else it shows', () => {
    const here = [...new Set(ROWS.map(({ key }) => key)), ...Object.keys(ELSEWHERE)]
    expect(here.sort()).toEqual(OPTIONS.map(({ key }): string => key).sort())
  })
})

describe('the queue', () => {
  function open(layers: Layers) {
    const stats = createStats()
    const silent = (): void => {}
    const log = { error: silent, warn: silent, info: silent, debug: silent }
    return { stats, slot: createExporterSlot({ config: configure(layers), version: '0', stats, log }) }
  }
  const ask = (bytes = 1) =>
    makeTelemetry({ spans: [makeSpan({ attributes: { 'gen_ai.input.messages': 'x'.repeat(bytes) } })] })

  it.each(sourcesOf('exportConcurrency', '2', 2))(
    'has that many requests under way: %s',
    async (_source, layers) => {
      const collector = await start('http')
      collector.answer(...Array.from({ length: 9 }, () => ({ hang: true })))
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...layers.env }
      const { slot } = open({ ...layers, env })
      for (let count = 0; count < 5; count++) {
        slot.consume(ask())
        // Each in a request of its own.
        slot.end()
      }
      await collector.received(2)
      await slot.shutdown(100)
      expect(collector.requests.length).toBe(2)
    },
  )

  it.each(sourcesOf('flushInterval', '1', 1))('sends after that time: %s', async (_source, layers) => {
    const collector = await start('http')
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...layers.env }
    const { slot } = open({ ...layers, env })
    const startedAt = performance.now()
    slot.consume(ask())
    await collector.received(1)
    // The default is 1 s.
    expect(performance.now() - startedAt).toBeLessThan(900)
    await slot.shutdown(1_000)
  })

  it.each(sourcesOf('queueBytes', '1MiB', '1MiB'))('holds that much: %s', async (_source, layers) => {
    const collector = await start('http')
    collector.answer(...Array.from({ length: 9 }, () => ({ hang: true })))
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...layers.env }
    const { slot, stats } = open({ ...layers, env })
    for (let count = 0; count < 5; count++) {
      slot.consume(ask(400_000))
      slot.end()
    }
    expect(stats.get('exporter.items.dropped', 'queue_full')).toBe(3)
    await slot.shutdown(100)
  })
})

describe('the exit code', () => {
  it.each([
    ['accepted', {}, 0],
    ['a wrong path', { status: 404 }, 1],
    ['refused', { status: 400 }, 1],
    ['partly refused', { partialSuccess: { rejected: 1, message: 'no' } }, 1],
  ])('says whether telemetry was accepted: %s', async (_name, answer, expected) => {
    const collector = await start('http')
    collector.answer(...Array.from({ length: 9 }, () => answer))
    expect((await play({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })).code).toBe(expected)
  })

  it('is the same when nobody is there', async () => {
    expect((await play({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } })).code).toBe(1)
  })
})

describe('doctor', () => {
  it.each(['http', 'grpc'] as const)('sends one empty request per signal over %s', async (protocol) => {
    const collector = await start(protocol)
    const name = protocol === 'grpc' ? 'grpc' : 'http/protobuf'
    const config = configure({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: name },
    })
    const answers = await askEndpoints(config, '0')
    expect(answers.map(({ isOk, signal, message }) => [isOk, message.endsWith(`takes ${signal}`)])).toEqual(
      SIGNALS.map(() => [true, true]),
    )
    expect(collector.requests.map(({ signal }) => signal).sort()).toEqual([...SIGNALS].sort())
    expect(collector.requests.every(({ body }) => body.length === 0)).toBe(true)
  })

  it('says what each refuses, and what to do', async () => {
    const collector = await start('http')
    collector.answer({ status: 404 }, { status: 404 }, { status: 404 })
    const answers = await askEndpoints(
      configure({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } }),
      '0',
    )
    for (const { isOk, signal, message } of answers) {
      expect(isOk).toBe(false)
      expect(message).toContain(`OTEL_${signal.toUpperCase()}_EXPORTER=none`)
    }
  })
})
