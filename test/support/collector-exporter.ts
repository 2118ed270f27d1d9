// SPDX-License-Identifier: Apache-2.0
/**
 * The exporter with its real queue, batches and retry, on a fake clock, over a transport that the test answers for.
 * @module
 */
import { createExporter } from '../../src/exporter/exporter.js'
import { createOtlpSink, type OtlpSinkSettings } from '../../src/exporter/otlp-sink.js'
import type { SendResult, Signal } from '../../src/exporter/types.js'
import type { Redacted } from '../../src/redaction/types.js'
import type { Telemetry } from '../../src/run/types.js'
import { createStats } from '../../src/stats.js'
import { createFakeClock } from './collector-clock.js'
import { createMemoryLog, makeDestination, makeSpan, makeTelemetry } from './collector-telemetry.js'
import { canonical } from './otlp-sink.js'

export const OK: SendResult = { outcome: 'accepted', rejectedItems: 0, message: undefined }
export const later = (retryAfterMs?: number): SendResult => ({
  outcome: 'retry',
  reason: 'http_503',
  retryAfterMs,
  message: 'busy',
})

export interface Sent {
  signal: Signal
  body: Uint8Array
  answer(result: SendResult): Promise<void>
}

/** Lets everything that waits for settled promises run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export function setUpExporter(
  change: Partial<OtlpSinkSettings> = {},
  signals: Signal[] = ['traces', 'logs', 'metrics'],
) {
  const clock = createFakeClock()
  const stats = createStats()
  const log = createMemoryLog()
  const sent: Sent[] = []
  const open = new Set<(result: SendResult) => void>()
  const sink = createOtlpSink({
    destinations: signals.map((signal) => makeDestination('http://collector.test', { signal })),
    stats,
    log,
    version: '0',
    clock,
    random: () => 0,
    createTransport: () => ({
      send: (signal, body) =>
        new Promise((resolve) => {
          open.add(resolve)
          const answer = async (result: SendResult): Promise<void> => {
            open.delete(resolve)
            resolve(result)
            await settled()
          }
          sent.push({ signal, body, answer })
        }),
      async close() {
        for (const resolve of open) resolve(later())
      },
    }),
    ...change,
  })
  const exporter = createExporter({ sinks: [sink] })
  const read = () => canonical(sent)
  const counts = () => ({
    exported: stats.get('exporter.items.exported'),
    dropped: Object.fromEntries(
      stats
        .snapshot()
        .flatMap(({ name, reason, count }) => (name === 'exporter.items.dropped' ? [[reason, count]] : [])),
    ),
  })
  return { clock, stats, log, sent, sink, exporter, read, counts }
}

export const spans = (count: number, text = ''): Redacted<Telemetry> =>
  makeTelemetry({
    spans: Array.from({ length: count }, () =>
      makeSpan({ attributes: { 'gen_ai.operation.name': 'chat', text } }),
    ),
  })
