#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/**
 * The command. In: argv, environment, signals. Out: an exit code (README "Exit codes"). A table of commands and what becomes of
 * their errors; the commands themselves are in commands/.
 * @module
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { runCapture } from './commands/capture.js'
import { runDoctor } from './commands/doctor.js'
import { exitCodeOf, explain } from './commands/failure.js'
import { drainOutput, guardOutput } from './commands/stopping.js'
import { DEFAULT_RING_BYTES } from './receiver/index.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

function createProgram(setExitCode: (code: number) => void): Command {
  const program = new Command('oisp-sensor')
    .description('Shows every AI interaction on a Linux machine and emits OpenTelemetry GenAI telemetry.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(`--help` shows all options)')
  program
    .command('capture')
    .description('write a raw recording for `replay`; it holds secrets')
    .requiredOption('-o, --output <file>', 'the recording; must not exist yet')
    .action((options: { output: string }) =>
      runCapture({ ...options, version, ringBytes: DEFAULT_RING_BYTES, onError: fail }),
    )
  program
    .command('doctor')
    .description('what this machine permits, every TLS process and whether it can be seen')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => setExitCode(runDoctor(version, options)))
  return program
}

/** `run` is the default, and then its options stand where a command's name would: commander itself would not find a misspelt one. */
function withDefaultCommand(argv: readonly string[]): string[] {
  const [first] = argv
  const isCommand = first !== undefined && !first.startsWith('-')
  const isForAll = first !== undefined && ['-h', '--help', '-V', '--version'].includes(first)
  return isCommand || isForAll ? [...argv] : ['run', ...argv]
}

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
    await createProgram((value) => (code = value)).parseAsync(withDefaultCommand(argv), { from: 'user' })
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (!(error instanceof CommanderError)) process.stderr.write(`${explain(error)}\n`)
    code = exitCodeOf(error)
  }
  await drainOutput()
  process.exit(code)
}

await main(process.argv.slice(2))
