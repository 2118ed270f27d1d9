// SPDX-License-Identifier: Apache-2.0
/** Mutual TLS with the real Collector: both sides verify, each refusal is one clear sentence, and rotated files are taken up. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../live/support/until.js'
import { capturePath, scenarios } from '../support/scenario.js'
import { createAuthority, type Authority, type Leaf } from './support/authority.js'
import { killCollectors, makeFolder, startPlainCollector, type PlainCollector } from './support/collector.js'
import { killCommands, startCommand, type Ended } from './support/command.js'
import { describeCollector } from './support/describe.js'
import { createFeed } from './support/feed.js'
import { readWritten } from './support/written.js'

let folder: ReturnType<typeof makeFolder>
let authority: Authority
let foreign: Authority

function startWithTls(server: Leaf, clients: Authority): Promise<PlainCollector> {
  const tls = { cert_file: server.certificate, key_file: server.key, client_ca_file: clients.certificate }
  return startPlainCollector({ folder: folder.path, server: { tls } })
}

function environment(url: string, client: Leaf | undefined, trusted: Authority): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_CERTIFICATE: trusted.certificate,
    ...(client && {
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client.certificate,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: client.key,
    }),
  }
}

function replayOne(protocol: string, env: Record<string, string>): Promise<Ended> {
  const args = ['replay', capturePath(scenarios[0]!), '--export', 'otlp', '--state-directory', folder.path]
  return startCommand(args, { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol }).ended
}

const urlOf = (collector: PlainCollector, protocol: string): string =>
  protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl

describeCollector('mutual TLS', () => {
  beforeEach(() => {
    folder = makeFolder()
    authority = createAuthority(folder.path, 'authority')
    foreign = createAuthority(folder.path, 'foreign')
  })
  afterEach(async () => {
    killCommands()
    await killCollectors()
    folder.remove()
  })

  it.each(['grpc', 'http/protobuf'])('over %s takes all three signals', async (protocol) => {
    const collector = await startWithTls(authority.issue('server', 'serverAuth'), authority)
    const client = authority.issue('client', 'clientAuth')
    const ended = await replayOne(protocol, environment(urlOf(collector, protocol), client, authority))
    await collector.stop()
    const { items } = readWritten(folder.path)
    expect(ended.code, ended.output).toBe(0)
    expect(ended.exported).toEqual(items)
    expect(Object.values(items).every((count) => count > 0)).toBe(true)
  })

  it.each([
    ['grpc', 'no certificate', () => undefined],
    ['http/protobuf', 'no certificate', () => undefined],
    ['grpc', 'a foreign certificate', () => foreign.issue('client', 'clientAuth')],
    ['http/protobuf', 'a foreign certificate', () => foreign.issue('client', 'clientAuth')],
  ])('over %s, with %s of its own, the sensor is refused and says so', async (protocol, _what, issue) => {
    const collector = await startWithTls(authority.issue('server', 'serverAuth'), authority)
    const ended = await replayOne(protocol, environment(urlOf(collector, protocol), issue(), authority))
    expect(ended.code).toBe(1)
    expect(ended.exported).toEqual({})
    expect(Object.keys(ended.dropped)).toEqual(['shutdown'])
    expect(ended.output).toMatch(/certificate|unknown ca/i)
    expect(readWritten(folder.path).items.traces).toBe(0)
  })

  it.each(['grpc', 'http/protobuf'])('over %s the sensor refuses a foreign Collector', async (protocol) => {
    const collector = await startWithTls(foreign.issue('server', 'serverAuth'), authority)
    const client = authority.issue('client', 'clientAuth')
    const ended = await replayOne(protocol, environment(urlOf(collector, protocol), client, authority))
    expect(ended.code).toBe(1)
    expect(ended.exported).toEqual({})
    expect(ended.output).toMatch(/certificate/i)
    expect(readWritten(folder.path).items.traces).toBe(0)
  })

  it.each(['grpc', 'http/protobuf'])('over %s a rotated client certificate is taken up', async (protocol) => {
    const server = authority.issue('server', 'serverAuth')
    const trusted = { ...authority, certificate: join(folder.path, 'clients.pem') }
    copyFileSync(authority.certificate, trusted.certificate)
    const collector = await startWithTls(server, trusted)
    const client = authority.issue('client', 'clientAuth')
    const feed = createFeed({
      ...environment(urlOf(collector, protocol), client, authority),
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    })
    feed.play()
    await until('the first play to be settled', () => feed.settled() === feed.offered() || undefined)

    const next = foreign.issue('next', 'clientAuth')
    copyFileSync(next.key, client.key)
    copyFileSync(next.certificate, client.certificate)
    copyFileSync(foreign.certificate, trusted.certificate)
    await collector.kill()
    await collector.start()
    feed.play()
    await until('the second play to be settled', () => feed.settled() === feed.offered() || undefined, 40_000)
    await feed.shutdown()
    await collector.stop()
    expect(feed.dropped()).toEqual({})
    expect(new Set(readWritten(folder.path).spanIds)).toEqual(new Set(feed.spanIds))
  })
})
