// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createPacer } from './pacer.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('runs at once for the first question, and once for all that come within the interval', () => {
  const runs: string[] = []
  const pacer = createPacer(1000, (key) => runs.push(key))
  for (let i = 0; i < 100; i++) pacer.ask('a')
  vi.advanceTimersByTime(1)
  expect(runs).toEqual(['a'])
  for (let i = 0; i < 100; i++) pacer.ask('a')
  pacer.ask('b')
  vi.advanceTimersByTime(998)
  expect(runs).toEqual(['a', 'b'])
  vi.advanceTimersByTime(2)
  expect(runs).toEqual(['a', 'b', 'a'])
})

it('is as quick as at first after an interval without a question, and keeps nothing', () => {
  const runs: string[] = []
  const pacer = createPacer(1000, (key) => runs.push(key))
  pacer.ask('a')
  vi.advanceTimersByTime(1001)
  expect(vi.getTimerCount()).toBe(0)
  pacer.ask('a')
  vi.advanceTimersByTime(1)
  expect(runs).toEqual(['a', 'a'])
})

it('counts a question that its own run asks as one of the next interval', () => {
  let runs = 0
  const pacer = createPacer(1000, () => {
    runs++
    pacer.ask('a')
  })
  pacer.ask('a')
  vi.advanceTimersByTime(3500)
  expect(runs).toBe(4)
  pacer.close()
  vi.advanceTimersByTime(5000)
  expect(runs).toBe(4)
})
