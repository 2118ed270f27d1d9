#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/**
 * The command. In: argv, environment, signals. Out: an exit code (README "Commands"). Only here the process ends; the commands
 * are in commands/table.ts.
 * @module
 */
import { CommanderError } from 'commander'
import { exitCodeOf, explain } from './commands/failure.js'
import { drainOutput, guardOutput } from './commands/stopping.js'
import { createProgram, withDefaultCommand } from './commands/table.js'

/** What nobody caught, a full disk under a recording included. */
function fail(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(exitCodeOf(error))
}

async function main(argv: readonly string[]): Promise<void> {
  guardOutput()
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  let code = 0
  try {
    const program = createProgram((value) => (code = value))
    await program.parseAsync(withDefaultCommand(argv, program), { from: 'user' })
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (!(error instanceof CommanderError)) process.stderr.write(`${explain(error)}\n`)
    code = exitCodeOf(error)
  }
  await drainOutput()
  process.exit(code)
}

await main(process.argv.slice(2))
