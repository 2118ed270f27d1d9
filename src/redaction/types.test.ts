// SPDX-License-Identifier: Apache-2.0
/** Checked by `npm run typecheck`: a `@ts-expect-error` that nothing needs is an error itself. */
import { describe, expect, it } from 'vitest'
import type { Consumer } from '../consumer.js'
import type { Telemetry } from '../run/types.js'
import { createStats } from '../stats.js'
import { createRedaction } from './index.js'
import type { Redacted } from './types.js'

const telemetry: Telemetry = {
  resource: { attributes: { 'process.command_args': ['secret'] }, schemaUrl: '' },
  scope: { name: '', version: '', schemaUrl: '' },
  spans: [],
  logRecords: [],
  metrics: [],
}

describe('Redacted', () => {
  it('keeps unredacted telemetry out of an exporter at compile time', () => {
    const received: unknown[] = []
    const exporter: Consumer<Redacted<Telemetry>> = {
      consume: (item) => void received.push(item),
      tick() {},
      end() {},
    }
    // @ts-expect-error Telemetry is not Redacted<Telemetry>
    exporter.consume(telemetry)
    // @ts-expect-error an exporter cannot stand where run's output goes
    const forRun: Consumer<Telemetry> = exporter
    const redaction = createRedaction(
      { stats: createStats(), mode: 'full', key: new Uint8Array(32) },
      {
        ...exporter,
        consume(redacted) {
          // @ts-expect-error a copy with other spans is not redacted any more
          const forged: Redacted<Telemetry> = { ...redacted, spans: telemetry.spans }
          received.push(redacted, forRun, forged)
        },
      },
    )
    received.length = 0
    redaction.consume(telemetry)
    expect(received[0]).toMatchObject({ resource: { attributes: {} } })
  })
})
