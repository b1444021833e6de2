// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Task iterator: counts what is already inside a container when it becomes known. User space puts
 * the container into `containers`, sets adoption.is_active and reads the iterator twice: first to
 * find each init, then to give everybody a role. A fork is visible here before its hook runs, so
 * what one misses the other sees. Counting twice changes nothing.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "adopt.h"

/* PID 1 of the outermost namespace in the container, entered from outside, past its exec. */
static __always_inline void find_init(struct task_struct *task, __u64 id)
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &id);
	bool is_named = adoption.named_container == id && adoption.named_pid == task_tgid(task);
	__u32 level = 0;

	if (!container || !task_has_execed(task))
		return;
	if (!is_named) {
		if (!task_is_ns_init(task, &level))
			return;
		if (!init_is_wanted(container, level))
			return;
		if (task_container(BPF_CORE_READ(task, real_parent)) == id)
			return; /* a namespace that a task made for itself */
	} else if (container->init_pid) {
		return;
	}
	init_found(container, task, level);
}

SEC("iter/task")
int adopt(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u64 id;

	if (!task || !task_is_leader(task))
		return 0;
	if (task_is_dead(task))
		return 0;
	id = task_container(task);
	if (!id)
		return 0;
	if (adoption.pass == ADOPT_FIND_INIT)
		find_init(task, id);
	else
		process_adopt(task, id);
	return 0;
}
