// SPDX-License-Identifier: Apache-2.0
/**
 * The export part of `npm run bench`: spans/s and CPU per span over each protocol, next to the official exporters in the same
 * run against the same receiver, and bytes on the wire per exchange. In: the bench's `report`. Out: calls of it. @module
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createExporter, createOtlpSink } from '../../dist/exporter/index.js'
import { createStats } from '../../dist/stats.js'
import { benchTelemetry } from './synthetic-telemetry.mjs'

const PAIRS = [
  ['grpc', 'gRPC'],
  ['grpc-gzip', 'gRPC gzip'],
  ['http', 'HTTP'],
  ['http-gzip', 'HTTP gzip'],
]

export async function benchExports(report) {
  const sink = fork(new URL('export-sink.mjs', import.meta.url))
  sink.once('exit', (code) => {
    // Nobody would ever answer the clients.
    if (code !== 0) throw new Error(`export-sink ended with ${code}`)
  })
  try {
    const [ports] = await once(sink, 'message')
    for (const [mode, label] of PAIRS) {
      const url = `http://127.0.0.1:${ports[mode.split('-')[0]].direct}`
      const ours = await run(mode, url)
      const official = await run(`official-${mode}`, url)
      report(`export ${label}: CPU ÷ official exporter`, ours.cpuMicros / official.cpuMicros, 'ratio', 1)
      reportBoth(report, `export ${label}`, ours)
      reportBoth(report, `official ${label}`, official)
    }
    reportBoth(
      report,
      'export disk queue, written and read back',
      await run('disk', `http://127.0.0.1:${ports.http.direct}`),
    )
    for (const [mode, label] of PAIRS) {
      const alone = await wireBytes(sink, ports, mode)
      report(`on the wire, ${label}: an exchange alone in its requests`, alone, 'B')
    }
  } finally {
    sink.disconnect()
  }
}

function reportBoth(report, name, { cpuMicros, spansPerSecond }) {
  report(`${name}: CPU per span`, cpuMicros, 'µs')
  report(`${name}: rate`, spansPerSecond, 'spans/s')
}

async function run(mode, url) {
  const child = fork(new URL('export-client.mjs', import.meta.url), [mode, url])
  const result = await Promise.race([
    once(child, 'message').then(([message]) => message),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`export-client ${mode} ended with ${code}`)),
    ),
  ])
  return result
}

/**
 * Span and log record of one exchange, each in a request of its own, on a connection that is there already: model calls are
 * rare beside the flush interval. Several alike in one request would say more about gzip than about us.
 */
async function wireBytes(sink, ports, mode) {
  const protocol = mode.startsWith('grpc') ? 'grpc' : 'http/protobuf'
  const url = `http://127.0.0.1:${ports[mode.split('-')[0]].counted}`
  const destinations = ['traces', 'logs'].map((signal) => ({
    signal,
    protocol,
    url: protocol === 'grpc' ? url : `${url}/v1/${signal}`,
    headers: {},
    timeoutMs: 10_000,
    compression: mode.endsWith('gzip') ? 'gzip' : 'none',
    insecure: true,
    tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
  }))
  const log = { info() {}, warn() {} }
  const stats = createStats()
  const exporter = createExporter({
    sinks: [createOtlpSink({ destinations, stats, log, version: '0', flushMs: 0 })],
  })
  const [first, second] = benchTelemetry(2)
  await sendAlone(exporter, stats, first, 2)
  await askBytes(sink)
  await sendAlone(exporter, stats, second, 4)
  const bytes = await askBytes(sink)
  await exporter.shutdown(5_000)
  return bytes
}

async function sendAlone(exporter, stats, telemetry, exportedItems) {
  exporter.consume(telemetry)
  exporter.end()
  while (stats.get('exporter.items.exported') < exportedItems) await new Promise(setImmediate)
}

async function askBytes(sink) {
  sink.send('bytes')
  const [{ bytes }] = await once(sink, 'message')
  return bytes
}
