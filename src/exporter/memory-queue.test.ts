// SPDX-License-Identifier: Apache-2.0
/** The queue in memory: what comes back goes to its place. */
import { expect, it } from 'vitest'
import { createBudget } from '../stats.js'
import { createMemoryQueue } from './memory-queue.js'

it('keeps the order of arrival, in whatever order requests come back', () => {
  const queue = createMemoryQueue(createBudget())
  for (let items = 1; items <= 4; items++)
    queue.push({ signal: 'traces', body: new Uint8Array(items), items })
  const [first, second, third] = [queue.take('traces')!, queue.take('traces')!, queue.take('traces')!]
  for (const held of [second, first, third]) queue.release(held)
  const order: number[] = []
  for (let held = queue.take('traces'); held; held = queue.take('traces')) order.push(held.items)
  expect(order).toEqual([1, 2, 3, 4])
})
