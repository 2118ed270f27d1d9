// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Uprobes on OpenSSL's plaintext functions. In: calls of SSL_read, SSL_write and their kin. Out: data, gap and close records
 * with a running offset per (connection, direction) that advances even when bytes cannot be copied, so that user space
 * sees the exact gap. Parses nothing.
 *
 * A call is remembered at entry and taken at return, with the count the library really moved: a write that returns <= 0 is
 * called again with the same bytes.
 */
#include "capture.bpf.h"

/* TLS in TLS (an HTTPS proxy), and an `_ex` form that calls the plain one: deeper than this is counted, not followed. */
#define CALL_DEPTH 4

/* On return the return address has been popped. */
#if defined(__TARGET_ARCH_x86)
#define RETURN_STACK_DELTA 8
#else
#define RETURN_STACK_DELTA 0
#endif

enum call_kind {
	CALL_PLAIN, /* int count as return value */
	CALL_EX, /* 1 as return value, count through a pointer */
	CALL_SENDFILE, /* signed size as return value; the bytes never were in user memory */
	CALL_EARLY_DATA, /* as CALL_EX; not copied */
};

/* One call between entry and return. */
struct call {
	__u64 ssl;
	__u64 buffer;
	__u64 count_pointer;
	__u64 stack; /* stack pointer at entry: which return belongs to it */
	__u64 ip;
	__u64 time_ns;
	__u64 cookie;
	__u32 direction;
	__u32 is_nested; /* an outer call of the same connection and direction reports the bytes */
};

struct thread_calls {
	__u32 depth;
	__u32 pad;
	struct call calls[CALL_DEPTH];
};

/* By thread. An entry stays until its thread exits: deleting it after every call would cost more than the call. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct thread_calls);
} active_calls SEC(".maps");

struct connection_key {
	__u32 pid;
	__u32 pad;
	__u64 start_boottime_ns;
	__u64 ssl;
};

struct connection_state {
	__u64 generation;
	__u64 offsets[2]; /* by direction */
	__u32 flags; /* CLOSE_* */
	__u32 pad;
};

/* LRU: a process that dies without SSL_free leaves its connections behind. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct connection_key);
	__type(value, struct connection_state);
} connections SEC(".maps");

/* First values of new map elements; on the stack they would break the stack rule of events.bpf.c. */
static const struct thread_calls no_calls = {};
static const struct connection_state new_connection = {};

__hidden void forget_thread(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&active_calls, &thread);
}

static __always_inline __u64 attach_cookie(struct pt_regs *ctx)
{
	/* 5.15, 7adfc6c9b315 */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie))
		return bpf_get_attach_cookie(ctx);
	return 0;
}

static __noinline int report_duplicate(struct call *first, __u64 cookie)
{
	struct duplicate_record *record;
	struct stats *s = stats_get();

	if (s)
		__sync_fetch_and_add(&s->duplicate_calls, 1);
	if (!first)
		return 0;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record)
		return 0; /* it will happen again */
	header_fill(&record->header, RECORD_DUPLICATE, sizeof(*record), bpf_ktime_get_boot_ns());
	record->kept_cookie = first->cookie;
	record->duplicate_cookie = cookie;
	bpf_ringbuf_submit(record, wakeup_flags());
	return 0;
}

static __noinline struct thread_calls *calls_get(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct thread_calls *calls = bpf_map_lookup_elem(&active_calls, &thread);

	if (calls)
		return calls;
	bpf_map_update_elem(&active_calls, &thread, &no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&active_calls, &thread);
}

/* The mask is for the verifier, which loses a bound that the compiler moves. */
static __always_inline struct call *call_at(struct thread_calls *calls, __u32 index)
{
	barrier_var(index);
	return &calls->calls[index & (CALL_DEPTH - 1)];
}

static __always_inline void count_call(void)
{
	struct stats *s = stats_get();

	if (s)
		__sync_fetch_and_add(&s->calls, 1);
}

static __noinline struct connection_state *connection_get(__u64 ssl)
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
static __noinline int lose_call(__u64 ssl, __u32 direction, __u32 reason)
{
	struct connection_state *state = connection_get(ssl);

	count_loss(reason, 0);
	if (state)
		offset_advance(state, direction, 1);
	return 0;
}

