// SPDX-License-Identifier: Apache-2.0
/** Redacted telemetry of exchanges that never happened, as the pipeline makes it. In: how many. Out: one per exchange, with its
 * span and its log record. @module */
import { createPipeline } from '../../dist/pipeline.js'
import { decodeBatch } from '../../dist/receiver/decode.js'
import { createBudget, createStats } from '../../dist/stats.js'
import { pipelineSettings } from './settings.mjs'
import { exchangeBatch, requestBody, ssePayloads } from './synthetic.mjs'

const CLOCK = { boottimeToUnixNano: 1_700_000_000_000_000_000n }

export function benchTelemetry(count) {
  const kept = []
  const next = { consume: (item) => kept.push(item), tick() {}, end() {} }
  const pipeline = createPipeline(pipelineSettings(createStats(), createBudget()), next)
  const body = requestBody(4_000)
  const payloads = ssePayloads(10)
  for (let i = 1; i <= count; i++)
    decodeBatch(exchangeBatch(body, payloads, i), CLOCK, (record) => pipeline.consume(record))
  return kept.filter(({ spans }) => spans.length > 0)
}
