// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of an error that ends the command. In: anything thrown. Out: words and an exit code.
 * @module
 */
import { CommanderError } from 'commander'
import { SensorError } from '../errors.js'

const USAGE = 2

/** 0 for the help that was asked for, 2 for wrong usage, the error's own code for a known problem, else 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
  return error instanceof SensorError ? error.exitCode : 1
}

/** The sentence and the remedy; for a bug of ours one line that a report can quote, never captured content. */
export function explain(error: unknown): string {
  if (error instanceof SensorError) {
    const hint = error.hint === undefined ? '' : `\n  Help: ${error.hint.replaceAll('\n', '\n  Help: ')}`
    const [sentence = '', ...details] = error.message.split('\n')
    return [`oisp-sensor: ${sentence} [${error.code}]`, ...details].join('\n') + hint
  }
  if (!(error instanceof Error)) return 'oisp-sensor: unexpected failure without an error'
  const place = /\n\s+at (.*)/.exec(error.stack ?? '')?.[1] ?? 'an unknown place'
  return `oisp-sensor: unexpected ${error.name}: ${error.message} (at ${place})`
}