/* Which argument holds what. All are compile-time constants: values read early would be spilled and break the stack rule. */
enum arguments {
	ARGUMENTS_NO_BUFFER,
	ARGUMENTS_PLAIN, /* ssl, buffer */
	ARGUMENTS_COUNT_4, /* ssl, buffer, _, count pointer */
	ARGUMENTS_COUNT_5, /* ssl, buffer, _, _, count pointer */
};

static __always_inline int enter(struct pt_regs *ctx, enum arguments arguments, __u32 direction)
{
	struct thread_calls *calls;
	struct call *call;
	__u32 depth, i, is_nested = 0;

	if (is_self())
		return 0;
	count_call();
	calls = calls_get();
	if (!calls)
		return lose_call(PT_REGS_PARM1(ctx), direction, LOSS_ACTIVE_CALLS_FULL);
	depth = calls->depth;
	for (i = 0; i < CALL_DEPTH; i++) {
		if (depth == 0 || depth > CALL_DEPTH)
			break;
		call = call_at(calls, depth - 1);
		if (call->stack > PT_REGS_SP(ctx))
			break; /* really outer */
		/* The same attachment again is a call that was left and repeated; another one is a second file system's. */
		if (call->stack == PT_REGS_SP(ctx) && call->ip == PT_REGS_IP(ctx) && call->ssl == PT_REGS_PARM1(ctx) &&
		    call->cookie != attach_cookie(ctx))
			return report_duplicate(call, attach_cookie(ctx));
		depth--; /* left by longjmp or an exception: its return never came */
	}
	for (i = 0; i < CALL_DEPTH; i++)
		if (i < depth && calls->calls[i].ssl == PT_REGS_PARM1(ctx) && calls->calls[i].direction == direction)
			is_nested = 1;
	if (depth >= CALL_DEPTH)
		return lose_call(PT_REGS_PARM1(ctx), direction, LOSS_CALL_DEPTH);
	call = call_at(calls, depth);
	call->ssl = PT_REGS_PARM1(ctx);
	call->buffer = arguments == ARGUMENTS_NO_BUFFER ? 0 : PT_REGS_PARM2(ctx);
	call->count_pointer = 0;
	if (arguments == ARGUMENTS_COUNT_4)
		call->count_pointer = PT_REGS_PARM4(ctx);
	if (arguments == ARGUMENTS_COUNT_5)
		call->count_pointer = PT_REGS_PARM5(ctx);
	call->stack = PT_REGS_SP(ctx);
	call->ip = PT_REGS_IP(ctx);
	call->time_ns = bpf_ktime_get_boot_ns();
	call->cookie = attach_cookie(ctx);
	call->direction = direction;
	call->is_nested = is_nested;
	calls->depth = depth + 1;
	return 0;
}

/* The call whose return this is, taken off the thread's stack of calls; NULL when its entry was not seen. */
static __always_inline struct call *call_take(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct thread_calls *calls;
	struct stats *s;
	__u32 i;

	if (is_self())
		return NULL;
	count_call();
	calls = bpf_map_lookup_elem(&active_calls, &thread);
	for (i = 0; calls && i < CALL_DEPTH; i++) {
		__u32 depth = calls->depth;
		struct call *call;

		if (depth == 0 || depth > CALL_DEPTH)
			break;
		call = call_at(calls, depth - 1);
		if (call->stack + RETURN_STACK_DELTA > PT_REGS_SP(ctx))
			break;
		calls->depth = depth - 1;
		if (call->stack + RETURN_STACK_DELTA == PT_REGS_SP(ctx))
			return call;
	}
	s = stats_get();
	if (s)
		__sync_fetch_and_add(&s->orphan_returns, 1);
	return NULL;
}

static __noinline int emit_gap(struct connection_state *state, struct call *call, __u64 length, __u32 reason)
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
static __noinline int emit_chunk(struct connection_state *state, struct call *call, __u64 buffer)
{
	const __u64 length = CAPTURE_CHUNK_BYTES;

	if (state && call)
		EMIT_DATA(CAPTURE_CHUNK_BYTES);
	return 0;
}

