// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sched_process_exit: fires for each thread, in its own context, on all kernels since 5.10; up to
 * 6.12 after the address space is gone, since 6.16 before.
 *
 * A process has exited when its last thread has. From 6.16 on the tracepoint says so (group_dead);
 * before, `signal->live == 0` does, which up to three threads of one process may see. A member of a
 * container is told once because leaving `processes` succeeds once; any other by a table of
 * the told. `pid == tgid` would be wrong twice: a worker may be last, and an exec by a worker ends
 * the old leader while the process lives on.
 *
 * The classic tracepoint is never skipped by the kernel; the BTF one is from 7.1 on, now and then
 * (recursion_misses), but can be pinned on 5.10. User space loads one of the two.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "compat.h"
#include "members.h"

static __always_inline __s32 exit_status(struct task_struct *leader, struct signal_struct *signal)
{
	/* Equal to wait4's on every kernel and in every case tried; each field alone is not. */
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_ENDS)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(leader, exit_code);
}

/* Time of the threads already gone, plus what the leader and this last thread still hold. */
static __always_inline void fill_times(struct record_exit *record, struct task_struct *task,
				       struct task_struct *leader, struct signal_struct *signal)
{
	record->user_ns = BPF_CORE_READ(signal, utime) + BPF_CORE_READ(task, utime);
	record->system_ns = BPF_CORE_READ(signal, stime) + BPF_CORE_READ(task, stime);
	record->runtime_ns = BPF_CORE_READ(signal, sum_sched_runtime) +
			     BPF_CORE_READ(task, se.sum_exec_runtime);
	if (leader == task)
		return;
	record->user_ns += BPF_CORE_READ(leader, utime);
	record->system_ns += BPF_CORE_READ(leader, stime);
	record->runtime_ns += BPF_CORE_READ(leader, se.sum_exec_runtime);
}

/* For the container's own memory, in case the record is lost. */
static __always_inline void note_end(struct abi_end *end, struct task_struct *leader, __u32 tgid,
				     __s32 status)
{
	end->start_ns = BPF_CORE_READ(leader, start_boottime);
	end->pid = tgid;
	end->status = status;
	BPF_CORE_READ_INTO(&end->comm, leader, comm);
	end->time_ns = bpf_ktime_get_boot_ns();
}

/*
 * A helper's fork that did not become another program: s6-supervise forks for each `finish`, whether
 * there is one or not, and that fork ends with 127. It counts, but how it ends says nothing about the
 * work.
 */
static __always_inline bool is_helper_fork(struct task_struct *leader)
{
	char comm[ABI_COMM_SIZE] = {};

	if (task_has_execed(leader))
		return false;
	BPF_CORE_READ_INTO(&comm, leader, comm);
	return comm_is_helper(comm);
}

static __always_inline void note_task_end(struct abi_container *container,
					  struct task_struct *leader, __u32 tgid, __s32 status,
					  __u32 *ret_flags)
{
	if ((!status && container->counts.tasks) || !has_init(container))
		return;
	if (is_helper_fork(leader)) {
		*ret_flags |= EXIT_FORKED;
		return;
	}
	if (status && !container->first_failure.time_ns)
		note_end(&container->first_failure, leader, tgid, status);
	if (container->counts.tasks)
		return;
	if (container_is_unsure(container)) {
		*ret_flags |= EXIT_UNSURE;
		note_unseen_end(container, tgid);
		return;
	}
	note_end(&container->last_task, leader, tgid, status);
}

/*
 * For metrics: one more exit of this kind. Of members alone, and here: to count the host's, too,
 * each process of the host would have to be looked at, which is what the first line of on_exit saves.
 */
static __always_inline void count_exit(struct signal_struct *signal, __u32 role, __s32 status)
{
	__u32 result = RESULT_SUCCESS, kind;
	__u64 *count;

	if (settings.emit != EMIT_CHANGES)
		return; /* a tail, whose reader gets each exit */
	if (status & 0x7f)
		result = BPF_CORE_READ(signal, oom_mm) ? RESULT_OOM : RESULT_SIGNAL;
	else if (status)
		result = RESULT_FAILURE;
	kind = role * RESULT_COUNT + result;
	count = bpf_map_lookup_elem(&exits, &kind);
	if (count)
		(*count)++;
}

static __always_inline bool is_wanted(__u32 tgid, __u32 uid, __s32 status, __u32 flags)
{
	if (settings.pid && settings.pid != tgid)
		return false;
	if (settings.has_uid && settings.uid != uid)
		return false;
	if (settings.is_failed_only && status == 0)
		return false;
	if (settings.is_last_only && !(flags & EXIT_LAST))
		return false;
	return true;
}

static __always_inline void emit_exit(struct task_struct *task, struct abi_process *process,
				      struct abi_container *container, __u32 flags)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	__u32 uid = (__u32)bpf_get_current_uid_gid(), level;
	__u64 ids = bpf_get_current_pid_tgid();
	bool is_thread = flags & EXIT_THREAD;
	struct record_exit *record;
	__s32 status;

	status = is_thread ? BPF_CORE_READ(task, exit_code) : exit_status(leader, signal);
	if (!is_wanted(ids >> 32, uid, status, flags))
		return;
	if (BPF_CORE_READ(signal, oom_mm))
		flags |= EXIT_OOM;
	record = record_reserve(RECORD_EXIT, flags, sizeof(*record), process->container);
	if (!record)
		return;
	record->pid = ids >> 32;
	record->tid = ids;
	record->parent_pid = BPF_CORE_READ(leader, real_parent, tgid);
	record->ns_pid = task_ns_pid(leader, &level);
	record->uid = uid;
	record->status = status;
	record->role = process->role;
	record->pad = 0;
	record->start_ns = is_thread ? BPF_CORE_READ(task, start_boottime) :
				       BPF_CORE_READ(leader, start_boottime);
	record->max_rss_pages = BPF_CORE_READ(signal, maxrss);
	fill_times(record, task, leader, signal);
	if (container)
		record->counts = container->counts;
	else
		__builtin_memset(&record->counts, 0, sizeof(record->counts));
	BPF_CORE_READ_INTO(&record->comm, is_thread ? task : leader, comm);
	record_submit(record, flags & (EXIT_LAST | EXIT_EMPTY) || process->role == ROLE_INIT);
}

