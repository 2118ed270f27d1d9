// SPDX-License-Identifier: Apache-2.0
/** The conformance law: whatever a scenario makes, in both modes, every byte a collector receives is what semconv/ says. */
import { describe, expect, it } from 'vitest'
import { checkConformance } from './support/conformance.js'
import { decodeRequest } from './support/otlp-sink.js'
import { playToCollector, readCapture, scenarios } from './support/scenario.js'

describe.each(['safe', 'full'] as const)('conformance in %s mode', (mode) => {
  it.each(scenarios)('%s', async (name) => {
    const { requests } = await playToCollector(readCapture(name), mode)
    expect(new Set(requests.map(({ signal }) => signal))).toEqual(new Set(['traces', 'logs', 'metrics']))
    const violations = requests.flatMap(({ signal, body }) => checkConformance(decodeRequest(signal, body)))
    expect(violations).toEqual([])
  })
})
