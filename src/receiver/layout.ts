// SPDX-License-Identifier: Apache-2.0
/** Generated from bpf/capture.h by `npm run gen`: never edit. @module */
export const CAPTURE_VERSION = 1
export const CAPTURE_CHUNK_BYTES = 32768
export const CAPTURE_MAX_CHUNKS = 512
export const CAPTURE_COMM_BYTES = 16
export const CAPTURE_PATH_BYTES = 256
export const CAPTURE_ARGUMENTS_BYTES = 4096
export const CAPTURE_CGROUP_NAME_BYTES = 128
export const CAPTURE_CGROUP_NAMES = 4
export const CLOSE_PEER_CLOSED = 1
export const CLOSE_LOCAL_CLOSED = 2

/** enum record_kind */
export const RECORD_KIND = {
  RECORD_NONE: 0,
  RECORD_DATA: 1,
  RECORD_GAP: 2,
  RECORD_CLOSE: 3,
  RECORD_EXEC: 4,
  RECORD_FORK: 5,
  RECORD_EXIT: 6,
  RECORD_PROCESS: 7,
  RECORD_LOST: 8,
  RECORD_MAPPING: 9,
  RECORD_DUPLICATE: 10,
} as const

/** enum direction */
export const DIRECTION = {
  DIRECTION_TRANSMIT: 0,
  DIRECTION_RECEIVE: 1,
} as const

/** enum gap_reason */
export const GAP_REASON = {
  GAP_CALL_TOO_LARGE: 1,
  GAP_SENDFILE: 2,
  GAP_EARLY_DATA: 3,
} as const

/** enum loss_reason */
export const LOSS_REASON = {
  LOSS_RING_FULL: 0,
  LOSS_USER_READ_FAILED: 1,
  LOSS_CALL_TOO_LARGE: 2,
  LOSS_NOT_COPIED: 3,
  LOSS_ACTIVE_CALLS_FULL: 4,
  LOSS_CONNECTIONS_FULL: 5,
  LOSS_CALL_DEPTH: 6,
  LOSS_PROCESS_RECORD: 7,
  LOSS_REASON_COUNT: 8,
} as const

/** struct record_header: byte offsets; SIZE without a trailing array. */
export const RECORD_HEADER = {
  SIZE: 32,
  kind: 0,
  size: 4,
  time_ns: 8,
  pid: 16,
  tid: 20,
  start_boottime_ns: 24,
} as const

/** struct connection: byte offsets; SIZE without a trailing array. */
export const CONNECTION = {
  SIZE: 16,
  ssl: 0,
  generation: 8,
} as const

/** struct data_record: byte offsets; SIZE without a trailing array. */
export const DATA_RECORD = {
  SIZE: 64,
  header: 0,
  connection: 32,
  offset: 48,
  length: 56,
  direction: 60,
  bytes: 64,
} as const

/** struct gap_record: byte offsets; SIZE without a trailing array. */
export const GAP_RECORD = {
  SIZE: 72,
  header: 0,
  connection: 32,
  offset: 48,
  length: 56,
  direction: 64,
  reason: 68,
} as const

/** struct close_record: byte offsets; SIZE without a trailing array. */
export const CLOSE_RECORD = {
  SIZE: 72,
  header: 0,
  connection: 32,
  transmitted: 48,
  received: 56,
  flags: 64,
  pad: 68,
} as const

/** struct process_record: byte offsets; SIZE without a trailing array. */
export const PROCESS_RECORD = {
  SIZE: 88,
  header: 0,
  cgroup_id: 32,
  parent_pid: 40,
  user_id: 44,
  group_id: 48,
  executable_length: 52,
  interpreter_length: 56,
  arguments_length: 60,
  arguments_total: 64,
  cgroups_length: 68,
  comm: 72,
  bytes: 88,
} as const

/** struct fork_record: byte offsets; SIZE without a trailing array. */
export const FORK_RECORD = {
  SIZE: 48,
  header: 0,
  parent_start_boottime_ns: 32,
  parent_pid: 40,
  user_id: 44,
} as const

/** struct exit_record: byte offsets; SIZE without a trailing array. */
export const EXIT_RECORD = {
  SIZE: 40,
  header: 0,
  exit_code: 32,
  pad: 36,
} as const

/** struct lost_record: byte offsets; SIZE without a trailing array. */
export const LOST_RECORD = {
  SIZE: 56,
  header: 0,
  reason: 32,
  pad: 36,
  records: 40,
  bytes: 48,
} as const

/** struct mapping_record: byte offsets; SIZE without a trailing array. */
export const MAPPING_RECORD = {
  SIZE: 88,
  header: 0,
  address: 32,
  length: 40,
  page_offset: 48,
  inode: 56,
  inode_generation: 64,
  device_major: 72,
  device_minor: 76,
  path_length: 80,
  pad: 84,
  bytes: 88,
} as const

/** struct duplicate_record: byte offsets; SIZE without a trailing array. */
export const DUPLICATE_RECORD = {
  SIZE: 48,
  header: 0,
  kept_cookie: 32,
  duplicate_cookie: 40,
} as const