/* Where the kernel does not say which thread is the last, several may come by. True for the first. */
static __always_inline bool is_first_told(struct task_struct *task, __u32 tgid)
{
	struct told_key key;
	__u8 one = 1;

	if (settings.has_group_dead)
		return true;
	key = task_told_key(BPF_CORE_READ(task, group_leader), tgid, TOLD_ALL);
	return bpf_map_update_elem(&told, &key, &one, BPF_NOEXIST) == 0;
}

/*
 * For whoever counts meanwhile and may have met this process a moment ago, as a living one. Before it is
 * looked for among the members: so one of the two sees the other.
 */
static __always_inline void tell_adoption(struct task_struct *task, __u32 tgid)
{
	struct told_key key = task_told_key(BPF_CORE_READ(task, group_leader), tgid, TOLD_ADOPTION);
	__u8 one = 1;

	(void)bpf_map_update_elem(&told, &key, &one, BPF_ANY); /* the oldest makes room */
}

/* Takes the process out of its container, or says what else it is. False: told before. */
static __always_inline bool leave(struct task_struct *task, __u32 tgid,
				  const struct abi_process *member, struct abi_process *ret_process,
				  struct abi_container **ret_container, __u32 *ret_flags)
{
	struct abi_container *container;
	struct task_struct *leader;
	struct signal_struct *signal;
	__s32 status;

	/* Members, too: the second of two last threads finds no member any more. */
	if (!is_first_told(task, tgid))
		return false;
	/* Whoever counts may have put it into another container since it was looked up. */
	if (adoption.is_active)
		member = bpf_map_lookup_elem(&processes, &tgid);
	if (!member)
		return true;
	if (!process_take(member, tgid, ret_process))
		return false;
	container = bpf_map_lookup_elem(&containers, &ret_process->container);
	if (!container) {
		/* Forgotten: its cgroup is gone, or was no container's. */
		ret_process->container = 0;
		ret_process->role = ROLE_HOST;
		return true;
	}
	*ret_container = container;
	if (process_is_counted(ret_process, container))
		count_add(container, ret_process->role, -1);
	leader = BPF_CORE_READ(task, group_leader);
	signal = BPF_CORE_READ(task, signal);
	status = exit_status(leader, signal);
	count_exit(signal, ret_process->role, status);
	if (ret_process->role == ROLE_TASK) {
		__sync_fetch_and_add(&container->task_exits, 1);
		note_task_end(container, leader, tgid, status, ret_flags);
	}
	if (ret_process->role != ROLE_TASK && ret_process->role != ROLE_INJECTED)
		return true;
	if (container->counts.tasks == 0) {
		if (ret_process->role == ROLE_TASK)
			*ret_flags |= EXIT_LAST;
		if (container->counts.injected == 0)
			*ret_flags |= EXIT_EMPTY;
	}
	return true;
}

/*
 * Is this the process's last thread? `live` is zero for others, too, if they come at the same moment.
 * Only the last one has added the process's peak memory, and with the first it might not be there yet.
 */
static __always_inline bool is_last_thread(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (BPF_CORE_READ(signal, live.counter))
		return false;
	return BPF_CORE_READ(signal, maxrss) || BPF_CORE_READ(signal, nr_threads) == 1;
}

/* `group_dead`: 1 or 0, or -1 where the kernel does not say. */
static __always_inline int on_exit(int group_dead)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, flags = 0;
	struct task_struct *task = task_current();
	struct abi_container *container = NULL;
	struct abi_process process = {};
	struct abi_process *member;
	bool must_act;

	if (adoption.is_active) {
		if (group_dead < 0)
			group_dead = is_last_thread(task);
		if (group_dead)
			tell_adoption(task, tgid);
	}
	member = bpf_map_lookup_elem(&processes, &tgid);
	if (!member && settings.emit != EMIT_ALL)
		return 0;
	if (group_dead < 0)
		group_dead = is_last_thread(task);
	if (!group_dead) {
		if (!settings.has_threads)
			return 0;
		if (member) {
			process = *member;
			container = bpf_map_lookup_elem(&containers, &process.container);
		}
		emit_exit(task, &process, container, EXIT_THREAD);
		return 0;
	}
	if (!leave(task, tgid, member, &process, &container, &flags))
		return 0;
	must_act = flags & (EXIT_LAST | EXIT_EMPTY) || process.role == ROLE_INIT;
	if (settings.emit == EMIT_CHANGES && !must_act)
		return 0;
	if (settings.emit == EMIT_MEMBERS && !process.container)
		return 0;
	emit_exit(task, &process, container, flags);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int exit_btf(__u64 *ctx)
{
	return on_exit(group_dead_btf(ctx));
}

SEC("tp/sched/sched_process_exit")
int exit_classic(void *ctx)
{
	return on_exit(group_dead_classic(ctx));
}
