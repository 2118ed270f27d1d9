// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Runs one program with an environment that comes through standard input. In: argv = the command; stdin = one line of JSON,
 * then silence. Out: the program's exit code. The end of stdin means that the starter is gone or wants the program to end:
 * a signal cannot say so, because a user may not signal what sudo runs.
 * @module
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const [program = '', ...args] = process.argv.slice(2)
/** @type {import('node:child_process').ChildProcess | undefined} */
let child
let text = ''

process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk) => {
  if (child !== undefined) return
  text += chunk
  const end = text.indexOf('\n')
  if (end >= 0) child = run(JSON.parse(text.slice(0, end)))
})
process.stdin.on('end', () => child?.kill('SIGTERM'))
// The terminal sends SIGINT to the program as well; we only wait for its end.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child?.kill('SIGTERM'))

/** @param {Record<string, string>} env */
function run(env) {
  const started = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
  started.on('error', (error) => {
    console.error(`cannot run ${program}: ${error.message}`)
    process.exit(1)
  })
  started.on('exit', (code, signal) =>
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
  )
  return started
}
