// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Claims of the test. In: a claim and whether it holds. Out: a line each, with what was seen when it does not; the counts.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'

const DEADLINE_MS = 60_000
const LOOK_EVERY_MS = 500

let passed = 0
let failed = 0

export const counts = () => ({ passed, failed })

/** @template T @param {() => T} look @returns {Promise<T | undefined>} undefined when the time is over */
export async function until(look) {
  const end = performance.now() + DEADLINE_MS
  for (;;) {
    const found = look()
    if (found) return found
    if (performance.now() > end) return undefined
    await delay(LOOK_EVERY_MS)
  }
}

/** @param {string} claim @param {boolean} isTrue @param {string} output shown when the claim is false */
export function check(claim, isTrue, output) {
  console.log(`${isTrue ? 'passed' : 'FAILED'}  ${claim}`)
  if (isTrue) passed++
  else {
    failed++
    console.log(output.replaceAll(/^/gm, '    '))
  }
}
