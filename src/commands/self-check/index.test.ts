// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Consumer } from '../../consumer.js'
import type { Telemetry } from '../../run/types.js'
import { createSelfCheck } from './index.js'

const nothing = { consume() {}, tick() {}, end() {} }

/** A pipeline that makes this span of whatever it gets; */
async function performWith(model: string, completeness: string) {
  let sink: Consumer<Telemetry> = nothing
  const check = createSelfCheck<Telemetry>(nothing, (made) => ((sink = made), nothing), 1)
  const attributes = { 'gen_ai.request.model': model, 'oisp.capture.completeness': completeness }
  sink.consume({ spans: [{ attributes }] } as unknown as Telemetry)
  return check.perform()
}

describe('the self-check', () => {
  it('is ok when a complete span of its own exchange arrives', async () => {
    expect(await performWith('self-check', 'complete')).toMatchObject({ isOk: true })
  })

  it('fails and says how when the exchange arrives damaged', async () => {
    const { isOk, text } = await performWith('self-check', 'gap')
    expect(isOk).toBe(false)
    expect(text).toContain('is gap')
  })

  it('does not take the span of somebody else for its own', async () => {
    const { isOk, text } = await performWith('gpt-5', 'complete')
    expect(isOk).toBe(false)
    expect(text).toContain('none of its bytes arrived')
  })
})
