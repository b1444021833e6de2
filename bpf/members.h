/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Joining, leaving and changing role: the only code that writes `processes` and the counts.
 *
 * Counts are plain atomic adds (5.10 has no add that returns the old value). Whoever reads zero
 * after its own decrement proposes; two may, and proposing is idempotent. A process is counted
 * before it is put into `processes`, so that its exit can never take the count below zero.
 */
#include "emit.h"
#include "task.h"

static __always_inline void count_add(struct abi_container *container, __u32 role, int delta)
{
	switch (role) {
	case ROLE_TASK:
		__sync_fetch_and_add(&container->counts.tasks, delta);
		break;
	case ROLE_HELPER:
		__sync_fetch_and_add(&container->counts.helpers, delta);
		break;
	case ROLE_INJECTED:
		__sync_fetch_and_add(&container->counts.injected, delta);
		break;
	}
}

/* One more of `role`; tells when that is the first task after none. */
static __always_inline void count_join(struct abi_container *container, __u64 id, __u32 role,
				       __u32 tgid)
{
	bool is_first = role == ROLE_TASK && container->counts.tasks == 0;

	count_add(container, role, 1);
	if (is_first)
		emit_change(CHANGE_TASK, id, container, tgid, 0, NULL);
}

/* One less of `role`, though nothing exited; tells when that leaves no task, or nobody at all. */
static __always_inline void count_drop(struct abi_container *container, __u64 id, __u32 role,
				       __u32 tgid)
{
	count_add(container, role, -1);
	if ((role == ROLE_TASK || role == ROLE_INJECTED) && container->counts.tasks == 0)
		emit_change(CHANGE_IDLE, id, container, tgid, 0, NULL);
}

/* Takes a process out of its container. True for exactly one caller. */
static __always_inline bool process_take(__u32 tgid, struct abi_process *ret_process)
{
	struct abi_process *process = bpf_map_lookup_elem(&processes, &tgid);

	if (!process)
		return false;
	*ret_process = *process;
	return bpf_map_delete_elem(&processes, &tgid) == 0;
}

/* Out of its container without an exit: moved away, or found stale. */
static __always_inline void process_leave(__u32 tgid)
{
	struct abi_process process;
	struct abi_container *container;

	if (!process_take(tgid, &process))
		return;
	container = bpf_map_lookup_elem(&containers, &process.container);
	if (container)
		count_drop(container, process.container, process.role, tgid);
}

/* Adds a process that is not in `processes` yet; if it is, its role stays. */
static __always_inline void process_join(__u32 tgid, __u64 id, __u32 role)
{
	struct abi_process process = {
		.container = id, .role = role, .generation = adoption.generation};
	struct abi_container *container = bpf_map_lookup_elem(&containers, &id);
	/* Up to 6.3 the kernel's own function gives an int, and the upper half of the register is not set. */
	int err;

	if (!container)
		return;
	count_join(container, id, role, tgid);
	err = (int)bpf_map_update_elem(&processes, &tgid, &process, BPF_NOEXIST);
	if (!err)
		return;
	count_drop(container, id, role, tgid);
	if (err != -17 /* EEXIST: somebody else was quicker */)
		loss_add(LOSS_PROCESSES_FULL);
}

static __always_inline void process_set_role(struct abi_process *process, __u32 tgid, __u32 role)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &process->container);
	__u32 old = process->role;

	if (!container || old == role)
		return;
	/* Up before down, so that a container never looks idle in between. */
	count_join(container, process->container, role, tgid);
	process->role = role;
	count_drop(container, process->container, old, tgid);
}

/* None yet, or one that was only named for want of a PID 1 (level 0), or of an inner namespace. */
static __always_inline bool init_is_wanted(const struct abi_container *container, __u32 level)
{
	return !container->init_pid || !container->init_level || level < container->init_level;
}

/* This process is the container's init from now on. */
static __always_inline void init_found(struct abi_container *container, struct task_struct *task,
				       __u32 level)
{
	__u32 old_pid = container->init_pid;
	struct abi_process *old = bpf_map_lookup_elem(&processes, &old_pid);

	if (old && old->role == ROLE_INIT)
		old->role = ROLE_RUNTIME;
	container->init_start_ns = BPF_CORE_READ(task, start_boottime);
	container->init_level = level;
	container->init_pid = task_tgid(task);
}

static __always_inline void init_tell(struct abi_container *container, __u64 id, const char *comm)
{
	emit_change(CHANGE_INIT, id, container, container->init_pid, container->init_start_ns,
		    comm);
}

/*
 * A fork's child begins as work, whatever its name: a manager may fork its workers without an exec,
 * and they keep its name. What a child execs may make it a helper (rename.bpf.c).
 */
static __always_inline __u32 role_of_child(__u32 parent_role)
{
	return parent_role == ROLE_INIT || parent_role == ROLE_HELPER ? ROLE_TASK : parent_role;
}
