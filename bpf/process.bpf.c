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

#define EXEC_RECORD_BYTES(arguments) (sizeof(struct process_record) + 2 * CAPTURE_PATH_BYTES + (arguments))

/* Of what bpf_probe_read_kernel_str returned, without the NUL. Masked, because verifiers up to 6.12 lose the bounds of a sum. */
static __always_inline __u64 path_length(long n)
{
	__u64 length = n > 0 ? n - 1 : 0;

	barrier_var(length);
	return length & (CAPTURE_PATH_BYTES - 1);
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
	__u64 used = 0;
	__u64 length;
	long n;

	header_fill(&record->header, RECORD_EXEC, 0, bpf_ktime_get_boot_ns());
	record->cgroup_id = bpf_get_current_cgroup_id();
	record->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	record->user_id = BPF_CORE_READ(task, cred, uid.val);
	record->group_id = BPF_CORE_READ(task, cred, gid.val);
	record->pad = 0;
	record->executable_length = 0;
	record->interpreter_length = 0;
	record->arguments_length = 0;
	record->arguments_total = total;
	bpf_probe_read_kernel(record->comm, sizeof(record->comm), task->comm);

	n = bpf_probe_read_kernel_str(record->bytes, CAPTURE_PATH_BYTES, filename);
	used = path_length(n);
	record->executable_length = used;
	if (interp != filename) {
		n = bpf_probe_read_kernel_str(record->bytes + used, CAPTURE_PATH_BYTES, interp);
		record->interpreter_length = path_length(n);
		used += path_length(n);
	}
	length = total < room ? total : room;
	barrier_var(length);
	if (length > room || used > 2 * CAPTURE_PATH_BYTES)
		return;
	if (length && bpf_probe_read_user(record->bytes + used, length, (void *)start) == 0)
		record->arguments_length = length;
	record->header.size = sizeof(*record) + used + record->arguments_length;
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

SEC("iter/task")
int process_list(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct process_start start = {};

	if (!task || task->pid != task->tgid)
		return 0;
	start.pid = task->tgid;
	start.start_boottime_ns = task->start_boottime;
	bpf_seq_write(ctx->meta->seq, &start, sizeof(start));
	return 0;
}
