// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The least that can tell of an exit what `tail` tells: the same record, field by field, put into a
 * ring buffer without waking its reader. No containers, no counts, no filters.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 23);
} records SEC(".maps");

SEC("tp_btf/sched_process_exit")
int floor_record(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task(), *leader;
	__u64 ids = bpf_get_current_pid_tgid();
	struct record_exit *record;
	struct signal_struct *signal;
	struct upid upid = {};
	struct pid *pid;
	__u32 level;

	(void)ctx;
	signal = BPF_CORE_READ(task, signal);
	if (BPF_CORE_READ(signal, live.counter))
		return 0;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record)
		return 0;
	leader = BPF_CORE_READ(task, group_leader);
	pid = BPF_CORE_READ(leader, thread_pid);
	level = BPF_CORE_READ(pid, level);
	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = RECORD_EXIT;
	record->head.size = sizeof(*record);
	record->head.time_ns = bpf_ktime_get_boot_ns();
	record->pid = ids >> 32;
	record->tid = ids;
	record->parent_pid = BPF_CORE_READ(leader, real_parent, tgid);
	record->ns_pid = upid.nr;
	record->uid = bpf_get_current_uid_gid();
	record->status = BPF_CORE_READ(signal, group_exit_code);
	record->start_ns = BPF_CORE_READ(leader, start_boottime);
	record->max_rss_pages = BPF_CORE_READ(signal, maxrss);
	record->user_ns = BPF_CORE_READ(signal, utime) + BPF_CORE_READ(task, utime);
	record->system_ns = BPF_CORE_READ(signal, stime) + BPF_CORE_READ(task, stime);
	record->runtime_ns = BPF_CORE_READ(signal, sum_sched_runtime) +
			     BPF_CORE_READ(task, se.sum_exec_runtime);
	BPF_CORE_READ_INTO(&record->comm, leader, comm);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}
