/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every TLS library's programs are made of: `enter` remembers a call, `leave` takes it at return, with the count the
 * library really moved (a write that returns <= 0 is called again with the same bytes). Inlined with constant arguments, for
 * the stack rule of events.bpf.c; what need not be is a function of calls.bpf.c or connections.bpf.c.
 */
#ifndef OISP_CALLS_BPF_H
#define OISP_CALLS_BPF_H

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
struct call_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct thread_calls);
};
extern struct call_map active_calls SEC(".maps");

/* Owned by connections.bpf.c. */
struct connection_state {
	__u64 generation;
	__u64 offsets[2]; /* by direction */
	__u32 flags; /* CLOSE_* */
	__u32 pad;
};

/* calls.bpf.c: what the current thread has in flight; NULL when there is no room. */
__hidden struct thread_calls *calls_get(void);

/* calls.bpf.c: a second attachment fired for `first`. */
__hidden int report_duplicate(struct call *first, __u64 cookie);

/* connections.bpf.c: the state of a connection, made if need be; NULL when there is no room. */
__hidden struct connection_state *connection_get(__u64 ssl);

/* connections.bpf.c: the state of a connection that has moved bytes, or NULL. */
__hidden struct connection_state *connection_find(__u64 ssl);

/* connections.bpf.c: a connection ends, or its SSL* starts over. */
__hidden int connection_end(__u64 ssl);

/* connections.bpf.c: bytes were moved that nobody will count. */
__hidden int lose_call(__u64 ssl, __u32 direction, __u32 reason);

/* connections.bpf.c: `length` bytes that are not copied; CAPTURE_CHUNK_BYTES that are; fewer that are. */
__hidden int emit_gap(struct connection_state *state, struct call *call, __u64 length, __u32 reason);
__hidden int emit_chunk(struct connection_state *state, struct call *call, __u64 buffer);
__hidden int emit_tail(struct connection_state *state, struct call *call, __u64 buffer, __u64 length);

/* Whoever ends the session first stays the one who did. */
static __always_inline void peer_closed(struct connection_state *state)
{
	if (!(state->flags & CLOSE_LOCAL_CLOSED))
		state->flags |= CLOSE_PEER_CLOSED;
}

static __always_inline __u64 attach_cookie(struct pt_regs *ctx)
{
	/* 5.15, 7adfc6c9b315 */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie))
		return bpf_get_attach_cookie(ctx);
	return 0;
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

#endif
