/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Joining, leaving and changing role: the only code that writes `processes` and the counts.
 *
 * Counts are plain atomic adds (5.10 has no add that returns the old value). Whoever reads zero
 * after its own decrement proposes; two may, and proposing is idempotent. A process is counted
 * before it is put into `processes`, so that its exit can never take the count below zero.
 */
#include "program.h"

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

/*
 * Is this member in the container's counts? A container that was forgotten and is known again begins
 * at zero, and its old members are still in `processes`.
 */
static __always_inline bool process_is_counted(const struct abi_process *process,
					       const struct abi_container *container)
{
	return (__s32)(process->generation - container->generation) >= 0;
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

/*
 * Takes a process out of its container; `process` is what was found under its number, or NULL. True for
 * exactly one caller.
 */
static __always_inline bool process_take(const struct abi_process *process, __u32 tgid,
					 struct abi_process *ret_process)
{
	if (!process)
		return false;
	*ret_process = *process;
	return bpf_map_delete_elem(&processes, &tgid) == 0;
}

/* Out of its container without an exit: moved away, or found stale. */
static __always_inline void process_leave(__u32 tgid)
{
	struct abi_process *found = bpf_map_lookup_elem(&processes, &tgid);
	struct abi_container *container;
	struct abi_process process;

	if (!process_take(found, tgid, &process))
		return;
	container = bpf_map_lookup_elem(&containers, &process.container);
	if (container && process_is_counted(&process, container))
		count_drop(container, process.container, process.role, tgid);
}

/* What the kernel kills because init is gone says nothing about the work. */
static __always_inline bool has_init(const struct abi_container *container)
{
	__u32 init_pid = container->init_pid;

	return init_pid && bpf_map_lookup_elem(&processes, &init_pid);
}

/*
 * May there be a process for which there was no room? Until all have been counted again: then it is
 * dead, or has found room, or this is said anew.
 */
static __always_inline bool container_is_unsure(const struct abi_container *container)
{
	__u32 since = adoption.recounts + 1 - container->uncounted_in;

	/* While all are being counted, that one is perhaps not met yet. */
	return since == 0 || (since == 1 && adoption.is_recount && container->uncounted_in);
}

static __always_inline void note_unseen(struct abi_end *end, __u32 tgid)
{
	end->start_ns = 0;
	end->pid = tgid;
	end->status = ABI_STATUS_UNSEEN;
	__builtin_memset(end->comm, 0, sizeof(end->comm));
	end->time_ns = bpf_ktime_get_boot_ns();
}

/* Perhaps the last one, and perhaps the first that failed. */
static __always_inline void note_unseen_end(struct abi_container *container, __u32 tgid)
{
	note_unseen(&container->last_task, tgid);
	if (!container->first_failure.time_ns)
		note_unseen(&container->first_failure, tgid);
}

/* Out of its container by an exit that no hook has seen. */
static __always_inline void process_lost(__u32 tgid)
{
	struct abi_process *found = bpf_map_lookup_elem(&processes, &tgid);
	struct abi_container *container;
	struct abi_process process;

	if (!process_take(found, tgid, &process))
		return;
	container = bpf_map_lookup_elem(&containers, &process.container);
	if (!container)
		return;
	/* It may have ended before init's exec, with what else the entrypoint did: not this life's. */
	if (process.role == ROLE_TASK && process.life == container->life) {
		/* A container without another task has had its last, whose end is not that of the one before. */
		__sync_fetch_and_add(&container->task_exits, 1);
		if (has_init(container))
			note_unseen_end(container, tgid);
	}
	if (process_is_counted(&process, container))
		count_drop(container, process.container, process.role, tgid);
}

/* Adds a process that is not in `processes` yet; if it is, its role stays. */
static __always_inline void process_join(__u32 tgid, __u64 id, __u32 role)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &id);
	struct abi_process process = {.container = id, .role = role};
	/* Up to 6.3 the kernel's own function gives an int, and the upper half of the register is not set. */
	int err;

	if (!container)
		return;
	/* Read after the container was found: never older than it. */
	process.generation = adoption.generation;
	process.life = container->life;
	count_join(container, id, role, tgid);
	err = (int)bpf_map_update_elem(&processes, &tgid, &process, BPF_NOEXIST);
	if (!err)
		return;
	if (err == -17 /* EEXIST: somebody else was quicker */) {
		count_drop(container, id, role, tgid);
		return;
	}
	loss_add(LOSS_PROCESSES_FULL);
	/* Its exit will tell nobody. So the container counts as one that had work, and is looked at. */
	if (role == ROLE_TASK) {
		__sync_fetch_and_add(&container->task_exits, 1);
		container->uncounted_in = adoption.recounts + 1;
	}
	count_drop(container, id, role, tgid);
}

static __always_inline void process_set_role(struct abi_process *process, __u32 tgid, __u32 role)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &process->container);
	__u32 old = process->role;

	if (!container || old == role)
		return;
	if (!process_is_counted(process, container)) {
		process->role = role;
		return;
	}
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
	BPF_CORE_READ_INTO(&container->init_comm, task, comm);
	container->init_pid_namespace = task_pid_namespace(task);
	container->init_level = level;
	program_found(container, task);
	container->init_pid = task_tgid(task);
}

/*
 * A fork's child begins as work, whatever its name: a manager may fork its workers without an exec,
 * and they keep its name. What a child execs may make it a helper (rename.bpf.c).
 */
static __always_inline __u32 role_of_child(__u32 parent_role)
{
	return parent_role == ROLE_INIT || parent_role == ROLE_HELPER ? ROLE_TASK : parent_role;
}
