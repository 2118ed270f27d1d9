// SPDX-License-Identifier: Apache-2.0
/**
 * Why capture is not permitted, in words. In: the receiver's facts. Out: lines, or the error that ends the command with 3.
 * @module
 */
import { SensorError } from '../errors.js'
import type { SystemFacts } from '../receiver/index.js'

/** What is missing and what that disables, one line each; then every distinct remedy once. */
export function problemLines({ problems, capabilities }: SystemFacts): string[] {
  const named = problems.map(({ message, disables }) => `  - ${message}; this disables ${disables}`)
  const others = missingCapabilities({ capabilities }).map(
    (text) => `  - ${text}; capture can start without it`,
  )
  const hints = new Set(problems.map(({ hint }) => hint))
  return [...named, ...others, ...[...hints].map((hint) => `  Help: ${hint}`)]
}

/** What capture can start without, and what stays blind then. */
export function missingCapabilities({ capabilities }: Pick<SystemFacts, 'capabilities'>): string[] {
  return capabilities
    .filter(({ isPresent, isRequired }) => !isPresent && !isRequired)
    .map(({ name, purpose }) => `${name} is missing; it is for ${purpose}`)
}

/** Throws SensorError with exit code 3 unless capture is permitted here. */
export function requirePermission(facts: SystemFacts): void {
  if (facts.isPermitted) return
  const lines = problemLines(facts)
  const isHint = (line: string): boolean => line.startsWith('  Help: ')
  throw new SensorError({
    code: 'ERR_RECEIVER_NOT_PERMITTED',
    message: ['live capture is not permitted here:', ...lines.filter((line) => !isHint(line))].join('\n'),
    hint: lines
      .filter(isHint)
      .map((line) => line.slice('  Help: '.length))
      .join('\n'),
    exitCode: 3,
  })
}
