// SPDX-License-Identifier: Apache-2.0
/**
 * The sink behind `record --output FILE`: OTLP/JSON lines, which the Collector's otlp_json_file receiver reads. In: OTLP
 * objects. Out: lines in a new file of mode 0600, or on standard output for `-`. Never overwrites and never follows a link.
 * @module
 */
import { createWriteStream, openSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { SensorError } from '../errors.js'
import type { Stats } from '../stats.js'
import { systemClock } from './clock.js'
import { toJsonLines } from './json.js'
import type { OtlpTelemetry } from './otlp.js'
import { DEFAULT_QUEUE_BYTES, pointCount } from './otlp-sink.js'
import type { Clock, ExporterLog, ShutdownReport, Sink } from './types.js'

export interface FileSinkSettings {
  /** `-` is standard output. */
  path: string
  stats: Stats
  log: ExporterLog
  /** Lines that wait for the disk; more is dropped and counted. */
  queueBytes?: number
  clock?: Clock
}

export function createFileSink(settings: FileSinkSettings): Sink {
  const { path, stats, log, queueBytes = DEFAULT_QUEUE_BYTES, clock = systemClock } = settings
  const isStandardOutput = path === '-'
  // Not a file stream over descriptor 1: a pipe there may be non-blocking, and then such a stream breaks when it is full.
  const stream: Writable = isStandardOutput
    ? process.stdout
    : createWriteStream(path, { fd: openOutput(path) })
  let isBroken = false
  let isEnded = false
  /** `shutdown` has counted what was still under way. */
  let isCounted = false
  let waitingItems = 0

  const drop = (reason: string, items: number): void => stats.add('exporter.items.dropped', reason, items)
  stream.on('error', (error) => {
    if (!isBroken) log.warn(`${path}: ${error.message}; nothing more is written`)
    isBroken = true
  })

  return {
    name: 'file',
    consume(_telemetry, otlp) {
      const items = itemCount(otlp)
      if (items === 0) return
      if (isBroken) return drop('write_failed', items)
      if (isEnded) return drop('shutdown', items)
      const text = toJsonLines(otlp).join('\n') + '\n'
      if (stream.writableLength + text.length > queueBytes) return drop('queue_full', items)
      waitingItems += items
      stream.write(text, (error) => {
        if (isCounted) return
        waitingItems -= items
        if (error) drop('write_failed', items)
        else stats.add('exporter.items.exported', 'file', items)
      })
    },
    end() {},
    async shutdown(deadlineMs): Promise<ShutdownReport> {
      isEnded = true
      await settleWithin(stream, deadlineMs, clock, (done) =>
        isStandardOutput ? stream.write('', done) : stream.end(done),
      )
      isCounted = true
      if (waitingItems > 0) drop('shutdown', waitingItems)
      return { unsentItems: waitingItems }
    },
  }
}

function openOutput(path: string): number {
  try {
    // O_EXCL: root writes here; a file or link that somebody put there before must not be written through.
    return openSync(path, 'wx', 0o600)
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw new SensorError({
      code: isThere ? 'ERR_EXPORTER_OUTPUT_EXISTS' : 'ERR_EXPORTER_OUTPUT',
      message: isThere ? `${path} is there already` : `cannot write ${path}: ${(cause as Error).message}`,
      hint: isThere
        ? 'Give --output a new name, or remove the file first.'
        : 'Give --output a file in a folder you may write to.',
      exitCode: 2,
      cause,
    })
  }
}

/** Settles when all is written, when the stream broke, or at the deadline. */
function settleWithin(
  stream: Writable,
  deadlineMs: number,
  clock: Clock,
  finish: (done: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(resolve, deadlineMs)
    const done = (): void => {
      clock.clearTimer(timer)
      resolve()
    }
    if (stream.errored) return done()
    stream.once('error', done)
    finish(done)
  })
}

function itemCount({ spans, logRecords, metrics }: OtlpTelemetry): number {
  return spans.length + logRecords.length + metrics.reduce((sum, metric) => sum + pointCount(metric), 0)
}
