// SPDX-License-Identifier: Apache-2.0
/**
 * One file that has probes. In: the request that set them. Out: whether what they stand on is still there, and a call when the
 * file may have changed. Holds the file open: a path may lead elsewhere by the time it is asked. The probes hold it as well.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readSync, watch, type FSWatcher } from 'node:fs'
import type { Stats } from '../stats.js'
import { planAttach, WANTED_FUNCTIONS, type AttachPlan, type PlannedFunction } from './attach.js'
import type { AttachRequest, InspectedImage } from './images.js'

export interface AttachedFile {
  /** Leads to this very file, whatever its name is by now. */
  path: string
  /**
   * The functions stand where the probes are, and begin with the same instructions. Decided by content: whoever may write the file
   * may set its times too, and whoever may link to it moves its ctime without writing anything.
   */
  isIntact(): boolean
  /** No path leads to it any more. */
  isUnlinked(): boolean
  close(): void
}

/** The kernel keeps the instruction under a breakpoint to run it elsewhere; none is longer on any architecture. */
const INSTRUCTION_BYTES = 16

/** Throws when the path leads nowhere, or to another file. `onEvent` comes for chmod, link and the like as well. */
export function openAttachedFile(
  request: AttachRequest,
  inspect: (path: string, names: readonly string[]) => InspectedImage,
  stats: Stats,
  onEvent: () => void,
): AttachedFile {
  // Never waits, should a FIFO stand there by now.
  const fd = openSync(request.path, constants.O_RDONLY | constants.O_NONBLOCK)
  let watcher: FSWatcher | undefined
  function close(): void {
    watcher?.close()
    closeSync(fd)
  }
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    if (dev !== request.device || ino !== request.inode) throw new Error('another file stands in its place')
    const path = `/proc/self/fd/${fd}`
    watcher = startWatch(path, stats, onEvent)
    const instructions = readInstructions(fd, request.functions)
    return {
      path,
      close,
      isUnlinked: () => fstatSync(fd).nlink === 0,
      isIntact: () =>
        readInstructions(fd, request.functions).equals(instructions) &&
        isSamePlan(() => planAttach(inspect(path, WANTED_FUNCTIONS)), request.functions),
    }
  } catch (error) {
    close()
    throw error
  }
}

function startWatch(path: string, stats: Stats, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, (event) => {
      if (event === 'change') onEvent()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    stats.add('watches.failed', 'inotify') // the user's limit of watches; the probes are in place all the same
    return undefined
  }
}

/** Of all functions, one after the other; zeros where the file ends before. */
function readInstructions(fd: number, functions: readonly PlannedFunction[]): Buffer {
  const out = Buffer.alloc(functions.length * INSTRUCTION_BYTES)
  functions.forEach(({ offset }, i) => readSync(fd, out, i * INSTRUCTION_BYTES, INSTRUCTION_BYTES, offset))
  return out
}

function isSamePlan(look: () => AttachPlan, functions: readonly PlannedFunction[]): boolean {
  try {
    const plan = look()
    if (plan.action !== 'attach' || plan.functions.length !== functions.length) return false
    return plan.functions.every(
      ({ program, offset }, i) => program === functions[i]!.program && offset === functions[i]!.offset,
    )
  } catch {
    return true // not ours to open any more (chmod); the instructions, which we can read, are the same
  }
}
