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
  return `oisp-sensor: unexpected ${error.name}: ${error.message} (at ${placeOf(error)})`
}

const MAX_FAULTS = 100

/**
 * For faults of ours while captured bytes pass. Each is said once: the next record may meet it again, and `records.dropped` counts
 * on. Without its message: engines quote values in theirs (JSON.parse, ERR_INVALID_ARG_VALUE), and this line leaves the machine.
 */
export function createFaultTeller(say: (text: string) => void): (error: unknown) => void {
  const said = new Set<string>()
  return (error) => {
    const text = error instanceof Error ? `${error.name} at ${placeOf(error)}` : `a thrown ${typeof error}`
    if (said.has(text) || said.size >= MAX_FAULTS) return
    said.add(text)
    say(`a fault of the sensor has cost a record: ${text}`)
  }
}

function placeOf(error: Error): string {
  // Not the first line: the message stands there, and it may have lines that look like places.
  const stack = (error.stack ?? '').replace(error.message, '')
  return /\n\s+at (.*)/.exec(stack)?.[1] ?? 'an unknown place'
}
