// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Owns the ring buffer, the counters and the sensor's own identity. In: calls from the other files. Out: records.
 *
 * Stack rule for every uprobe program of this folder: less than 64 bytes per function. From 6.13 on the x86-64 JIT gives
 * programs with 64 bytes or more a private per-CPU stack (a76ab5731e32), and uprobe programs can be preempted and run
 * again on the same CPU, which corrupts it. native/ checks the loaded programs' stack depth in a test.
 */
#include "capture.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Ring bytes waiting from which the poller is woken; below that it comes by itself every few milliseconds. */
const volatile __u64 wakeup_bytes = 256 << 10;

/* The sensor's own thread group, as the initial pid namespace numbers it. Set once by identify_self. */
__u32 self_pid;
/* How deep its own pid namespace is; 0: it is the initial one. */
__u32 self_level;

struct record_map records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stats);
} stats SEC(".maps");

__hidden struct stats *stats_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stats, &zero);
}

__hidden __u64 wakeup_flags(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) >= wakeup_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

__hidden void count_loss(__u32 reason, __u64 bytes)
{
	struct stats *s = stats_get();

	if (!s || reason >= LOSS_REASON_COUNT)
		return;
	__sync_fetch_and_add(&s->losses[reason].records, 1);
	__sync_fetch_and_add(&s->losses[reason].bytes, bytes);
}

__hidden bool is_self(void)
{
	return bpf_get_current_pid_tgid() >> 32 == self_pid;
}

/*
 * Run once by user space in its own context (BPF_PROG_TEST_RUN of raw tracepoints, 5.10, 1b4d60ec162f): a process in a pid
 * namespace does not know its number in the initial one.
 */
SEC("raw_tp")
int identify_self(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	(void)ctx;
	self_pid = bpf_get_current_pid_tgid() >> 32;
	self_level = BPF_CORE_READ(task, thread_pid, level);
	return 0;
}
