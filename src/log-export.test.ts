// SPDX-License-Identifier: Apache-2.0
/** The operational log at a real gRPC receiver: log.ts, the SDK, the official exporter and what we put around it. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { TRUST, startGrpcCollector, type Collector } from '../test/support/collector.js'
import { makeDestination } from '../test/support/collector-telemetry.js'
import { checkConformance } from '../test/support/conformance.js'
import { decodeRequest } from '../test/support/otlp-sink.js'
import type { OtlpSettings } from './exporter/index.js'
import { toOwnScope, toSensorResource } from './health/index.js'
import { createLog, exportLog, type LogSettings } from './log.js'
import { createStats } from './stats.js'

const UNAVAILABLE = 14
const UNIMPLEMENTED = 12
const SECRET = 'Bearer sk-canary-0123456789'

const RESOURCE = toSensorResource({
  version: '1.2.3',
  instanceId: '9d3c9f7e-0000-4000-8000-000000000000',
  pid: 7,
  hostName: 'box',
  architecture: 'x64',
  kernelRelease: '6.18.0',
  operatorAttributes: { 'service.name': 'oisp-sensor' },
})

let collector: Collector | undefined

afterEach(async () => {
  vi.unstubAllEnvs()
  await collector?.stop()
})

interface Change {
  destination?: Partial<OtlpSettings>
  level?: LogSettings['level']
  isTls?: boolean
}

async function setUp({ destination = {}, level = 'info', isTls = false }: Change = {}) {
  const to = (collector = await startGrpcCollector({ isTls }))
  const stderr: string[] = []
  const stream = { write: (line: string) => void stderr.push((JSON.parse(line) as { msg: string }).msg) }
  const log = createLog({ level, stream, isTerminal: false })
  const stats = createStats()
  const exported = await exportLog({
    log,
    destination: makeDestination(to.url, { signal: 'logs', protocol: 'grpc', ...destination }),
    resource: RESOURCE,
    scope: toOwnScope('1.2.3'),
    stats,
  })
  const bodies = (): string[] =>
    to
      .read()
      .logs.flatMap(({ items }) => items.map(({ body }) => (body as { stringValue: string }).stringValue))
  return { log, exported, stderr, stats, bodies, collector: to }
}

describe('exportLog', () => {
  it('sends every line that stands on standard error, as semconv/ has it', async () => {
    const { log, exported, collector: to, stderr, stats } = await setUp()
    log.error('broken')
    log.warn('odd')
    log.info('fine')
    log.debug('not at this level')
    await exported.shutdown(5000)
    expect(stderr).toEqual(['broken', 'odd', 'fine'])
    expect(to.requests.flatMap(({ signal, body }) => checkConformance(decodeRequest(signal, body)))).toEqual(
      [],
    )
    const [group] = to.read().logs
    expect(group).toMatchObject({
      scope: { name: 'oisp-sensor', version: '1.2.3' },
      resource: { attributes: { 'host.name': { stringValue: 'box' }, 'process.pid': { intValue: '7' } } },
    })
    const lines = group!.items.map(({ severityText, severityNumber, body }) =>
      [severityText, severityNumber, (body as { stringValue: string }).stringValue].join(' '),
    )
    expect(lines.sort()).toEqual(['ERROR 17 broken', 'INFO 9 fine', 'WARN 13 odd'])
    expect(stats.get('own_logs.exported')).toBe(3)
  })

  it('uses what the logs signal uses: headers, compression, authorities', async () => {
    const headers = { authorization: SECRET }
    const {
      log,
      exported,
      collector: to,
      bodies,
      stderr,
    } = await setUp({
      isTls: true,
      destination: { headers, compression: 'gzip', tls: TRUST },
    })
    log.info('over TLS')
    await exported.shutdown(5000)
    expect(bodies()).toEqual(['over TLS'])
    expect(to.requests[0]!.headers).toMatchObject({ authorization: SECRET })
    expect(to.requests[0]!.headers['user-agent']).toMatch(
      /^oisp-sensor\/1\.2\.3 OTel-OTLP-Exporter-JavaScript/,
    )
    expect(stderr.join()).not.toContain('canary')
  })

  it('sends no header of the environment that config has not chosen, and leaves the environment as it is', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-other-backend=its-key')
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'brotli')
    const { log, exported, collector: to, stderr } = await setUp()
    log.info('hello')
    await exported.shutdown(5000)
    expect(to.requests[0]!.headers).not.toHaveProperty('x-other-backend')
    expect(stderr).toEqual(['hello'])
    expect(process.env['OTEL_EXPORTER_OTLP_HEADERS']).toBe('x-other-backend=its-key')
  })

  it('says a failure once, on standard error only, and ends within the deadline', async () => {
    const {
      log,
      exported,
      collector: to,
      stderr,
      stats,
      bodies,
    } = await setUp({
      destination: { headers: { authorization: SECRET } },
    })
    to.answer(...Array.from({ length: 50 }, () => ({ status: UNAVAILABLE, details: `no: ${SECRET}` })))
    log.info('lost')
    await exported.shutdown(5000)
    expect(stderr).toHaveLength(2)
    expect(stderr[1]).toMatch(/^own log: .*retrying$/)
    expect(stderr.join()).not.toContain('canary')
    expect(bodies()).toEqual(['lost'])
    expect(stats.snapshot()).toEqual([{ name: 'own_logs.dropped', reason: 'shutdown', count: 1 }])
  })

  it('does not wait for a receiver that never answers', async () => {
    const { log, exported, collector: to, stats } = await setUp()
    to.answer({ hang: true })
    log.info('one')
    log.info('two')
    await exported.shutdown(100)
    expect(stats.get('own_logs.dropped', 'shutdown')).toBe(2)
  })

  it('stops for good at a receiver that takes no logs', async () => {
    const { log, exported, collector: to, stderr, stats } = await setUp()
    to.answer({ status: UNIMPLEMENTED })
    log.info('one')
    await exported.shutdown(5000)
    expect(stderr[1]).toMatch(/no longer exported$/)
    expect(stats.snapshot()).toEqual([{ name: 'own_logs.dropped', reason: 'rejected', count: 1 }])
  })

  it('passes on what the receiver did not like', async () => {
    const {
      log,
      exported,
      collector: to,
      stderr,
    } = await setUp({
      destination: { headers: { authorization: SECRET } },
    })
    to.answer({ partialSuccess: { rejected: 1, message: `too old, ${SECRET}` } })
    log.info('one')
    await exported.shutdown(5000)
    expect(stderr[1]).toMatch(/^OpenTelemetry SDK: .*Partial Success.*too old/)
    expect(stderr.join()).not.toContain('canary')
  })

  it('copies nothing after its end', async () => {
    const { log, exported, bodies, stderr } = await setUp()
    await exported.shutdown(5000)
    log.warn('late')
    expect(stderr).toEqual(['late'])
    expect(bodies()).toEqual([])
  })
})
