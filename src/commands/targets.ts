// SPDX-License-Identifier: Apache-2.0
/**
 * Counts TLS processes by whether they are seen. In: the receiver's targets. Out: numbers and names.
 * @module
 */
import type { Target } from '../receiver/index.js'

export interface TargetCounts {
  /** Every TLS library of the process has its probes (or would have). */
  hooked: number
  /** At least one TLS library of the process cannot be read: some or all of its traffic is invisible. */
  blind: number
}

export function countTargets(targets: readonly Target[]): TargetCounts {
  const pids = new Set(targets.map(({ pid }) => pid))
  const blind = new Set(targets.filter(({ state }) => state === 'refused').map(({ pid }) => pid))
  return { hooked: pids.size - blind.size, blind: blind.size }
}
