// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createFaultTeller } from './failure.js'

function setUp() {
  const lines: string[] = []
  return { lines, tell: createFaultTeller((text) => void lines.push(text)) }
}

describe('createFaultTeller', () => {
  it('names a fault and its place, and quotes nothing of what passed', () => {
    const { lines, tell } = setUp()
    for (const text of ['sk-canary', '{"prompt":"canary\n    at canary"}x'])
      try {
        JSON.parse(text)
      } catch (error) {
        tell(error)
      }
    tell(new TypeError('Received "canary\n    at canary (file)"'))
    expect(lines.length).toBeGreaterThan(0)
    expect(lines[0]).toMatch(/^a fault of the sensor has cost a record: SyntaxError at /)
    expect(lines.at(-1)).toContain('failure.test')
    expect(lines.join()).not.toContain('canary')
  })

  it('says each fault once', () => {
    const { lines, tell } = setUp()
    for (let index = 0; index < 5; index++) tell(new Error(`number ${index}`))
    tell('canary')
    tell('another')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toBe('a fault of the sensor has cost a record: a thrown string')
  })

  it('holds no more than so many', () => {
    const { lines, tell } = setUp()
    for (let index = 0; index < 200; index++)
      tell(Object.assign(new Error('x'), { stack: `Error: x\n    at line ${index}` }))
    expect(lines).toHaveLength(100)
  })
})
