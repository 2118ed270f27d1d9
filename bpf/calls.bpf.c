// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Owns the calls that have been entered and not left, by thread. In: calls from the programs of a TLS library. Out: duplicate
 * records. The stack discipline itself is inlined into every program (calls.bpf.h).
 */
#include "calls.bpf.h"

struct call_map active_calls SEC(".maps");

/* First value of a new element; on the stack it would break the stack rule of events.bpf.c. */
static const struct thread_calls no_calls = {};

__hidden void forget_thread(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&active_calls, &thread);
}

__hidden __noinline struct thread_calls *calls_get(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct thread_calls *calls = bpf_map_lookup_elem(&active_calls, &thread);

	if (calls)
		return calls;
	bpf_map_update_elem(&active_calls, &thread, &no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&active_calls, &thread);
}

__hidden __noinline int report_duplicate(struct call *first, __u64 cookie)
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
