// SPDX-License-Identifier: Apache-2.0
/**
 * The real sensor as a child process. In: a subcommand that writes a file. Out: a handle that knows when it is attached, and
 * what it said at the end. It relies on this much of the command line: `capture|record --output FILE`, the word `ready` on
 * stderr once everything is attached, and a finished file after SIGINT.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { until } from './until.js'

/** Another build or an installed package can be tested in its place. */
const MAIN = process.env['OISP_TEST_MAIN'] ?? new URL('../../../dist/main.js', import.meta.url).pathname
const STOP_DEADLINE_MS = 20_000

export interface Sensor {
  pid: number
  output: string
  /** What it has written to stderr so far. */
  stderr(): string
  /** SIGINT, then its end: the file is whole afterwards. Fails unless it exits with 0. */
  stop(): Promise<void>
  /** SIGKILL: nothing of its own code runs any more. */
  kill(): Promise<void>
}

const running = new Set<Sensor>()

/** `mode` is the subcommand. Resolves when the sensor has said that it is ready. */
export async function startSensor(
  mode: 'capture' | 'record',
  output: string,
  args: readonly string[] = [],
): Promise<Sensor> {
  const child = spawn(process.execPath, [MAIN, mode, '--output', output, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const exited = once(child, 'exit')
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running.delete(sensor)
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await exited
    clearTimeout(timer)
  }
  const sensor: Sensor = {
    pid: child.pid!,
    output,
    stderr: () => stderr,
    async stop() {
      await end('SIGINT')
      if (child.exitCode !== 0)
        throw new Error(`${mode} ended with ${child.exitCode ?? child.signalCode}, not 0:\n${stderr}`)
    },
    kill: () => end('SIGKILL'),
  }
  running.add(sensor)
  await until(
    `\`${mode}\` to be ready`,
    () => {
      if (child.exitCode !== null)
        throw new Error(`${mode} ended with ${child.exitCode} before ready:\n${stderr}`)
      return /\bready\b/.test(stderr) || undefined
    },
    60_000,
  )
  return sensor
}

/** For `afterEach`: a failed test must not leave its sensor to the next. */
export async function killSensors(): Promise<void> {
  await Promise.all([...running].map((sensor) => sensor.kill()))
}

/** `replay` needs no privilege and ends by itself. Returns after the telemetry is in `output`. */
export function replay(recording: string, output: string): void {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'replay', recording, '--output', output], {
    timeout: 60_000,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`replay ended with ${status}:\n${stderr}`)
}
