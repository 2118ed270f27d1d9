// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { summaryBlock } from './blocks.js'

describe('the summary', () => {
  it('says exchanges by completeness, losses by reason and what was exported', () => {
    const text = summaryBlock('oisp-sensor has stopped', {
      exchanges: new Map([
        ['complete', 5],
        ['gap', 1],
      ]),
      counters: [
        { name: 'exporter.items.exported', reason: 'traces', count: 6 },
        { name: 'records.lost', reason: 'ring_full', count: 2 },
        { name: 'spans.made', reason: '', count: 6 },
      ],
    })
    expect(text).toContain('exchanges   6: 5 complete, 1 gap')
    expect(text).toContain('lost        2 records.lost (ring_full)')
    expect(text).toContain('exported    6 exporter.items.exported (traces)')
    expect(text).not.toContain('refused')
    expect(text).not.toContain('spans.made')
  })

  it('does not hide what a destination did not take', () => {
    const text = summaryBlock('oisp-sensor has stopped', {
      exchanges: new Map(),
      counters: [{ name: 'exporter.items.dropped', reason: 'signal_off', count: 3 }],
    })
    expect(text).toContain('refused     3 items of telemetry were not accepted (3 signal_off)')
    expect(text).toContain('lost        nothing')
    expect(text).toContain('exchanges   none')
  })
})
