// SPDX-License-Identifier: Apache-2.0
/**
 * One way of exporting spans, alone in its process: ours or the official exporter, over one protocol. In: argv MODE URL. Out
 * (IPC): {cpuMicros, spansPerSecond} per span, best of the rounds after a warm-up. Both get the same finished spans, in bursts
 * that fit the official queue, and a burst is over when the receiver has answered. @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import {
  createExporter,
  createGrpcTransport,
  createHttpTransport,
  createOtlpSink,
  openDiskQueue,
  systemClock,
} from '../../dist/exporter/index.js'
import { toReadableSpan } from '../../dist/exporter/third-party-sink.js'
import { createStats } from '../../dist/stats.js'
import { benchTelemetry } from './synthetic-telemetry.mjs'
import { resourceFromAttributes } from '@opentelemetry/resources'

const BURST = 2_000
const BURSTS = 3
const ROUNDS = 3
const NOWHERE = 'http://127.0.0.1:1'
const log = { info() {}, warn() {} }

function destination(mode, url) {
  const isGrpc = mode.includes('grpc')
  return {
    signal: 'traces',
    protocol: isGrpc ? 'grpc' : 'http/protobuf',
    url: isGrpc ? url : `${url}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: mode.includes('gzip') ? 'gzip' : 'none',
    insecure: true,
    tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
  }
}

/** Ours, with a promise for "everything is settled". */
function createOurs(mode, url, extra = {}) {
  let onIdle = () => {}
  const to = destination(mode, url)
  const inner = (to.protocol === 'grpc' ? createGrpcTransport : createHttpTransport)(to, {
    userAgent: 'bench',
    clock: systemClock,
    log,
  })
  let open = 0
  const transport = {
    async send(signal, body) {
      open += 1
      const result = await inner.send(signal, body)
      open -= 1
      // The lane settles it in a microtask; then perhaps nothing is left.
      setImmediate(() => open === 0 && sink.queueSize('traces').items === 0 && onIdle())
      return result
    },
    close: () => inner.close(),
  }
  const stats = createStats()
  const sink = createOtlpSink({
    destinations: [to],
    stats,
    log,
    version: '0',
    createTransport: () => transport,
    ...extra,
  })
  const exporter = createExporter({ sinks: [sink] })
  return {
    burst(items) {
      const idle = new Promise((resolve) => (onIdle = resolve))
      for (const item of items) exporter.consume(item)
      exporter.end()
      return idle
    },
    whenIdle: () => new Promise((resolve) => (onIdle = resolve)),
    exporter,
    stats,
  }
}

async function createOfficial(mode, url) {
  const isGrpc = mode.includes('grpc')
  const { OTLPTraceExporter } = isGrpc
    ? await import('@opentelemetry/exporter-trace-otlp-grpc')
    : await import('@opentelemetry/exporter-trace-otlp-proto')
  const compression = mode.includes('gzip') ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE
  const exporter = new OTLPTraceExporter({ url: isGrpc ? url : `${url}/v1/traces`, compression })
  const processor = new BatchSpanProcessor(exporter, { maxQueueSize: BURST, maxExportBatchSize: 512 })
  return {
    burst(spans) {
      for (const span of spans) processor.onEnd(span)
      return processor.forceFlush()
    },
  }
}

async function measure(spans, work) {
  const cpuBefore = process.cpuUsage()
  const before = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    cpuMicros: (user + system) / spans,
    spansPerSecond: (1_000 * spans) / (performance.now() - before),
  }
}

async function measureBursts(target, items) {
  let best = { cpuMicros: Infinity, spansPerSecond: 0 }
  for (let round = 0; round <= ROUNDS; round++) {
    const result = await measure(BURST * BURSTS, async () => {
      for (let burst = 0; burst < BURSTS; burst++) await target.burst(items)
    })
    // The first one is for V8 to compile.
    if (round > 0 && result.cpuMicros < best.cpuMicros) best = result
  }
  return best
}

/** The receiver is away: everything is written. It is back: everything is read and sent. */
async function measureDisk(url, items) {
  const directory = mkdtempSync(join(tmpdir(), 'oisp-bench-'))
  try {
    let best = { cpuMicros: Infinity, spansPerSecond: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const result = await measure(BURST * BURSTS, async () => {
        const queue = await openDiskQueue({ directory, stats: createStats(), log })
        const away = createOurs('http', NOWHERE, { queue })
        for (let burst = 0; burst < BURSTS; burst++) {
          for (const item of items) away.exporter.consume(item)
          away.exporter.end()
        }
        const { keptItems } = await away.exporter.shutdown(2_000)
        if (keptItems !== BURST * BURSTS) throw new Error(`${keptItems} items on disk`)
        const again = await openDiskQueue({ directory, stats: createStats(), log })
        const back = createOurs('http', url, { queue: again })
        await back.whenIdle()
        if (back.stats.get('exporter.items.exported') !== keptItems) throw new Error('not all came back')
        await back.exporter.shutdown(2_000)
      })
      if (round > 0 && result.cpuMicros < best.cpuMicros) best = result
    }
    return best
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const [mode, url] = process.argv.slice(2)
// Spans only: the official exporters get no log records either.
const items = benchTelemetry(BURST).map((item) => ({ ...item, logRecords: [] }))
if (mode === 'disk') process.send(await measureDisk(url, items))
else if (mode.startsWith('official')) {
  const scope = items[0].scope
  const resource = resourceFromAttributes(items[0].resource.attributes)
  const spans = items.map(({ spans: [span] }) => toReadableSpan(span, resource, scope))
  process.send(await measureBursts(await createOfficial(mode, url), spans))
} else process.send(await measureBursts(createOurs(mode, url), items))
process.disconnect()
process.exit()
