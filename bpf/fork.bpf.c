// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A process joins its parent's container at fork: in the parent's context, after the child is
 * visible to iterators and before it can run. So the count never dips while a task forks, and the
 * child's own exit always comes later.
 *
 * The BTF variant is sched_process_fork. The classic one is task_newtask, because the classic
 * sched_process_fork tells neither a thread from a process nor gives the child's task; it fires
 * at the same place, a moment earlier. What the classic variant misses: a child that clone3 puts
 * straight into another cgroup (CLONE_INTO_CGROUP); that one joins at its exec (rename.bpf.c).
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "adopt.h"

enum { CLONE_MAKES_THREAD = 0x00010000 /* CLONE_THREAD */ };

static __always_inline void join_fork(__u32 tgid, __u64 id, __u32 role)
{
	struct abi_process *known = bpf_map_lookup_elem(&processes, &tgid);

	if (known && known->container == id)
		return; /* the iterator was quicker */
	if (known) {
		/* The number is free again, so its last owner is dead: that exit was not seen. */
		loss_add(LOSS_STALE);
		process_lost(tgid);
	}
	process_join(tgid, id, role);
}

static __always_inline void join_parent(struct abi_process *parent, __u32 tgid)
{
	join_fork(tgid, parent->container, role_of_child(parent->role));
}

static __always_inline struct abi_process *parent_of_fork(struct task_struct *leader)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct abi_process *parent = bpf_map_lookup_elem(&processes, &tgid);
	__u64 id;

	if (parent || !adoption.is_active)
		return parent;
	/* Not counted yet, perhaps: without this, a child that the iterator has passed is missed. */
	id = task_container(leader);
	if (!id)
		return NULL;
	process_adopt(leader, id);
	return bpf_map_lookup_elem(&processes, &tgid);
}

SEC("tp_btf/sched_process_fork")
int fork_btf(__u64 *ctx)
{
	struct task_struct *forker = (struct task_struct *)ctx[0];
	struct task_struct *child = (struct task_struct *)ctx[1];
	struct abi_process *parent;
	__u32 tgid = task_tgid(child);
	__u64 id;

	if (!task_is_leader(child))
		return 0;
	parent = parent_of_fork(BPF_CORE_READ(forker, group_leader));
	if (BPF_CORE_READ(child, cgroups) != BPF_CORE_READ(forker, cgroups)) {
		/* CLONE_INTO_CGROUP, for which cgroup_attach_task does not fire. */
		id = task_container(child);
		if (id && (!parent || parent->container != id)) {
			struct abi_container *container = bpf_map_lookup_elem(&containers, &id);

			if (container)
				join_fork(tgid, id,
					  container->init_pid ? ROLE_INJECTED : ROLE_RUNTIME);
			return 0;
		}
	}
	if (parent)
		join_parent(parent, tgid);
	return 0;
}

SEC("tp/task/task_newtask")
int fork_classic(struct trace_event_raw_task_newtask *ctx)
{
	__u64 flags = BPF_CORE_READ(ctx, clone_flags);
	struct abi_process *parent;

	if (flags & CLONE_MAKES_THREAD)
		return 0;
	parent = parent_of_fork(BPF_CORE_READ(task_current(), group_leader));
	if (parent)
		join_parent(parent, BPF_CORE_READ(ctx, pid));
	return 0;
}
