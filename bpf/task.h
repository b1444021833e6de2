/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/* What the hooks read of tasks and cgroups. */
#include "maps.h"

enum {
	/* Of task_struct.flags: forked, and no exec since. include/linux/sched.h */
	TASK_FORKED_NO_EXEC = 0x00000040, /* PF_FORKNOEXEC */
	/* Of signal_struct.flags: the whole group ends with group_exit_code. */
	SIGNAL_GROUP_ENDS = 0x00000004, /* SIGNAL_GROUP_EXIT */
	/* Deepest cgroup looked at. kind's pods are at 9. */
	CGROUP_DEPTH_MAX = 32,
};

static __always_inline struct task_struct *task_current(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/* The process: the id of its leader. */
static __always_inline __u32 task_tgid(struct task_struct *task)
{
	return BPF_CORE_READ(task, tgid);
}

/* Is this the thread that the process is named after? */
static __always_inline bool task_is_leader(struct task_struct *task)
{
	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid);
}

/* Has the last thread of the process ended, or is it about to? */
static __always_inline bool task_is_dead(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

/*
 * Of a dead process: may the hook of its exit still come? It comes before exit_notify(), which sets
 * the state, and before the thread that runs it is taken out of the group. Up to 6.12 the address space
 * is torn down in between, which takes seconds for a large one.
 */
static __always_inline bool task_is_ending(struct task_struct *leader)
{
	return !BPF_CORE_READ(leader, exit_state) || BPF_CORE_READ(leader, signal, nr_threads) > 1;
}

static __always_inline bool task_has_execed(struct task_struct *task)
{
	return !(BPF_CORE_READ(task, flags) & TASK_FORKED_NO_EXEC);
}

/* Process id in the innermost PID namespace, and that namespace's level (0: the host's). */
static __always_inline __u32 task_ns_pid(struct task_struct *task, __u32 *ret_level)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	/* numbers[1] became a flexible array; the address is the same sum on all kernels. */
	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	*ret_level = level;
	return upid.nr;
}

/* The inode number of its innermost PID namespace. */
static __always_inline __u32 task_pid_namespace(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	return BPF_CORE_READ(upid.ns, ns.inum);
}

/* PID 1 of a PID namespace that is not the host's. */
static __always_inline bool task_is_ns_init(struct task_struct *task, __u32 *ret_level)
{
	return task_ns_pid(task, ret_level) == 1 && *ret_level > 0;
}

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;
	__s32 subsystem = settings.subsystem; /* a field inside bpf_core_read would be relocated */

	if (subsystem < 0)
		return BPF_CORE_READ(set, dfl_cgrp);
	bpf_core_read(&css, sizeof(css), &set->subsys[subsystem]);
	return BPF_CORE_READ(css, cgroup);
}

/* Cgroup ids are numbered per hierarchy, and numbers repeat: only one hierarchy is looked at. */
static __always_inline bool cgroup_is_ours(struct cgroup *cgroup)
{
	return (__u32)BPF_CORE_READ(cgroup, root, hierarchy_id) == settings.hierarchy_id;
}

/*
 * The container that a cgroup is, or is nested in: its id, 0 for none. Walked from the leaf,
 * because `cgroup.ancestors` had three layouts since 5.10 and the parent pointer had one.
 */
static __noinline __u64 cgroup_container(struct cgroup *cgroup)
{
	for (int depth = 0; depth < CGROUP_DEPTH_MAX && cgroup; depth++) {
		__u64 id = BPF_CORE_READ(cgroup, kn, id);

		if (bpf_map_lookup_elem(&containers, &id))
			return id;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return 0;
}

static __always_inline __u64 task_container(struct task_struct *task)
{
	return cgroup_container(task_cgroup(task));
}

static __always_inline struct told_key task_told_key(struct task_struct *leader, __u32 tgid,
						     __u32 to)
{
	struct told_key key = {.tgid = tgid, .to = to};

	key.start_ns = BPF_CORE_READ(leader, start_boottime);
	return key;
}

/* Does this command name belong to a process manager's helper? */
static __always_inline bool comm_is_helper(const char comm[ABI_COMM_SIZE])
{
	struct abi_helper_key key = {.prefix_bits = ABI_COMM_SIZE * 8};

	__builtin_memcpy(key.comm, comm, ABI_COMM_SIZE);
	return bpf_map_lookup_elem(&helpers, &key);
}

/*
 * runsc begins its sandboxes as /proc/self/exe, so that is their name (an exec by descriptor gives them
 * the program's). Older releases leave them in runsc's own PID namespace, the host's: of those user space
 * is told. Others are found by their state files; what a container's process calls itself wakes nobody.
 */
static __always_inline bool task_may_be_sandbox(struct task_struct *leader,
						const char c[ABI_COMM_SIZE])
{
	bool is_exe = c[0] == 'e' && c[1] == 'x' && c[2] == 'e' && !c[3];
	bool is_runsc = c[0] == 'r' && c[1] == 'u' && c[2] == 'n' && c[3] == 's' && c[4] == 'c';

	return (is_exe || is_runsc) && BPF_CORE_READ(leader, thread_pid, level) == 0;
}
