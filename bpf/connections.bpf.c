// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Owns the state of every connection: its generation and a running offset per direction that advances even when bytes cannot be
 * copied, so that user space sees the exact gap. In: calls from the programs of a TLS library. Out: data, gap and close
 * records. Knows no library and parses nothing.
 */
#include "calls.bpf.h"

struct connection_key {
	__u32 pid;
	__u32 pad;
	__u64 start_boottime_ns;
	__u64 ssl;
};

/* LRU: a process that dies without SSL_free leaves its connections behind. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct connection_key);
	__type(value, struct connection_state);
} connections SEC(".maps");

/* First value of a new element; on the stack it would break the stack rule of events.bpf.c. */
static const struct connection_state new_connection = {};

__hidden __noinline struct connection_state *connection_get(__u64 ssl)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct connection_key key = {
		.pid = bpf_get_current_pid_tgid() >> 32,
		.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime),
		.ssl = ssl,
	};
	struct connection_state *state = bpf_map_lookup_elem(&connections, &key);

	if (state)
		return state;
	bpf_map_update_elem(&connections, &key, &new_connection, BPF_NOEXIST);
	state = bpf_map_lookup_elem(&connections, &key);
	if (state)
		state->generation = bpf_ktime_get_boot_ns();
	return state;
}

/* The state of a connection that has moved bytes, or NULL. */
__hidden __noinline struct connection_state *connection_find(__u64 ssl)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct connection_key key = {
		.pid = bpf_get_current_pid_tgid() >> 32,
		.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime),
		.ssl = ssl,
	};

	return bpf_map_lookup_elem(&connections, &key);
}

/*
 * Takes `length` bytes of the stream's numbering; their bytes may or may not follow. Not atomic: OpenSSL allows one thread at
 * a time in an SSL, and an atomic add that returns a value needs 5.12 (5ffa25502b5a).
 */
static __always_inline __u64 offset_advance(struct connection_state *state, __u32 direction, __u64 length)
{
	__u64 offset = state->offsets[direction & 1];

	state->offsets[direction & 1] = offset + length;
	return offset;
}

/*
 * A call that cannot be remembered moves bytes nobody will count. One byte of the numbering stands for them, so that the stream
 * has a hole there and its exchange is not called complete.
 */
__hidden __noinline int lose_call(__u64 ssl, __u32 direction, __u32 reason)
{
	struct connection_state *state = connection_get(ssl);

	count_loss(reason, 0);
	if (state)
		offset_advance(state, direction, 1);
	return 0;
}

__hidden __noinline int emit_gap(struct connection_state *state, struct call *call, __u64 length, __u32 reason)
{
	struct gap_record *record;
	__u64 offset;

	if (!state || !call)
		return 0;
	offset = offset_advance(state, call->direction, length);
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record)
		return 0; /* the next offset shows the same gap */
	header_fill(&record->header, RECORD_GAP, sizeof(*record), call->time_ns);
	record->connection.ssl = call->ssl;
	record->connection.generation = state->generation;
	record->offset = offset;
	record->length = length;
	record->direction = call->direction;
	record->reason = reason;
	bpf_ringbuf_submit(record, wakeup_flags());
	return 0;
}

/*
 * One record of a fixed size class, user memory read straight into it: a per-CPU scratch buffer would be corrupted when the
 * program is preempted (capture rule 1). When the ring is full or the memory cannot be read, the offset advances all the
 * same and the loss is counted: the next offset shows it (capture rule 2).
 */
#define EMIT_DATA(room)                                                                                                \
	do {                                                                                                           \
		__u64 offset = offset_advance(state, call->direction, length);                                         \
		struct data_record *record = bpf_ringbuf_reserve(&records, sizeof(*record) + (room), 0);               \
                                                                                                                       \
		if (!record) {                                                                                         \
			count_loss(LOSS_RING_FULL, length);                                                            \
			break;                                                                                         \
		}                                                                                                      \
		if (length > (room) || bpf_probe_read_user(record->bytes, length, (void *)buffer)) {                   \
			bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);                                                 \
			count_loss(LOSS_USER_READ_FAILED, length);                                                     \
			break;                                                                                         \
		}                                                                                                      \
		data_fill(record, state, call, offset, length);                                                        \
		bpf_ringbuf_submit(record, wakeup_flags());                                                            \
	} while (0)

static __always_inline void data_fill(struct data_record *record, struct connection_state *state, struct call *call,
				      __u64 offset, __u64 length)
{
	header_fill(&record->header, RECORD_DATA, sizeof(*record) + length, call->time_ns);
	record->connection.ssl = call->ssl;
	record->connection.generation = state->generation;
	record->offset = offset;
	record->length = length;
	record->direction = call->direction;
}

/* A whole chunk: apart from the size classes below, so that the verifier walks one path per iteration of the loop. */
__hidden __noinline int emit_chunk(struct connection_state *state, struct call *call, __u64 buffer)
{
	const __u64 length = CAPTURE_CHUNK_BYTES;

	if (state && call)
		EMIT_DATA(CAPTURE_CHUNK_BYTES);
	return 0;
}

__hidden __noinline int emit_tail(struct connection_state *state, struct call *call, __u64 buffer, __u64 length)
{
	if (!state || !call)
		return 0;
	if (length <= 256)
		EMIT_DATA(256);
	else if (length <= 1024)
		EMIT_DATA(1024);
	else if (length <= 4096)
		EMIT_DATA(4096);
	else if (length <= 16384)
		EMIT_DATA(16384);
	else
		EMIT_DATA(CAPTURE_CHUNK_BYTES);
	return 0;
}

/* Final offsets of a connection that ends or starts over. Its key may then serve a new one. */
__hidden __noinline int connection_end(__u64 ssl)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct connection_key key = {
		.pid = bpf_get_current_pid_tgid() >> 32,
		.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime),
		.ssl = ssl,
	};
	struct connection_state *state = bpf_map_lookup_elem(&connections, &key);
	struct close_record *record;

	if (!state)
		return 0;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count_loss(LOSS_RING_FULL, 0);
	} else {
		header_fill(&record->header, RECORD_CLOSE, sizeof(*record), bpf_ktime_get_boot_ns());
		record->connection.ssl = ssl;
		record->connection.generation = state->generation;
		record->transmitted = state->offsets[DIRECTION_TRANSMIT];
		record->received = state->offsets[DIRECTION_RECEIVE];
		record->flags = state->flags;
		record->pad = 0;
		bpf_ringbuf_submit(record, wakeup_flags());
	}
	bpf_map_delete_elem(&connections, &key);
	return 0;
}
