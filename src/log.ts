// SPDX-License-Identifier: Apache-2.0
/**
 * The sensor's own operational log, on standard error: JSON for machines, one plain line for a terminal. In: sentences that
 * we wrote. Out: lines. Never sees captured content; what comes from outside (a path, a peer's word) goes in as a field or
 * was cut and cleaned by the room that says it.
 * @module
 */
import { pino, type DestinationStream } from 'pino'
import type { LogLevel } from './config/types.js'

/** What a room gets through its settings; a method per level, a sentence, then facts. */
export interface Log {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface LogSettings {
  level: LogLevel
  /** Takes whole lines; `process.stderr` in the command. */
  stream: DestinationStream
  isTerminal: boolean
}

export function createLog({ level, stream, isTerminal }: LogSettings): Log {
  const target = isTerminal ? { write: (line: string) => stream.write(toPlainLine(line)) } : stream
  const logger = pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, target)
  const at =
    (name: 'error' | 'warn' | 'info' | 'debug') =>
    (message: string, fields: LogFields = {}): void =>
      logger[name](fields, message)
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

/** `21:08:51 warn  message  key=value`: pino's JSON line for people, without a formatter package. */
function toPlainLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const clock = new Date(Number(time)).toTimeString().slice(0, 8)
  const facts = Object.entries(fields).map(([key, value]) => `  ${key}=${printable(String(value))}`)
  return `${clock} ${String(level).padEnd(5)} ${printable(String(msg))}${facts.join('')}\n`
}

/** What comes from outside (names and paths are chosen by the observed processes) writes no control code to the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u00b7')
}
