// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeEvent, makeProcess } from '../../test/support/inference-event.js'
import { createIds, toId } from './ids.js'

const idsOf = (bootId = 'boot', process = makeProcess(), number = 0) =>
  createIds(bootId, makeEvent({}, process, number).exchange)

describe('createIds', () => {
  it('gives the same ids for the same exchange, whenever it is seen', () => {
    // sha256 of "boot\n4321:77\n4321:77:7f00:1\n0"
    expect(idsOf()).toEqual({ traceId: '1d46cb2cafa5cbcea80c95116992fdae', spanId: 'f330ceba3e02b8ec' })
  })

  it('tells boots, processes and exchanges apart', () => {
    const all = [
      idsOf(),
      idsOf('other'),
      idsOf('boot', makeProcess({ key: '4321:78' })),
      idsOf('boot', makeProcess(), 1),
    ]
    expect(new Set(all.map(({ traceId }) => traceId)).size).toBe(4)
    expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(4)
  })

  it('never makes the id that means none', () => {
    expect(toId('0'.repeat(16))).toBe('0000000000000001')
    expect(toId('00f0')).toBe('00f0')
  })
})
