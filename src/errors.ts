// SPDX-License-Identifier: Apache-2.0
/**
 * The only error a room may throw, and only before capture starts ("cannot start"). Bad bytes after that are counted and
 * marked instead; see README "Errors".
 * @module
 */

/** Exit codes of the command (README "Exit codes"). */
export type ExitCode = 1 | 2 | 3

export interface SensorErrorOptions {
  /** Stable, documented: `ERR_<ROOM>_<WHAT>`. */
  code: `ERR_${string}`
  message: string
  /** What the user can do about it, as a command where there is one. */
  hint?: string
  exitCode?: ExitCode
  cause?: unknown
}

/** A start-up failure that carries its own remedy; `main.ts` prints it and exits with `exitCode`. */
export class SensorError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly exitCode: ExitCode

  constructor(options: SensorErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SensorError'
    this.code = options.code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}
