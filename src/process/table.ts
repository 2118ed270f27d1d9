// SPDX-License-Identifier: Apache-2.0
/**
 * The process table. In: CaptureRecord. Out: the records of connections, each with the ProcessRef of its process; `process`,
 * `exec` and `fork` are absorbed. Pure: asks neither /proc nor a clock. A name in it is what the process calls itself, so
 * identity is (pid, start) and nothing else.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { CaptureRecord, ExitRecord, ForkRecord, ProcessId, ProcessRecord } from '../receiver/types.js'
import type { Stats } from '../stats.js'
import { findContainerId } from './container.js'
import type { ProcessedRecord, ProcessRef } from './types.js'

export const DEFAULT_MAX_PROCESSES = 65_536

export interface ProcessTableSettings {
  stats: Stats
  /** CLOCK_REALTIME minus CLOCK_BOOTTIME, ns. */
  boottimeToUnixNano: bigint
  /** Beyond it the process heard of longest ago is forgotten, and counted. */
  maxProcesses?: number
}

export function createProcessTable(
  settings: ProcessTableSettings,
  next: Consumer<ProcessedRecord>,
): Consumer<CaptureRecord> {
  const table = createTable(settings)

  return {
    consume(record) {
      switch (record.kind) {
        case 'process':
        case 'exec':
          return absorbProgram(table.get(record.process), record)
        case 'fork':
          return absorbFork(table.get(record.process), table.find(record.parent), record)
        case 'exit':
          return next.consume(withRef(record, table.exit(record)))
        case 'lost':
          return next.consume(record)
        default:
          return next.consume(withRef(record, table.get(record.connection)))
      }
    },
    tick: (now) => next.tick(now),
    end: () => next.end(),
  }
}

/** The record is ours by now (`Consumer`): adding to it is cheaper than copying it. */
function withRef<R extends CaptureRecord>(record: R, ref: ProcessRef): R & { ref: ProcessRef } {
  return Object.assign(record, { ref })
}

function createTable({
  stats,
  boottimeToUnixNano,
  maxProcesses = DEFAULT_MAX_PROCESSES,
}: ProcessTableSettings) {
  // In the order of last use: the first is the one to forget.
  const refs = new Map<string, ProcessRef>()
  // Records come in runs of one process: a comparison is cheaper than making its key.
  let last: ProcessRef | undefined
  const keyOf = ({ pid, startBoottimeNs }: ProcessId): string => `${pid}:${startBoottimeNs}`

  function find(id: ProcessId): ProcessRef | undefined {
    if (last?.pid === id.pid && last.startBoottimeNs === id.startBoottimeNs) return last
    const key = keyOf(id)
    const ref = refs.get(key)
    if (ref === undefined) return undefined
    refs.delete(key)
    refs.set(key, ref)
    return (last = ref)
  }

  function get(id: ProcessId): ProcessRef {
    const found = find(id)
    if (found !== undefined) return found
    if (refs.size >= maxProcesses) {
      refs.delete(refs.keys().next().value!)
      stats.add('processes.forgotten', 'limit')
    }
    const ref = newRef(keyOf(id), id, id.startBoottimeNs + boottimeToUnixNano)
    refs.set(ref.key, ref)
    return (last = ref)
  }

  return {
    find,
    get,
    /** Nobody refers to it by id any more; who holds the object keeps it. */
    exit(record: ExitRecord): ProcessRef {
      const ref = get(record.process)
      ref.exited = true
      refs.delete(ref.key)
      last = undefined
      return ref
    },
  }
}

function newRef(key: string, { pid, startBoottimeNs }: ProcessId, startUnixNano: bigint): ProcessRef {
  return {
    key,
    pid,
    startBoottimeNs,
    startUnixNano,
    parentPid: undefined,
    userId: undefined,
    groupId: undefined,
    cgroupId: undefined,
    containerId: undefined,
    comm: undefined,
    executable: undefined,
    script: undefined,
    arguments: [],
    isKnown: false,
    exited: false,
  }
}

/**
 * An exec keeps pid and start, so the object stays and its facts change: no TLS session survives an exec (its memory is gone),
 * and exchanges that ended before it have taken what they needed.
 */
function absorbProgram(ref: ProcessRef, record: ProcessRecord): void {
  ref.parentPid = record.parentPid
  ref.userId = record.userId
  ref.groupId = record.groupId
  ref.cgroupId = record.cgroupId
  ref.containerId = findContainerId(record.cgroupNames)
  ref.comm = record.comm
  ref.executable = record.interpreter === '' ? record.executable : record.interpreter
  ref.script = record.interpreter === '' ? undefined : record.executable
  ref.arguments = record.arguments
  ref.isKnown = true
}

/** A child runs its parent's program until it execs; a fork record that comes late must not undo an exec. */
function absorbFork(child: ProcessRef, parent: ProcessRef | undefined, record: ForkRecord): void {
  child.parentPid = record.parent.pid
  child.userId ??= record.userId
  if (parent === undefined || child.isKnown) return
  child.groupId = parent.groupId
  child.cgroupId = parent.cgroupId
  child.containerId = parent.containerId
  child.comm = parent.comm
  child.executable = parent.executable
  child.script = parent.script
  child.arguments = parent.arguments
  child.isKnown = parent.isKnown
}
