// SPDX-License-Identifier: Apache-2.0
/** Every configuration of otel-config/ starts in the real Collector and does with the sensor's telemetry what its comments say. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../live/support/until.js'
import { startHttpCollector } from '../support/collector.js'
import { checkConformance, type AnyValue, type DecodedOtlp, type Violation } from '../support/conformance.js'
import { decodeRequest } from '../support/otlp-sink.js'
import { createAuthority } from './support/authority.js'
import { killCollectors, makeFolder, startCollector } from './support/collector.js'
import { describeCollector } from './support/describe.js'
import { createFeed, type Feed } from './support/feed.js'
import { readPage, sumOf } from './support/prometheus.js'
import { config, CONFIG_NAMES, makeTiers, type Tiers } from './support/tiers.js'
import { flatSpans, readWritten, type Written } from './support/written.js'

let folder: ReturnType<typeof makeFolder>
let tiers: Tiers

const toGrpc = (address: string): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
})

const CALLS = /^traces_span_metrics_calls_total\{/
const INPUT_TOKENS = /^traces_span_metrics_input_tokens_total\{/
const OUTPUT_TOKENS = /^traces_span_metrics_output_tokens_total\{/

/** tail_sampling puts spans together anew and leaves schema URLs out; everything else of a span is as it was sent. */
const isForgottenBySampling = ({ rule, where }: Violation): boolean =>
  rule === 'schema-url' && /^spans (resource|scope)$/.test(where)

const isSettled = (feed: Feed): true | undefined => feed.settled() === feed.offered() || undefined

async function settle(feed: Feed): Promise<void> {
  await until('every item to be settled', () => isSettled(feed))
  await feed.shutdown()
  expect(feed.dropped()).toEqual({})
}

/** What the gateway has on its files. */
const written = (): Written => readWritten(join(folder.path, 'gateway'))

async function untilTraces(count: number, deadlineMs?: number): Promise<void> {
  await until(`${count} spans`, () => written().items.traces >= count || undefined, deadlineMs)
}

function sumOfTokens(kind: 'input' | 'output'): number {
  const key = `gen_ai.usage.${kind}_tokens`
  return flatSpans(written()).reduce(
    (sum, { attributes }) => sum + Number(attributes.get(key)?.intValue ?? 0),
    0,
  )
}

