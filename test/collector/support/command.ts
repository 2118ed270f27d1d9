// SPDX-License-Identifier: Apache-2.0
/**
 * The sensor's command as a user runs it. In: arguments and environment. Out: its exit code, and the counts of the summary it prints at
 * its end.
 * @module
 */
import { spawn } from 'node:child_process'

const MAIN = new URL('../../../dist/main.js', import.meta.url).pathname

export interface Ended {
  code: number | null
  output: string
  /** Items by signal, spans, log records and data points. */
  exported: Record<string, number>
  /** Items by reason. */
  dropped: Record<string, number>
}

export interface Running {
  pid: number
  output(): string
  interrupt(): void
  ended: Promise<Ended>
}

const running = new Set<() => void>()

export function startCommand(args: readonly string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    // Of this machine's environment only what a program needs to start: no OTEL_* of whoever runs the tests.
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const kill = (): void => void child.kill('SIGKILL')
  running.add(kill)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      running.delete(kill)
      resolve({ code, output, exported: readExported(output), dropped: readDropped(output) })
    })
  })
  return { pid: child.pid!, output: () => output, interrupt: () => void child.kill('SIGINT'), ended }
}

export function killCommands(): void {
  for (const kill of running) kill()
}

/** The lines `exported` and `refused` of the summary. */
function readExported(output: string): Record<string, number> {
  const matches = output.matchAll(/(\d+) exporter\.items\.exported \((traces|logs|metrics)\)/g)
  return Object.fromEntries([...matches].map(([, count, signal]) => [signal!, Number(count)]))
}

function readDropped(output: string): Record<string, number> {
  const list = /were not accepted \(([^)]*)\)/.exec(output)?.[1]
  const entries = (list?.split(', ') ?? []).map((entry) => entry.split(' ') as [string, string])
  return Object.fromEntries(entries.map(([count, reason]) => [reason, Number(count)]))
}
