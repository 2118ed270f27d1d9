// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this machine permits live tests. A skip needs a proven reason (the sensor's own probe of kernel and capabilities);
 * with LIVE_REQUIRED=1 there are no skips, and what is missing fails.
 * @module
 */
import { describe } from 'vitest'
import { probeSystem } from '../../../src/receiver/index.js'

const reason = probeSystem()
  .problems.map(({ message }) => message)
  .join('; ')
const isRequired = process.env['LIVE_REQUIRED'] === '1'

/** `describe`, with the reason in its title where it is skipped. */
export function describeLive(title: string, body: () => void): void {
  if (isRequired || reason === '') describe(title, body)
  else describe.skip(`${title} (skipped: ${reason})`, body)
}
