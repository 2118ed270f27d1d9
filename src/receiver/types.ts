// SPDX-License-Identifier: Apache-2.0
/**
 * What the receiver emits: ring-buffer records of `bpf/capture.h`, decoded, with kernel time turned into unix time.
 * @module
 */

/** Names one process for good: a pid is reused, (pid, start) is not. `pid` is in the initial pid namespace. */
export interface ProcessId {
  pid: number
  /** `task->group_leader->start_boottime`, ns since boot. */
  startBoottimeNs: bigint
}

/** As in `network.io.direction`: transmit = the process wrote it, receive = the process read it. */
export type Direction = 'transmit' | 'receive'

/** Names one TLS session of one process (capture rule 4). `generation` settles pointer reuse and SSL_clear. */
export interface ConnectionId extends ProcessId {
  ssl: bigint
  generation: bigint
}

interface RecordBase {
  timeUnixNano: bigint
}

/** From `/proc` (`process`: was running already) or from the kernel (`exec`). Arguments may be cut at 4 KiB. */
export interface ProcessRecord extends RecordBase {
  kind: 'process' | 'exec'
  process: ProcessId
  parentPid: number
  userId: number
  groupId: number
  cgroupId: bigint
  /** Names of the process's cgroup folder and the one above it, in up to two hierarchies. Empty in older recordings. */
  cgroupNames: readonly string[]
  comm: string
  /** Path of the program file as exec saw it; for a script, the script's. */
  executable: string
  /** The interpreter's path when `executable` is a script, else ''. */
  interpreter: string
  arguments: string[]
  /** Real length of the argument area in bytes; larger than what `arguments` holds when it was cut. */
  argumentsBytes: number
}

export interface ForkRecord extends RecordBase {
  kind: 'fork'
  process: ProcessId
  parent: ProcessId
  userId: number
}

export interface ExitRecord extends RecordBase {
  kind: 'exit'
  process: ProcessId
  /** As in `wait(2)`: exit status << 8 | signal. */
  exitCode: number
}

export interface DataRecord extends RecordBase {
  kind: 'data'
  connection: ConnectionId
  threadId: number
  direction: Direction
  /** Position of `bytes[0]` in this direction of the connection. Advances even over lost bytes. */
  offset: number
  bytes: Uint8Array
}

export type GapReason = 'call_too_large' | 'sendfile' | 'early_data'

/** Bytes that passed but could not be copied. (A full ring cannot say so: the next offset does.) */
export interface GapRecord extends RecordBase {
  kind: 'gap'
  connection: ConnectionId
  direction: Direction
  offset: number
  length: number
  reason: GapReason
}

/** SSL_free or SSL_clear. The offsets are final: a stream that is shorter has lost its tail. */
export interface CloseRecord extends RecordBase {
  kind: 'close'
  connection: ConnectionId
  transmitted: number
  received: number
  /** The peer ended the session before the process did, or the connection was cut. */
  peerClosed: boolean
}

/** Loss and counters as the kernel side counted them since the last such record. */
export interface LostRecord extends RecordBase {
  kind: 'lost'
  /** As in `bpf/capture.h` enum loss_reason, lower case, e.g. `ring_full`, `user_read_failed`, `active_calls_full`. */
  reason: string
  records: number
  bytes: number
}

export type CaptureRecord =
  ProcessRecord | ForkRecord | ExitRecord | DataRecord | GapRecord | CloseRecord | LostRecord
