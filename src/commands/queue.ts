// SPDX-License-Identifier: Apache-2.0
/**
 * The queue on disk, and what may be in it. In: the configuration. Out: a queue in which nothing waits that must not leave. A
 * mark in the folder says that message content may be in its requests; a sensor that starts with `safe` then drops all of them.
 * The mark stays until the folder is known to be empty.
 * @module
 */
import { closeSync, constants, fsyncSync, lstatSync, openSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/index.js'
import { SensorError } from '../errors.js'
import { openDiskQueue, type RequestQueue } from '../exporter/index.js'
import { dropWaiting } from './drop-waiting.js'
import type { TelemetrySettings } from './telemetry.js'

const { O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
const MARK = 'redaction-full'
/** To write down that what was dropped is gone. */
const FORGET_MS = 5_000

/**
 * Undefined when none was asked for. Opened without destinations, too: a reload may bring some. Rejects with SensorError when its
 * folder is not safe or not free, or when it cannot be marked.
 */
export async function openQueue(settings: TelemetrySettings): Promise<RequestQueue | undefined> {
  const { config, output } = settings
  if (config.diskQueue === undefined || output !== undefined) return undefined
  const queue = await open(settings)
  if (config.redactionMode === 'safe') return isMarked(config) ? forget(queue, settings) : queue
  try {
    markQueue(config)
    return queue
  } catch (error) {
    await queue.close(0)
    throw error
  }
}

/** Before the first content comes. Throws SensorError when it cannot be done: then no content may get into the folder. */
export function markQueue({ diskQueue, redactionMode }: Config): void {
  if (diskQueue === undefined || redactionMode !== 'full') return
  try {
    const file = openSync(join(diskQueue.directory, MARK), O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600)
    fsyncSync(file)
    closeSync(file)
  } catch (error) {
    throw new SensorError({
      code: 'ERR_EXPORTER_QUEUE_FOLDER',
      message: `the queue folder ${diskQueue.directory} cannot be marked as one with message content: ${String(error)}`,
      hint: 'Make it writable, or use --redaction-mode safe or no --queue-directory',
      exitCode: 2,
    })
  }
}

function open({ config, stats, log }: TelemetrySettings): Promise<RequestQueue> {
  return openDiskQueue({ ...config.diskQueue!, memoryBytes: config.queueBytes, stats, log })
}

function isMarked({ diskQueue }: Config): boolean {
  return lstatSync(join(diskQueue!.directory, MARK), { throwIfNoEntry: false }) !== undefined
}

/** Closed and opened again: only then is it written down that the requests are gone, and the mark may go. */
async function forget(queue: RequestQueue, settings: TelemetrySettings): Promise<RequestQueue | undefined> {
  const { config, stats, log } = settings
  const { directory } = config.diskQueue!
  const items = dropWaiting(queue, stats, 'redaction_changed')
  await queue.close(FORGET_MS)
  if (items > 0)
    log.warn(
      `queue folder ${directory}: ${items} items of a run with --redaction-mode full are dropped, not sent`,
    )
  if (readdirSync(directory).some((name) => name.endsWith('.otlpq'))) {
    log.warn(`queue folder ${directory}: message content is left in it; empty it. Telemetry waits in memory`)
    return undefined
  }
  unlinkSync(join(directory, MARK))
  return open(settings)
}
