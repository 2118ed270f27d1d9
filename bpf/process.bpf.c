// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Process life: exec, fork (of processes, not threads) and exit. The facts are taken here because a 50 ms process is gone
 * before /proc is read (capture rule 5). tp_btf needs no tracefs. And an iterator over the processes that run already, for
 * the one fact that /proc rounds to 10 ms: the start time that names a process.
 */
#include "capture.bpf.h"

/* calls.bpf.c: forget what the current thread had in flight. */
__hidden void forget_thread(void);

#define SHORT_ARGUMENTS_BYTES 512

#define CGROUPS_BYTES (CAPTURE_CGROUP_NAMES * CAPTURE_CGROUP_NAME_BYTES)
#define EXEC_RECORD_BYTES(arguments)                                                                                   \
	(sizeof(struct process_record) + CGROUPS_BYTES + 2 * CAPTURE_PATH_BYTES + (arguments))

/* Of what bpf_probe_read_kernel_str returned, without the NUL. Masked, because verifiers up to 6.12 lose the bounds of a sum. */
static __always_inline __u64 path_length(long n)
{
	__u64 length = n > 0 ? n - 1 : 0;

	barrier_var(length);
	return length & (CAPTURE_PATH_BYTES - 1);
}

/* Of a cgroup folder: its name, and that of the folder above it. */
static __always_inline void cgroup_names(__u8 *names, struct cgroup *cgroup)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);
	struct kernfs_node___since_6_15 *newer = (void *)node;
	struct kernfs_node *parent;

	if (bpf_core_field_exists(newer->__parent))
		parent = BPF_CORE_READ(newer, __parent);
	else
		parent = BPF_CORE_READ(node, parent);
	/* A pointer that is NULL gives an empty name. */
	if (bpf_probe_read_kernel_str(names, CAPTURE_CGROUP_NAME_BYTES, BPF_CORE_READ(node, name)) < 0)
		names[0] = 0;
	names += CAPTURE_CGROUP_NAME_BYTES;
	if (bpf_probe_read_kernel_str(names, CAPTURE_CGROUP_NAME_BYTES, BPF_CORE_READ(parent, name)) < 0)
		names[0] = 0;
}

/* In both hierarchies, because an engine may use either: on hosts with v1 the v2 one is empty or somebody else's. */
static __always_inline void all_cgroup_names(__u8 *names, struct task_struct *task)
{
	struct css_set *groups = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = NULL;

	cgroup_names(names, BPF_CORE_READ(groups, dfl_cgrp));
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		__u64 index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
		void *states = (void *)groups + bpf_core_field_offset(struct css_set, subsys);

		bpf_probe_read_kernel(&state, sizeof(state), states + index * sizeof(state));
	}
	cgroup_names(names + 2 * CAPTURE_CGROUP_NAME_BYTES, BPF_CORE_READ(state, cgroup));
}

/* Fills a reserved record whose argument area holds `room` bytes. */
static __always_inline void exec_fill(struct process_record *record, struct task_struct *task, struct linux_binprm *bprm,
				      __u64 room)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);
	const char *filename = BPF_CORE_READ(bprm, filename);
	const char *interp = BPF_CORE_READ(bprm, interp);
	__u64 total = end > start ? end - start : 0;
	__u8 *bytes = record->bytes + CGROUPS_BYTES;
	__u64 used = 0;
	__u64 length;
	long n;

	header_fill(&record->header, RECORD_EXEC, 0, bpf_ktime_get_boot_ns());
	record->cgroup_id = bpf_get_current_cgroup_id();
	record->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	record->user_id = BPF_CORE_READ(task, cred, uid.val);
	record->group_id = BPF_CORE_READ(task, cred, gid.val);
	record->cgroups_length = CGROUPS_BYTES;
	record->executable_length = 0;
	record->interpreter_length = 0;
	record->arguments_length = 0;
	record->arguments_total = total;
	bpf_probe_read_kernel(record->comm, sizeof(record->comm), task->comm);
	all_cgroup_names(record->bytes, task);

	n = bpf_probe_read_kernel_str(bytes, CAPTURE_PATH_BYTES, filename);
	used = path_length(n);
	record->executable_length = used;
	if (interp != filename) {
		n = bpf_probe_read_kernel_str(bytes + used, CAPTURE_PATH_BYTES, interp);
		record->interpreter_length = path_length(n);
		used += path_length(n);
	}
	length = total < room ? total : room;
	barrier_var(length);
	if (length > room || used > 2 * CAPTURE_PATH_BYTES)
		return;
	if (length && bpf_probe_read_user(bytes + used, length, (void *)start) == 0)
		record->arguments_length = length;
	record->header.size = sizeof(*record) + CGROUPS_BYTES + used + record->arguments_length;
}

#define EMIT_EXEC(room)                                                                                                \
	do {                                                                                                           \
		struct process_record *record = bpf_ringbuf_reserve(&records, EXEC_RECORD_BYTES(room), 0);             \
		if (!record) {                                                                                         \
			count_loss(LOSS_PROCESS_RECORD, 0);                                                            \
			return 0;                                                                                      \
		}                                                                                                      \
		exec_fill(record, task, bprm, room);                                                                   \
		bpf_ringbuf_submit(record, wakeup_flags());                                                            \
	} while (0)

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);

	if (end - start <= SHORT_ARGUMENTS_BYTES)
		EMIT_EXEC(SHORT_ARGUMENTS_BYTES);
	else
		EMIT_EXEC(CAPTURE_ARGUMENTS_BYTES);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct fork_record *record;

	if (child->pid != child->tgid)
		return 0; /* a thread */
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count_loss(LOSS_PROCESS_RECORD, 0);
		return 0;
	}
	record->header.kind = RECORD_FORK;
	record->header.size = sizeof(*record);
	record->header.time_ns = bpf_ktime_get_boot_ns();
	record->header.pid = child->tgid;
	record->header.tid = child->pid;
	record->header.start_boottime_ns = child->start_boottime;
	record->parent_pid = parent->tgid;
	record->parent_start_boottime_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	record->user_id = BPF_CORE_READ(child, cred, uid.val);
	bpf_ringbuf_submit(record, wakeup_flags());
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct exit_record *record;

	forget_thread();
	/* do_exit() has counted this thread off already: 0 means it was the last of its process. */
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count_loss(LOSS_PROCESS_RECORD, 0);
		return 0;
	}
	header_fill(&record->header, RECORD_EXIT, sizeof(*record), bpf_ktime_get_boot_ns());
	record->exit_code = task->exit_code;
	record->pad = 0;
	bpf_ringbuf_submit(record, wakeup_flags());
	return 0;
}

/* 0: the sensor's namespace does not hold the process. */
static __always_inline __u32 own_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	void *number = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
		       (__u64)self_level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
	__u32 out = 0;

	if (BPF_CORE_READ(pid, level) >= self_level)
		bpf_probe_read_kernel(&out, sizeof(out), number);
	return out;
}

SEC("iter/task")
int process_list(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct process_start start = {};

	if (!task || task->pid != task->tgid)
		return 0;
	start.pid = task->tgid;
	start.own_pid = own_pid(task);
	start.start_boottime_ns = task->start_boottime;
	bpf_seq_write(ctx->meta->seq, &start, sizeof(start));
	return 0;
}
