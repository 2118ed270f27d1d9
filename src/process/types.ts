// SPDX-License-Identifier: Apache-2.0
/**
 * The process room adds a `ProcessRef` to every record that belongs to a process.
 * @module
 */
import type {
  CloseRecord,
  DataRecord,
  ExitRecord,
  GapRecord,
  LostRecord,
  ProcessId,
} from '../receiver/types.js'

/** One observed process. One object per process: compare by identity. Fields fill in as facts arrive. */
export interface ProcessRef extends ProcessId {
  /** `${pid}:${startBoottimeNs}` */
  readonly key: string
  /** Unix ns of the process's start, from startBoottimeNs and the recording's clock offset. */
  startUnixNano: bigint
  parentPid: number | undefined
  userId: number | undefined
  groupId: number | undefined
  cgroupId: bigint | undefined
  /** Undefined: it runs in none that we know. */
  containerId: string | undefined
  comm: string | undefined
  /** Path of the running program (the interpreter's, for a script). */
  executable: string | undefined
  /** The script's path when an interpreter runs it. */
  script: string | undefined
  arguments: string[]
  /** False when neither /proc nor an exec record told us anything (the record was lost). */
  isKnown: boolean
  exited: boolean
}

type WithRef<T> = T & { ref: ProcessRef }

/** `process`, `exec` and `fork` are absorbed into the table; the rest passes on with its process. */
export type ProcessedRecord =
  WithRef<DataRecord> | WithRef<GapRecord> | WithRef<CloseRecord> | WithRef<ExitRecord> | LostRecord
