// SPDX-License-Identifier: Apache-2.0
/**
 * How the command ends. In: signals, a reader of standard output that went away. Out: one promise for "stop in good order", and
 * an immediate end for whoever asks twice.
 * @module
 */
import { constants } from 'node:os'
import { isatty } from 'node:tty'

/** Everything that was captured must be sent within this time of the first signal. */
const FLUSH_DEADLINE_MS = 5000
/** Then the process ends, whatever hangs; the kernel removes the probes. */
const END_DEADLINE_MS = FLUSH_DEADLINE_MS + 500
/** One Ctrl-C can arrive several times: from the terminal, from npm and from sudo. */
const SAME_SIGNAL_MS = 500

export type StopReason = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'EPIPE'

let resolveStop: (reason: StopReason) => void
const stopped = new Promise<StopReason>((resolve) => (resolveStop = resolve))
let firstSignalAt: number | undefined

let reload: (() => void) | undefined
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))

/** Resolves when the command should end in good order. Call once per process, before anything that must be undone. */
export function listenForStop(): Promise<StopReason> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => onSignal(signal))
  process.on('SIGHUP', onHangup)
  return stopped
}

/** SIGHUP then reads the configuration again instead of ending the command. */
export function reloadOnHangup(act: () => void): void {
  reload = act
}

/** It also comes when the terminal is closed: an end, and then its descriptors are terminals no more (EIO). */
function onHangup(): void {
  const isTerminalGone = terminals.some((descriptor) => !isatty(descriptor))
  if (reload === undefined || isTerminalGone || firstSignalAt !== undefined) onSignal('SIGHUP')
  else reload()
}

function onSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
  const now = performance.now()
  if (firstSignalAt === undefined) setTimeout(endLate, END_DEADLINE_MS).unref()
  firstSignalAt ??= now
  if (now - firstSignalAt > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal])
  resolveStop(signal)
}

function endLate(): void {
  process.stderr.write('oisp-sensor: not everything could be finished in time\n', () => process.exit(1))
}

/** What is left of the time to flush. */
export function remainingFlushMs(): number {
  const spent = firstSignalAt === undefined ? 0 : performance.now() - firstSignalAt
  return Math.max(0, FLUSH_DEADLINE_MS - spent)
}

/** A full disk or a closed pipe behind standard output is an end, not a stack trace. */
export function guardOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      // `| head` has read enough. Commands that only print have nothing to finish.
      if (process.listenerCount('SIGTERM') === 0) process.exit(0)
      resolveStop('EPIPE')
      return
    }
    process.stderr.write(`oisp-sensor: cannot write to standard output: ${error.message}\n`, () =>
      process.exit(1),
    )
  })
  // Nothing is left to say it to.
  process.stderr.on('error', () => {})
}

/** Resolves when what was printed has left the process. */
export async function drainOutput(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
}

/** `work`, or false when it did not end in time. */
export async function within(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), deadlineMs)))
  const done = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return done
}
