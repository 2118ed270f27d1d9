// SPDX-License-Identifier: Apache-2.0
/**
 * The end of the chain: one `Redacted<Telemetry>` in, each sink gets it. Converts to OTLP once for all of them. Knows no sink.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { OwnTelemetry, SinkHealth } from '../health/types.js'
import type { Redacted } from '../redaction/types.js'
import type { Telemetry } from '../run/types.js'
import { toOtlp } from './convert.js'
import { toOwnOtlp } from './own.js'
import type { ShutdownReport, Sink } from './types.js'

export interface ExporterSettings {
  sinks: readonly Sink[]
}

export interface Exporter extends Consumer<Redacted<Telemetry>> {
  /** Beside redaction, since it holds nothing captured (health/types.ts). */
  consumeOwn(own: OwnTelemetry): void
  /** Of every sink that sends. */
  readHealth(): SinkHealth[]
  /** Flushes all sinks side by side; settles within the deadline and says what did not get out. */
  shutdown(deadlineMs: number): Promise<ShutdownReport>
}

export function createExporter({ sinks }: ExporterSettings): Exporter {
  return {
    consume(telemetry) {
      const otlp = toOtlp(telemetry)
      for (const sink of sinks) sink.consume(telemetry, otlp)
    },
    consumeOwn(own) {
      const otlp = toOwnOtlp(own)
      for (const sink of sinks) sink.consumeOwn?.(otlp)
    },
    readHealth: () => sinks.flatMap((sink) => sink.readHealth?.() ?? []),
    // Sending has clocks of its own: capture time says nothing about the network.
    tick() {},
    end() {
      for (const sink of sinks) sink.end()
    },
    async shutdown(deadlineMs) {
      const reports = await Promise.all(sinks.map((sink) => sink.shutdown(deadlineMs)))
      const unsentItems = reports.reduce((sum, report) => sum + report.unsentItems, 0)
      const keptItems = reports.reduce((sum, report) => sum + (report.keptItems ?? 0), 0)
      return keptItems > 0 ? { unsentItems, keptItems } : { unsentItems }
    },
  }
}
