// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from 'vitest'
import { createLog, type LogSettings } from './log.js'

beforeAll(() => {
  process.env.TZ = 'UTC'
})

function setUp(change: Partial<LogSettings> = {}) {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLog({ level: 'info', isTerminal: false, stream, ...change }) }
}

describe('createLog', () => {
  it('writes JSON for machines', () => {
    const { lines, log } = setUp()
    log.warn('ring is full')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'warn',
      time: expect.any(Number) as number,
      msg: 'ring is full',
    })
  })

  it('writes plain lines for a terminal, without control characters', () => {
    const { lines, log } = setUp({ isTerminal: true })
    log.error('cannot read\u001b[2J /a\nb')
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d error cannot read·\[2J \/a·b\n$/)
  })

  it('keeps to its level', () => {
    const { lines, log } = setUp({ level: 'warn' })
    log.info('no')
    log.debug('no')
    log.warn('yes')
    const silent = setUp({ level: 'silent' })
    silent.log.error('no')
    expect([lines.length, silent.lines.length]).toEqual([1, 0])
  })
})
