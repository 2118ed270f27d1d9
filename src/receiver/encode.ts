// SPDX-License-Identifier: Apache-2.0
/**
 * The records that user space makes itself, in the form of `bpf/capture.h`, so that a recording holds all the facts the
 * pipeline saw. In: facts from /proc and the counters. Out: bytes.
 * @module
 */
import {
  CAPTURE_ARGUMENTS_BYTES,
  CAPTURE_CGROUP_NAME_BYTES,
  CAPTURE_CGROUP_NAMES,
  CAPTURE_COMM_BYTES,
  LOST_RECORD,
  PROCESS_RECORD,
  RECORD_HEADER,
  RECORD_KIND,
} from './layout.js'
import type { ProcessId } from './types.js'

/** What /proc tells of one process. `arguments` as in /proc/PID/cmdline, NUL-separated. */
export interface ProcessFacts {
  process: ProcessId
  parentPid: number
  userId: number
  groupId: number
  cgroupId: bigint
  /** CAPTURE_CGROUP_NAMES of them, '' where there is none. */
  cgroupNames: readonly string[]
  comm: string
  executable: string
  arguments: Buffer
}

export function encodeProcessRecord(facts: ProcessFacts, boottimeNs: bigint): Buffer {
  const executable = Buffer.from(facts.executable)
  const cgroups = Buffer.alloc(CAPTURE_CGROUP_NAMES * CAPTURE_CGROUP_NAME_BYTES)
  facts.cgroupNames.forEach((name, index) =>
    cgroups.write(name, index * CAPTURE_CGROUP_NAME_BYTES, CAPTURE_CGROUP_NAME_BYTES - 1),
  )
  const argumentArea = facts.arguments.subarray(0, CAPTURE_ARGUMENTS_BYTES)
  const record = Buffer.alloc(PROCESS_RECORD.SIZE + cgroups.length + executable.length + argumentArea.length)
  writeHeader(record, RECORD_KIND.RECORD_PROCESS, boottimeNs, facts.process)
  record.writeBigUInt64LE(facts.cgroupId, PROCESS_RECORD.cgroup_id)
  record.writeUInt32LE(facts.parentPid, PROCESS_RECORD.parent_pid)
  record.writeUInt32LE(facts.userId, PROCESS_RECORD.user_id)
  record.writeUInt32LE(facts.groupId, PROCESS_RECORD.group_id)
  record.writeUInt32LE(executable.length, PROCESS_RECORD.executable_length)
  record.writeUInt32LE(argumentArea.length, PROCESS_RECORD.arguments_length)
  record.writeUInt32LE(facts.arguments.length, PROCESS_RECORD.arguments_total)
  record.write(facts.comm, PROCESS_RECORD.comm, CAPTURE_COMM_BYTES - 1)
  record.writeUInt32LE(cgroups.length, PROCESS_RECORD.cgroups_length)
  Buffer.concat([cgroups, executable, argumentArea]).copy(record, PROCESS_RECORD.SIZE)
  return record
}

/** `reason` is a value of enum loss_reason. */
export function encodeLostRecord(reason: number, records: number, bytes: number, boottimeNs: bigint): Buffer {
  const record = Buffer.alloc(LOST_RECORD.SIZE)
  writeHeader(record, RECORD_KIND.RECORD_LOST, boottimeNs, { pid: 0, startBoottimeNs: 0n })
  record.writeUInt32LE(reason, LOST_RECORD.reason)
  record.writeBigUInt64LE(BigInt(records), LOST_RECORD.records)
  record.writeBigUInt64LE(BigInt(bytes), LOST_RECORD.bytes)
  return record
}

function writeHeader(record: Buffer, kind: number, boottimeNs: bigint, process: ProcessId): void {
  record.writeUInt32LE(kind, RECORD_HEADER.kind)
  record.writeUInt32LE(record.length, RECORD_HEADER.size)
  record.writeBigUInt64LE(boottimeNs, RECORD_HEADER.time_ns)
  record.writeUInt32LE(process.pid, RECORD_HEADER.pid)
  record.writeUInt32LE(process.pid, RECORD_HEADER.tid)
  record.writeBigUInt64LE(process.startBoottimeNs, RECORD_HEADER.start_boottime_ns)
}
