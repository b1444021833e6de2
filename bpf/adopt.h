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

static __always_inline bool init_is_possible(struct task_struct *task)
{
	__u32 level;

	return adoption.named_pid == task_tgid(task) || task_is_ns_init(task, &level);
}

/* PID 1 of the outermost namespace in the container, entered from outside, past its exec. */
static __noinline int init_find(struct task_struct *task, __u64 id)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &id);
	bool is_named = adoption.named_container == id && adoption.named_pid == task_tgid(task);
	__u32 level = 0;

	if (!container || !task_has_execed(task))
		return 0;
	if (!is_named) {
		if (!task_is_ns_init(task, &level))
			return 0;
		if (!init_is_wanted(container, level))
			return 0;
		if (task_container(BPF_CORE_READ(task, real_parent)) == id)
			return 0; /* a namespace that a task made for itself */
	} else if (container->init_pid) {
		return 0;
	}
	init_found(container, task, level);
	return 0;
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

/*
 * A member whose end has begun and whose hook may still come: that one says how it ended. If it was
 * left out, the next count finds the process past its end.
 */
static __always_inline void process_meet_ending(struct task_struct *task)
{
	__u32 tgid = task_tgid(task);
	struct abi_process *process = bpf_map_lookup_elem(&processes, &tgid);

	if (!process || !task_is_ending(task))
		return;
	process->generation = adoption.generation;
	adoption.ending++;
}

/*
 * Init is looked at although no hook asks for it: was it renamed, or in an exec, without a hook having
 * seen it? Which program it executed before is not known then, so it counts as another one.
 */
static __noinline void program_meet(struct abi_container *container, struct task_struct *task)
{
	if (task_is_in_exec(task))
		return;
	BPF_CORE_READ_INTO(&container->init_comm, task, comm);
	if (container->program.exec_id == BPF_CORE_READ(task, self_exec_id))
		return;
	if (container->program.exec_id)
		life_begin(container);
	program_found(container, task);
}

/* Known already, in this container. */
static __always_inline void process_meet(struct abi_process *process, __u32 tgid, __u32 role)
{
	process->generation = adoption.generation;
	/* Joined while init was not known: the runtime's stage turned out to be more. */
	if (process->role == ROLE_RUNTIME)
		process_set_role(process, tgid, role);
}

/* Its exit came since it was met: whoever lives now has not been told of. */
static __always_inline bool exit_was_told(struct task_struct *leader, __u32 tgid)
{
	struct told_key key = task_told_key(leader, tgid, TOLD_ADOPTION);

	return bpf_map_lookup_elem(&told, &key);
}

/* Taken back: if its hook has not taken it by now, it has come before and will not come again. */
static __always_inline void process_unjoin(struct abi_container *container, __u32 tgid, __u32 role)
{
	if (role == ROLE_TASK) { /* a task was seen, and is over */
		__sync_fetch_and_add(&container->task_exits, 1);
		if (has_init(container))
			note_unseen_end(container, tgid);
	}
	process_leave(tgid);
}

/* For user space, which would have to look through all of /proc. */
static __always_inline void note_suspect(struct task_struct *leader)
{
	char comm[ABI_COMM_SIZE] = {};
	__u32 at = suspected.count;

	BPF_CORE_READ_INTO(&comm, leader, comm);
	if (!task_may_be_sandbox(leader, comm))
		return;
	suspected.count = at + 1;
	if (at < ABI_SUSPECTS_MAX)
		suspected.pids[at] = task_tgid(leader);
}

/* `task` is a group leader; `id` the container it is in. */
static __always_inline void process_adopt(struct task_struct *task, __u64 id)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &id);
	__u32 tgid = task_tgid(task), role;
	struct abi_process *process;
	bool is_loss;

	if (!container)
		return;
	/* Perhaps nobody has looked for init yet, and this is it: its forks are tasks, then. */
	if (!container->init_pid)
		init_find(task, id);
	role = adopted_role(container, task);
	/* Also if `processes` has no room for it. */
	if (role == ROLE_INIT)
		program_meet(container, task);
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (process && process->container == id && process_is_counted(process, container)) {
		process_meet(process, tgid, role);
		return;
	}
	/* One that has not run yet is perhaps still in its fork, whose hook will find it counted. */
	is_loss = adoption.is_recount && !process && role != ROLE_RUNTIME &&
		  BPF_CORE_READ(task, se.sum_exec_runtime);
	/* Of a nested cgroup that was counted on suspicion, or of before the container was forgotten. */
	if (process)
		process_leave(tgid);
	process_join(tgid, id, role);
	if (exit_was_told(task, tgid))
		process_unjoin(container, tgid, role);
	else if (is_loss)
		loss_add(LOSS_UNCOUNTED);
}
