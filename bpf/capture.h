/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire contract between kernel and user space. In: nothing. Out: every struct that crosses the ring buffer or is stored
 * in a recording, and the counters. Append-only: enum values and fields are never reordered or reused, padding is written
 * out. Little-endian, 8-byte aligned. `src/receiver/layout.ts` is generated from this file (`npm run gen`).
 */
#ifndef OISP_CAPTURE_H
#define OISP_CAPTURE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Bumped when an old reader could misread a new record. Stands in the recording's header. */
#define CAPTURE_VERSION 1

/* One TLS call is copied in records of at most this many payload bytes ... */
#define CAPTURE_CHUNK_BYTES 32768
/* ... and at most this many of them; what is beyond becomes a gap (CALL_TOO_LARGE). 16 MiB a call. */
#define CAPTURE_MAX_CHUNKS 512

#define CAPTURE_COMM_BYTES 16
#define CAPTURE_PATH_BYTES 256
#define CAPTURE_ARGUMENTS_BYTES 4096
/* Names of cgroup folders: the process's own and the one above it, in the v2 hierarchy, then in that of the pids controller. */
#define CAPTURE_CGROUP_NAME_BYTES 128
#define CAPTURE_CGROUP_NAMES 4

enum record_kind {
	RECORD_NONE = 0,
	RECORD_DATA = 1,
	RECORD_GAP = 2,
	RECORD_CLOSE = 3,
	RECORD_EXEC = 4,
	RECORD_FORK = 5,
	RECORD_EXIT = 6,
	/* Made in user space, in the same form, so that a recording holds all the facts: */
	RECORD_PROCESS = 7, /* struct process_record, from /proc */
	RECORD_LOST = 8,    /* struct lost_record, from struct stats */
	/* For the receiver's own attach decisions; they go no further: */
	RECORD_MAPPING = 9,    /* struct mapping_record, from perf mmap2 events */
	RECORD_DUPLICATE = 10, /* struct duplicate_record */
};

/* As network.io.direction: transmit = the process wrote it. */
enum direction {
	DIRECTION_TRANSMIT = 0,
	DIRECTION_RECEIVE = 1,
};

enum gap_reason {
	GAP_CALL_TOO_LARGE = 1,
	GAP_SENDFILE = 2,
	GAP_EARLY_DATA = 3,
};

/* struct lost_record.reason; each has a pair of counters in struct stats, in this order. */
enum loss_reason {
	LOSS_RING_FULL = 0,	    /* bpf_ringbuf_reserve failed */
	LOSS_USER_READ_FAILED = 1,  /* bpf_probe_read_user failed */
	LOSS_CALL_TOO_LARGE = 2,    /* more than CAPTURE_MAX_CHUNKS in one call */
	LOSS_NOT_COPIED = 3,	    /* SSL_sendfile, early data */
	LOSS_ACTIVE_CALLS_FULL = 4, /* no room to remember a call between entry and return; bytes unknown */
	LOSS_CONNECTIONS_FULL = 5,  /* no room for a connection */
	LOSS_CALL_DEPTH = 6,	    /* TLS inside TLS deeper than we follow */
	LOSS_PROCESS_RECORD = 7,    /* an exec, fork or exit record found the ring full */
	LOSS_REASON_COUNT = 8,
};

struct record_header {
	__u32 kind; /* enum record_kind */
	__u32 size; /* bytes that count, header included; the ring sample may be longer (size classes) */
	__u64 time_ns; /* CLOCK_BOOTTIME. Data: entry of a write, return of a read */
	__u32 pid; /* thread group id, initial pid namespace */
	__u32 tid;
	__u64 start_boottime_ns; /* of the thread group leader: with pid it names the process for good */
};

struct connection {
	__u64 ssl; /* the SSL* */
	__u64 generation; /* CLOCK_BOOTTIME when this SSL* was first seen (again) */
};

struct data_record {
	struct record_header header;
	struct connection connection;
	__u64 offset; /* of bytes[0] in this direction of the connection */
	__u32 length;
	__u32 direction; /* enum direction */
	__u8 bytes[];
};

struct gap_record {
	struct record_header header;
	struct connection connection;
	__u64 offset;
	__u64 length;
	__u32 direction;
	__u32 reason; /* enum gap_reason */
};

#define CLOSE_PEER_CLOSED 1u /* the peer ended the session first, or the connection was cut */
#define CLOSE_LOCAL_CLOSED 2u /* the process did (SSL_shutdown) */

struct close_record {
	struct record_header header;
	struct connection connection;
	__u64 transmitted; /* final offsets */
	__u64 received;
	__u32 flags; /* CLOSE_* */
	__u32 pad;
};

/*
 * RECORD_EXEC and RECORD_PROCESS. bytes: names of cgroup folders (each ends with NUL in a field of its own), executable,
 * interpreter, arguments (NUL-separated as in the process), back to back.
 */
struct process_record {
	struct record_header header;
	__u64 cgroup_id;
	__u32 parent_pid;
	__u32 user_id;
	__u32 group_id;
	__u32 executable_length;
	__u32 interpreter_length; /* 0 unless the executable is a script */
	__u32 arguments_length; /* bytes kept */
	__u32 arguments_total; /* bytes there were */
	__u32 cgroups_length; /* 0 (older recordings), or CAPTURE_CGROUP_NAMES fields */
	__u8 comm[CAPTURE_COMM_BYTES];
	__u8 bytes[];
};

/* header names the child. */
struct fork_record {
	struct record_header header;
	__u64 parent_start_boottime_ns;
	__u32 parent_pid;
	__u32 user_id;
};

struct exit_record {
	struct record_header header;
	__s32 exit_code; /* as in wait(2) */
	__u32 pad;
};

struct lost_record {
	struct record_header header; /* pid, tid and start are 0 */
	__u32 reason; /* enum loss_reason */
	__u32 pad;
	__u64 records; /* since the previous lost_record of this reason */
	__u64 bytes;
};

/* A new executable mapping. bytes: path as the mapping process names it. */
struct mapping_record {
	struct record_header header;
	__u64 address;
	__u64 length;
	__u64 page_offset; /* bytes */
	__u64 inode;
	__u64 inode_generation;
	__u32 device_major;
	__u32 device_minor;
	__u32 path_length;
	__u32 pad;
	__u8 bytes[];
};

/* Two attachments fired for one call: they are one inode seen through two file systems (capture rule 6). */
struct duplicate_record {
	struct record_header header;
	__u64 kept_cookie;
	__u64 duplicate_cookie;
};

/* What the iterator process_list writes for each process that runs already. */
struct process_start {
	__u32 pid;
	__u32 own_pid; /* as the sensor's own pid namespace numbers it, and /proc with it */
	__u64 start_boottime_ns;
};

struct loss_counter {
	__u64 records;
	__u64 bytes;
};

/* The only element of the map `stats`; summed by the kernel with atomic adds, never reset. */
struct stats {
	__u64 transfers; /* calls that moved bytes we were to copy */
	__u64 bytes; /* those bytes; what of them was lost is in losses */
	__u64 calls; /* probe hits, entry and return */
	__u64 duplicate_calls; /* second entries ignored (capture rule 6) */
	__u64 orphan_returns; /* returns without an entry: the call began before the attach */
	struct loss_counter losses[LOSS_REASON_COUNT];
};

#endif
