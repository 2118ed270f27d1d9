// SPDX-License-Identifier: Apache-2.0
/**
 * The sensor behind its receiver, in this process: the scenarios' recordings through the real pipeline into the real exporter, as the
 * environment configures it. In: OTEL_* variables. Out: what was offered to the exporter and the exporter's own counters.
 * @module
 */
import type { Consumer } from '../../../src/consumer.js'
import { createSinks, createPipelineSettings } from '../../../src/commands/telemetry.js'
import { parseConfig } from '../../../src/config/index.js'
import type { Signal } from '../../../src/exporter/types.js'
import { createPipeline } from '../../../src/pipeline.js'
import { replayRecording } from '../../../src/receiver/index.js'
import { createRedaction } from '../../../src/redaction/index.js'
import type { Redacted } from '../../../src/redaction/types.js'
import { createRun } from '../../../src/run/index.js'
import type { Telemetry } from '../../../src/run/types.js'
import { createStats, type Stats } from '../../../src/stats.js'
import { makeEvent, makeProcess } from '../../support/inference-event.js'
import { capturePath, scenarios, TEST_KEY } from '../../support/scenario.js'

export interface Feed {
  stats: Stats
  warnings: string[]
  /** Every exchange of all scenarios once more, as of another boot of a machine of its own: with other ids. */
  play(): void
  /** One exchange with that much content: a quarter each in question, answer, instructions and tools. */
  ask(bytes: number): void
  /** Ids of all spans that were handed to the exporter. */
  spanIds: string[]
  /** Spans, log records and data points that were handed to the exporter. */
  offered(): number
  /** Of these, accepted by a receiver or dropped: the rest is under way. */
  settled(): number
  exported(signal: Signal): number
  dropped(): Record<string, number>
  /** As on SIGTERM. */
  shutdown(deadlineMs?: number): Promise<{ unsentItems: number }>
}

let feeds = 0

export function createFeed(env: Record<string, string>, flags: Record<string, string> = {}): Feed {
  const config = parseConfig({ flags: { export: 'otlp', ...flags }, env, userId: 0, isTerminal: false })
  const stats = createStats()
  const number = (feeds += 1)
  const warnings: string[] = [...config.warnings]
  const silent = (): void => {}
  const warn = (message: string): void => void warnings.push(message)
  const exporter = createSinks({
    config,
    version: '0.0.0',
    stats,
    log: { error: warn, warn, info: silent, debug: silent },
  })
  const spanIds: string[] = []
  let plays = 0
  let offered = 0
  const counter: Consumer<Redacted<Telemetry>> = {
    consume(telemetry) {
      for (const { spanContext } of telemetry.spans) spanIds.push(spanContext.spanId)
      const points = telemetry.metrics.flatMap((metric): unknown[] => metric.points)
      offered += telemetry.spans.length + telemetry.logRecords.length + points.length
      exporter.consume(telemetry)
    },
    tick: (now) => exporter.tick(now),
    // A recording ends, the sensor goes on: no reason to send at once.
    end() {},
  }
  const redaction = createRedaction({ stats, mode: config.redactionMode, key: TEST_KEY }, counter)
  const run = createRun(
    { stats, bootId: `host-${number}-asked`, version: '0.0.0', profile: config.profile },
    redaction,
  )
  let questions = 0
  return {
    stats,
    warnings,
    spanIds,
    ask(bytes) {
      const { request, response } = makeEvent()
      const content = 'x'.repeat(bytes / 4)
      const parts = [{ type: 'text' as const, content }]
      const big = {
        request: {
          ...request,
          inputMessages: [{ role: 'user', parts }],
          systemInstructions: parts,
          toolDefinitions: [{ type: 'function', name: 'weather', description: content }],
        },
        response: { ...response!, outputMessages: [{ role: 'assistant', parts, finish_reason: 'stop' }] },
      }
      run.consume(makeEvent(big, makeProcess(), questions++))
    },
    play() {
      plays += 1
      for (const name of scenarios)
        replayRecording(capturePath(name), stats, (header) => {
          const host = { ...header, bootId: `host-${number}-boot-${plays}` }
          const settings = createPipelineSettings({ config, version: '0.0.0', stats }, TEST_KEY, host)
          return createPipeline(settings, counter)
        })
    },
    offered: () => offered,
    settled: () => stats.get('exporter.items.exported') + stats.get('exporter.items.dropped'),
    exported: (signal) => stats.get('exporter.items.exported', signal),
    dropped: () =>
      Object.fromEntries(
        stats
          .snapshot()
          .filter(({ name }) => name === 'exporter.items.dropped')
          .map(({ reason, count }) => [reason, count]),
      ),
    shutdown: (deadlineMs = 5_000) => exporter.shutdown(deadlineMs),
  }
}
