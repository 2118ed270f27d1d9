// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { fuzz } from './fuzz.cases.js'

it.each(['sse', 'openai', 'anthropic'] as const)('%s stays clean under random damage', (target) => {
  expect(() => fuzz(target, 1, 3_000)).not.toThrow()
})
