// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { deliveryExitCode, describeRefusals } from './delivery.js'

describe('delivery', () => {
  it('is fine when nothing was dropped on the way out', () => {
    const counters = [
      { name: 'exporter.items.exported', reason: 'traces', count: 6 },
      { name: 'exporter.requests.retried', reason: 'http_503', count: 2 },
      { name: 'records.lost', reason: 'ring_full', count: 2 },
    ]
    expect(describeRefusals(counters)).toBeUndefined()
    expect(deliveryExitCode(counters)).toBe(0)
  })

  it.each(['rejected', 'signal_off', 'retry_exhausted', 'queue_full', 'shutdown', 'write_failed'])(
    'fails alike, whatever the reason: %s',
    (reason) => {
      const counters = [
        { name: 'exporter.items.dropped', reason, count: 3 },
        { name: 'exporter.items.exported', reason: 'traces', count: 6 },
      ]
      expect(describeRefusals(counters)).toContain(`3 items of telemetry were not accepted (3 ${reason})`)
      expect(deliveryExitCode(counters)).toBe(1)
    },
  )
})
