// SPDX-License-Identifier: Apache-2.0
/**
 * One life of the crash tests' sensor process. In: options, and a command to start it under. Out: what it said, and its end.
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { until } from '../../live/support/until.js'
import { nowMs } from './receiver.js'

export interface SensorOptions {
  directory: string
  url: string
  /** No two processes of a test have the same: it makes their exchanges different. */
  generation: number
  flushMs: number
  maxBytes?: number
  memoryBytes?: number
  /** Makes no exchanges of its own. */
  isIdle?: boolean
}

const PROGRAM = new URL('sensor.mjs', import.meta.url).pathname

export class SensorProcess {
  /** Response id → when it ended. */
  readonly ended = new Map<string, number>()
  readonly logLines: string[] = []
  isReady = false
  /** The last moment at which it is known to have been at work. */
  aliveAt = 0
  closed: { unsentItems: number; keptItems?: number; counters: Record<string, number> } | undefined
  #stderr = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  /** `enter` is a command that runs the rest of its arguments. */
  constructor(options: SensorOptions, enter: readonly string[] = []) {
    const [program, ...args] = [...enter, process.execPath, PROGRAM, JSON.stringify(options)]
    this.#child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    const lines = createInterface({ input: this.#child.stdout! })
    lines.on('line', (line) => this.#read(line))
    this.#ended = Promise.all([once(lines, 'close'), once(this.#child, 'exit')])
  }

  get pid(): number {
    return this.#child.pid!
  }

  async ready(): Promise<void> {
    await this.until('to be ready', () => this.isReady)
  }

  /** Fails at once when the process is gone. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    await until(`the sensor ${what}`, () => isSo() || this.#failIfEnded(), 60_000)
  }

  /** Gives the time of the kill. */
  async kill(): Promise<number> {
    const killedAt = nowMs()
    this.#child.kill('SIGKILL')
    await this.#ended
    return killedAt
  }

  /** SIGTERM, and its counters. */
  async stop(): Promise<NonNullable<SensorProcess['closed']>> {
    this.#child.kill('SIGTERM')
    await this.#ended
    if (this.closed === undefined)
      throw new Error(`the sensor did not close in good order: ${this.#endedHow()}`)
    return this.closed
  }

  #endedHow(): string {
    const { exitCode, signalCode } = this.#child
    return `it ended with ${exitCode ?? signalCode}\n${this.logLines.join('\n')}\n${this.#stderr}`
  }

  #failIfEnded(): undefined {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) throw new Error(this.#endedHow())
    return undefined
  }

  #read(line: string): void {
    const [word, first, second] = line.split(' ')
    if (word === 'ready') this.isReady = true
    else if (word === 'ended') this.ended.set(first!, Number(second))
    else if (word === 'alive') this.aliveAt = Number(first)
    else if (word === 'log') this.logLines.push(line.slice('log '.length))
    else if (word === 'closed')
      this.closed = JSON.parse(line.slice('closed '.length)) as SensorProcess['closed']
    else throw new Error(`not a line of the sensor: ${line}`)
  }
}
