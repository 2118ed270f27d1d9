// SPDX-License-Identifier: Apache-2.0
/** Tests that need the real Collector: skipped with the reason in their title where it cannot be built. @module */
import { describe, inject } from 'vitest'
import { describeLive } from '../../live/support/permitted.js'

const { binary, missing } = inject('collector')

export function describeCollector(title: string, body: () => void): void {
  if (binary !== undefined) describe(title, body)
  else describe.skip(`${title} (skipped: ${missing})`, body)
}

export function collectorBinary(): string {
  if (binary === undefined) throw new Error(missing)
  return binary
}

/** Also needs what live tests need: root and a kernel that permits BPF. */
export function describeLiveCollector(title: string, body: () => void): void {
  if (binary !== undefined) describeLive(title, body)
  else describeCollector(title, body)
}