static __noinline int emit_tail(struct connection_state *state, struct call *call, __u64 buffer, __u64 length)
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

static __always_inline int emit_bytes(struct connection_state *state, struct call *call, __u64 count)
{
	__u64 buffer = call->buffer;
	struct stats *s = stats_get();
	__u32 i;

	if (s) {
		__sync_fetch_and_add(&s->transfers, 1);
		__sync_fetch_and_add(&s->bytes, count);
	}
	for (i = 0; i < CAPTURE_MAX_CHUNKS && count >= CAPTURE_CHUNK_BYTES; i++) {
		emit_chunk(state, call, buffer);
		buffer += CAPTURE_CHUNK_BYTES;
		count -= CAPTURE_CHUNK_BYTES;
	}
	if (count >= CAPTURE_CHUNK_BYTES) {
		count_loss(LOSS_CALL_TOO_LARGE, count);
		return emit_gap(state, call, count, GAP_CALL_TOO_LARGE);
	}
	return count ? emit_tail(state, call, buffer, count) : 0;
}

/* Bytes the library moved in this call; 0 for none. */
static __always_inline __u64 moved_bytes(struct pt_regs *ctx, struct call *call, __u32 kind)
{
	__u64 count = 0;

	if (kind == CALL_PLAIN) {
		int result = (int)PT_REGS_RC(ctx);

		return result > 0 ? result : 0;
	}
	if (kind == CALL_SENDFILE) {
		__s64 result = (__s64)PT_REGS_RC(ctx);

		return result > 0 ? result : 0;
	}
	if ((int)PT_REGS_RC(ctx) != 1)
		return 0;
	if (bpf_probe_read_user(&count, sizeof(count), (void *)call->count_pointer))
		return lose_call(call->ssl, call->direction, LOSS_USER_READ_FAILED);
	return count;
}

/* Whoever ends the session first stays the one who did. */
static __always_inline void peer_closed(struct connection_state *state)
{
	if (!(state->flags & CLOSE_LOCAL_CLOSED))
		state->flags |= CLOSE_PEER_CLOSED;
}

static __always_inline int leave(struct pt_regs *ctx, __u32 kind)
{
	struct call *call = call_take(ctx);
	struct connection_state *state;
	__u64 count;

	if (!call || call->is_nested)
		return 0;
	count = moved_bytes(ctx, call, kind);
	if (count == 0 && !(kind == CALL_PLAIN && call->direction == DIRECTION_RECEIVE && (int)PT_REGS_RC(ctx) == 0))
		return 0;
	state = connection_get(call->ssl);
	if (!state) {
		count_loss(LOSS_CONNECTIONS_FULL, count);
		return 0;
	}
	if (count == 0) {
		peer_closed(state);
		return 0;
	}
	/* A read's bytes exist from its return on, a write's from its entry. */
	if (call->direction == DIRECTION_RECEIVE)
		call->time_ns = bpf_ktime_get_boot_ns();
	if (kind == CALL_SENDFILE || kind == CALL_EARLY_DATA) {
		count_loss(LOSS_NOT_COPIED, count);
		return emit_gap(state, call, count, kind == CALL_SENDFILE ? GAP_SENDFILE : GAP_EARLY_DATA);
	}
	return emit_bytes(state, call, count);
}

/* Final offsets of a connection that ends or starts over. Its key may then serve a new one. */
static __noinline int connection_end(__u64 ssl)
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

/* The state of a connection that has moved bytes, or NULL. */
static __noinline struct connection_state *connection_find(__u64 ssl)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct connection_key key = {
		.pid = bpf_get_current_pid_tgid() >> 32,
		.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime),
		.ssl = ssl,
	};

	return bpf_map_lookup_elem(&connections, &key);
}

/* int SSL_write(SSL *ssl, const void *buf, int num) */
SEC("uprobe")
int ssl_write_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_PLAIN, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_PLAIN);
}

