// SPDX-License-Identifier: Apache-2.0
/**
 * Child of main.mjs: the whole chain in a process of its own. In: `idle` or `load`. Out: its highest resident set in MB. Without
 * the ring buffer, which is the kernel's memory wherever it is mapped.
 * @module
 */
import { createExporter, createOtlpSink } from '../../dist/exporter/index.js'
import { createPipeline } from '../../dist/pipeline.js'
import { decodeBatch } from '../../dist/receiver/decode.js'
import { CONNECTION, DATA_RECORD, RECORD_HEADER } from '../../dist/receiver/layout.js'
import { createBudget, createStats } from '../../dist/stats.js'
import { pipelineSettings } from './settings.mjs'
import { exchangeBatch, requestBody, ssePayloads } from './synthetic.mjs'

const SECONDS = { idle: 3, load: 15 }
const PER_SECOND = 100
const PERIOD_MS = 50

const mode = process.argv[2]
const stats = createStats()
const sink = createOtlpSink({
  destinations: [
    {
      signal: 'traces',
      protocol: 'http/protobuf',
      url: 'http://collector.test/v1/traces',
      headers: {},
      timeoutMs: 10_000,
      compression: 'none',
      insecure: true,
      tls: { caFile: undefined, certFile: undefined, keyFile: undefined },
    },
  ],
  stats,
  log: { info() {}, warn() {} },
  version: '0.0.0',
  createTransport: () => ({
    async send() {
      return { outcome: 'accepted', rejectedItems: 0, message: undefined }
    },
    async close() {},
  }),
})
const exporter = createExporter({ sinks: [sink] })
const pipeline = createPipeline(pipelineSettings(stats, createBudget()), exporter)
const template = mode === 'load' ? exchangeBatch(requestBody(150_000), ssePayloads(200), 1) : undefined

/** Every exchange on a connection of its own, in memory of its own, as the addon hands it over. */
function nextBatch(connection) {
  const batch = Buffer.from(template)
  for (let at = 0; at < batch.length; at += (batch.readUInt32LE(at + RECORD_HEADER.size) + 7) & ~7)
    batch.writeBigUInt64LE(BigInt(connection), at + DATA_RECORD.connection + CONNECTION.ssl)
  return batch
}

let connection = 0
let highest = 0
let periods = (SECONDS[mode] * 1000) / PERIOD_MS
const timer = setInterval(() => {
  if (template !== undefined)
    for (let i = 0; i < (PER_SECOND * PERIOD_MS) / 1000; i++)
      decodeBatch(nextBatch(++connection), { boottimeToUnixNano: 0n }, (record) => pipeline.consume(record))
  pipeline.tick(BigInt(Date.now()) * 1_000_000n)
  highest = Math.max(highest, process.memoryUsage.rss())
  if (--periods > 0) return
  clearInterval(timer)
  pipeline.end()
  void exporter.shutdown(1_000).then(() => {
    process.send(highest / 1e6)
    process.disconnect()
  })
}, PERIOD_MS)
