/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Adoption: a process that was in a container before anybody counted there. Its role follows from
 * where it came from: init's tree, or outside. Idempotent; the hooks that meet such a process
 * before the iterator does adopt it themselves, so that nothing slips between them.
 */
#include "members.h"

enum { ANCESTRY_MAX = 64 };

/*
 * Walks up the parents: a task's chain ends at init, an injected process's leaves init's PID
 * namespace first (docker exec's parent is the shim, outside). An orphan of an injected process has
 * become init's child and cannot be told from a task: counted as one, which errs on the side of
 * waiting. So does a chain that is too long.
 */
static __always_inline bool is_injected(struct abi_container *container, struct task_struct *task)
{
	for (int i = 0; i < ANCESTRY_MAX; i++) {
		__u32 level;

		task = BPF_CORE_READ(task, real_parent);
		if (!task || task_tgid(task) == container->init_pid)
			return false;
		(void)task_ns_pid(task, &level);
		if (level < container->init_level || task_tgid(task) <= 1)
			return true;
	}
	return false;
}

static __noinline __u32 adopted_role(struct abi_container *container, struct task_struct *task)
{
	char comm[ABI_COMM_SIZE] = {};

	if (!container->init_pid)
		return ROLE_RUNTIME;
	if (task_tgid(task) == container->init_pid)
		return ROLE_INIT;
	if (BPF_CORE_READ(task, start_boottime) < container->init_start_ns)
		return ROLE_RUNTIME;
	if (is_injected(container, task))
		return ROLE_INJECTED;
	BPF_CORE_READ_INTO(&comm, task, comm);
	return task_has_execed(task) && comm_is_helper(comm) ? ROLE_HELPER : ROLE_TASK;
}

/* `task` is a group leader; `id` the container it is in. */
static __always_inline void process_adopt(struct task_struct *task, __u64 id)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &id);
	__u32 tgid = task_tgid(task), role;
	struct abi_process *process;

	if (!container)
		return;
	role = adopted_role(container, task);
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (process && process->container == id) {
		process->generation = adoption.generation;
		/* Joined while init was not known: the runtime's stage turned out to be more. */
		if (process->role == ROLE_RUNTIME)
			process_set_role(process, tgid, role);
		return;
	}
	if (process) /* of a nested cgroup that was counted on suspicion */
		process_leave(tgid);
	if (adoption.is_recount && !process && role != ROLE_RUNTIME)
		loss_add(LOSS_UNCOUNTED);
	process_join(tgid, id, role);
	/* Its exit may have been seen before it was added: then nobody else will take it out. */
	if (task_is_dead(task))
		process_leave(tgid);
}