/* int SSL_read(SSL *ssl, void *buf, int num) */
SEC("uprobe")
int ssl_read_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_PLAIN, DIRECTION_RECEIVE);
}

SEC("uretprobe")
int ssl_read_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_PLAIN);
}

/* int SSL_write_ex(SSL *s, const void *buf, size_t num, size_t *written) */
SEC("uprobe")
int ssl_write_ex_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_ex_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EX);
}

/* int SSL_write_ex2(SSL *s, const void *buf, size_t num, uint64_t flags, size_t *written), OpenSSL 3.3 */
SEC("uprobe")
int ssl_write_ex2_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_5, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_ex2_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EX);
}

/* int SSL_read_ex(SSL *ssl, void *buf, size_t num, size_t *readbytes) */
SEC("uprobe")
int ssl_read_ex_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_RECEIVE);
}

SEC("uretprobe")
int ssl_read_ex_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EX);
}

/* ossl_ssize_t SSL_sendfile(SSL *s, int fd, off_t offset, size_t size, int flags) */
SEC("uprobe")
int ssl_sendfile_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_NO_BUFFER, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_sendfile_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_SENDFILE);
}

/* int SSL_write_early_data(SSL *s, const void *buf, size_t num, size_t *written) */
SEC("uprobe")
int ssl_write_early_data_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_TRANSMIT);
}

SEC("uretprobe")
int ssl_write_early_data_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EARLY_DATA);
}

/* int SSL_read_early_data(SSL *s, void *buf, size_t num, size_t *readbytes): 1 = SSL_READ_EARLY_DATA_SUCCESS */
SEC("uprobe")
int ssl_read_early_data_enter(struct pt_regs *ctx)
{
	return enter(ctx, ARGUMENTS_COUNT_4, DIRECTION_RECEIVE);
}

SEC("uretprobe")
int ssl_read_early_data_exit(struct pt_regs *ctx)
{
	return leave(ctx, CALL_EARLY_DATA);
}

/* void SSL_free(SSL *ssl) */
SEC("uprobe")
int ssl_free_enter(struct pt_regs *ctx)
{
	return is_self() ? 0 : connection_end(PT_REGS_PARM1(ctx));
}

/* int SSL_clear(SSL *ssl): the same SSL* starts over */
SEC("uprobe")
int ssl_clear_enter(struct pt_regs *ctx)
{
	return is_self() ? 0 : connection_end(PT_REGS_PARM1(ctx));
}

/*
 * int SSL_get_error(const SSL *ssl, int ret): what a failed call meant. SSL_read_ex says 0 for "later" and for "never again",
 * and SSL_read -1 for "later" and for a connection that was cut; this tells them apart.
 */
SEC("uprobe")
int ssl_get_error_enter(struct pt_regs *ctx)
{
	/* After a success there is nothing to learn. */
	return (int)PT_REGS_PARM2(ctx) > 0 ? 0 : enter(ctx, ARGUMENTS_NO_BUFFER, DIRECTION_RECEIVE);
}

/* include/openssl/ssl.h */
#define SSL_ERROR_SSL 1
#define SSL_ERROR_SYSCALL 5
#define SSL_ERROR_ZERO_RETURN 6

SEC("uretprobe")
int ssl_get_error_exit(struct pt_regs *ctx)
{
	int error = (int)PT_REGS_RC(ctx);
	struct connection_state *state;
	struct call *call;

	if (error == 0)
		return 0;
	call = call_take(ctx);
	if (!call || (error != SSL_ERROR_SSL && error != SSL_ERROR_SYSCALL && error != SSL_ERROR_ZERO_RETURN))
		return 0;
	state = connection_find(call->ssl);
	if (state)
		peer_closed(state);
	return 0;
}

/* int SSL_shutdown(SSL *ssl) */
SEC("uprobe")
int ssl_shutdown_enter(struct pt_regs *ctx)
{
	struct connection_state *state;

	if (is_self())
		return 0;
	state = connection_find(PT_REGS_PARM1(ctx));
	if (state && !(state->flags & CLOSE_PEER_CLOSED))
		state->flags |= CLOSE_LOCAL_CLOSED;
	return 0;
}