describeCollector('otel-config', () => {
  beforeEach(async () => {
    folder = makeFolder()
    tiers = await makeTiers(folder.path)
  })
  afterEach(async () => {
    await killCollectors()
    folder.remove()
  })

  it('is tested as a whole', () => {
    expect(CONFIG_NAMES).toEqual(['agent.yaml', 'gateway-backend.yaml', 'gateway-tls.yaml', 'gateway.yaml'])
  })

  it('agent and gateway: three signals pass both, conform to semconv/, and become metrics', async () => {
    await startCollector([config('gateway.yaml')], tiers.gateway)
    await startCollector([config('agent.yaml')], tiers.agent)
    const feed = createFeed(toGrpc(tiers.agent.AGENT_GRPC))
    feed.play()
    await settle(feed)
    await untilTraces(feed.spanIds.length)
    await until('the metrics', () => written().items.metrics > 0 || undefined)
    const { requests, spanIds, logSpanIds } = written()
    expect(spanIds.sort()).toEqual(feed.spanIds.sort())
    expect(logSpanIds.sort()).toEqual(feed.spanIds.sort())
    // The one attribute that the gateway adds, on resources.
    const operatorKeys = ['deployment.environment.name']
    const violations = requests.flatMap((request) => checkConformance(request, { operatorKeys }))
    expect(violations.filter((violation) => !isForgottenBySampling(violation))).toEqual([])

    const page = await readPage(
      tiers.gateway.GATEWAY_PROMETHEUS,
      (text) =>
        sumOf(text, CALLS) === feed.spanIds.length &&
        sumOf(text, INPUT_TOKENS) === sumOfTokens('input') &&
        sumOf(text, OUTPUT_TOKENS) === sumOfTokens('output'),
    )
    expect(page).toMatch(/^gen_ai_client_inference_duration_seconds_count\{/m)
    expect(page).not.toContain('process_pid')
  })

  it('gateway: spans that come later add to the token counters', async () => {
    await startCollector([config('gateway.yaml')], tiers.gateway)
    const feed = createFeed(toGrpc(tiers.gateway.GATEWAY_GRPC))
    for (let play = 0; play < 2; play++) {
      feed.play()
      await until('the play to be settled', () => feed.settled() === feed.offered() || undefined)
    }
    await settle(feed)
    await untilTraces(feed.spanIds.length)
    await readPage(
      tiers.gateway.GATEWAY_PROMETHEUS,
      (text) => sumOf(text, OUTPUT_TOKENS) === sumOfTokens('output'),
    )
  })

  it('gateway: tail sampling keeps errors, drops the rest, and counts all', async () => {
    await startCollector([config('gateway.yaml')], { ...tiers.gateway, GATEWAY_BASELINE_PERCENT: '0' })
    const feed = createFeed(toGrpc(tiers.gateway.GATEWAY_GRPC))
    feed.play()
    await settle(feed)
    const page = await readPage(
      tiers.gateway.GATEWAY_PROMETHEUS,
      (text) => sumOf(text, CALLS) === feed.spanIds.length,
    )
    const errors = sumOf(page, /^traces_span_metrics_calls_total\{.*status_code="STATUS_CODE_ERROR"/)
    expect(errors).toBeGreaterThan(0)
    await untilTraces(errors)
    const kept = flatSpans(written())
    expect(kept.every(({ attributes }) => attributes.has('error.type'))).toBe(true)
    expect(kept).toHaveLength(errors)
  })

  it.each<[string, SpanChange]>([
    ['slow', { seconds: 31 }],
    ['expensive to read', { attributes: { 'gen_ai.usage.input_tokens': { intValue: '100000' } } }],
    ['expensive to write', { attributes: { 'gen_ai.usage.output_tokens': { intValue: '8000' } } }],
    ['not captured whole', { attributes: { 'oisp.capture.completeness': { stringValue: 'gap' } } }],
  ])('gateway: tail sampling keeps what is %s, by default, and no other', async (_what, change) => {
    await startCollector([config('gateway.yaml')], { ...tiers.gateway, GATEWAY_BASELINE_PERCENT: '0' })
    const plain = {
      'gen_ai.usage.input_tokens': { intValue: '99999' },
      'gen_ai.usage.output_tokens': { intValue: '7999' },
      'oisp.capture.completeness': { stringValue: 'complete' },
    }
    await send(tiers.gateway.GATEWAY_HTTP, makeTrace(1, { attributes: plain }))
    // Traces are judged in the order in which they came: when the second is written, the first has been dropped.
    await send(
      tiers.gateway.GATEWAY_HTTP,
      makeTrace(2, { ...change, attributes: { ...plain, ...change.attributes } }),
    )
    await untilTraces(1)
    expect(written().spanIds).toEqual(['02'.repeat(8)])
  })

  it('agent: what the gateway cannot take yet survives a kill of the agent', async () => {
    const agent = await startCollector([config('agent.yaml')], tiers.agent)
    const feed = createFeed(toGrpc(tiers.agent.AGENT_GRPC))
    feed.play()
    await settle(feed)
    await agent.kill()
    await startCollector([config('gateway.yaml')], tiers.gateway)
    await agent.start()
    await untilTraces(feed.spanIds.length, 40_000)
    expect(new Set(written().spanIds)).toEqual(new Set(feed.spanIds))
  })

  it('agent: a credential in any text attribute is masked', async () => {
    await startCollector([config('gateway.yaml')], tiers.gateway)
    await startCollector([config('agent.yaml')], tiers.agent)
    const secret = ['sk', 'proj', 'a'.repeat(40)].join('-')
    await send(
      tiers.agent.AGENT_HTTP,
      makeTrace(1, {
        attributes: {
          note: { stringValue: `the key is ${secret}` },
          'http.request.header.authorization': { stringValue: 'anything' },
          'gen_ai.usage.input_tokens': { intValue: '7' },
        },
      }),
    )
    await untilTraces(1)
    const { attributes } = flatSpans(written())[0]!
    expect(attributes.get('note')).toEqual({ stringValue: 'the key is ****' })
    expect(attributes.get('http.request.header.authorization')).toEqual({ stringValue: '****' })
    expect(attributes.get('gen_ai.usage.input_tokens')).toEqual({ intValue: '7' })
    expect(JSON.stringify(written().requests)).not.toContain(secret)
  })

  it('gateway-tls: takes agents with a certificate and nobody else', async () => {
    const authority = createAuthority(folder.path, 'authority')
    const server = authority.issue('server', 'serverAuth')
    const client = authority.issue('client', 'clientAuth')
    await startCollector([config('gateway.yaml'), config('gateway-tls.yaml')], {
      ...tiers.gateway,
      GATEWAY_CERTIFICATE: server.certificate,
      GATEWAY_KEY: server.key,
      GATEWAY_CLIENT_CA: authority.certificate,
    })
    const stranger = await fetch(`https://${tiers.gateway.GATEWAY_HTTP}/v1/traces`).catch(String)
    expect(stranger).toMatch(/fetch failed/)
    await startCollector([config('agent.yaml')], {
      ...tiers.agent,
      AGENT_GATEWAY_INSECURE: 'false',
      AGENT_GATEWAY_CA: authority.certificate,
      AGENT_GATEWAY_CERTIFICATE: client.certificate,
      AGENT_GATEWAY_KEY: client.key,
    })
    const feed = createFeed(toGrpc(tiers.agent.AGENT_GRPC))
    feed.play()
    await settle(feed)
    await untilTraces(feed.spanIds.length)
  })

  it('gateway-backend: kept traces go on to a backend', async () => {
    const backend = await startHttpCollector()
    await startCollector([config('gateway.yaml'), config('gateway-backend.yaml')], {
      ...tiers.gateway,
      GATEWAY_BACKEND: backend.url,
    })
    const feed = createFeed(toGrpc(tiers.gateway.GATEWAY_GRPC))
    feed.play()
    await settle(feed)
    const received = (): string[] =>
      backend.requests.flatMap(({ signal, body }) =>
        flatSpans({ requests: [decodeRequest(signal, body) as DecodedOtlp] }).map(({ spanId }) => spanId),
      )
    await until('the spans', () => received().length >= feed.spanIds.length || undefined)
    expect(received().sort()).toEqual(feed.spanIds.sort())
    await backend.stop()
  })

  it('uses every variable that its README names, and names every one that it uses', () => {
    const used = CONFIG_NAMES.flatMap((name) => [
      ...readFileSync(config(name), 'utf8').matchAll(/\$\{env:(\w+)/g),
    ])
    const named = readFileSync(config('README.md'), 'utf8').matchAll(/`((?:AGENT|GATEWAY)_\w+)`/g)
    const unique = (matches: Iterable<RegExpMatchArray>): string[] =>
      [...new Set([...matches].map(([, name]) => name!))].sort()
    expect(unique(named)).toEqual(unique(used))
  })
})

interface SpanChange {
  seconds?: number
  attributes?: Record<string, AnyValue>
}

/** OTLP/JSON of a trace with one span, as any sender may make it. */
function makeTrace(id: number, { seconds = 1, attributes = {} }: SpanChange): object {
  const hex = `0${id}`
  const start = 1_700_000_000
  const span = {
    traceId: hex.repeat(16),
    spanId: hex.repeat(8),
    name: 'chat',
    kind: 3,
    startTimeUnixNano: `${start}000000000`,
    endTimeUnixNano: `${start + seconds}000000000`,
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
  }
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }
}

async function send(address: string, trace: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(trace)
  const response = await fetch(`http://${address}/v1/traces`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
}
