/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * BPF-only declarations: what events.bpf.c provides to the other .bpf.c files. User space never sees this.
 */
#ifndef OISP_CAPTURE_BPF_H
#define OISP_CAPTURE_BPF_H

/* The headers of libc and libbpf are not ours to pad. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"
#include <stdbool.h>
#include <linux/bpf.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "kernel.h"
#pragma clang diagnostic pop
#include "capture.h"

/* Owned by events.bpf.c. */
struct record_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 << 20); /* user space sets the size before load */
};
extern struct record_map records SEC(".maps");

/* events.bpf.c: the only element of the map `stats`, never NULL in practice; the verifier wants the check. */
__hidden struct stats *stats_get(void);

/* events.bpf.c: flags for bpf_ringbuf_submit. */
__hidden __u64 wakeup_flags(void);

/* events.bpf.c: one loss of `reason`, `bytes` of payload (0 when unknown). */
__hidden void count_loss(__u32 reason, __u64 bytes);

/* events.bpf.c: is the current process the sensor itself? */
__hidden bool is_self(void);

/* events.bpf.c: how deep the sensor's own pid namespace is; 0: it is the initial one. */
extern __u32 self_level;

/* Fills everything but kind and size from the current task. */
static __always_inline void header_fill(struct record_header *header, __u32 kind, __u32 size, __u64 time_ns)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid();

	header->kind = kind;
	header->size = size;
	header->time_ns = time_ns;
	header->pid = id >> 32;
	header->tid = (__u32)id;
	header->start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime);
}

#endif
