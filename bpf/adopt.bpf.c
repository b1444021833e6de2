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

SEC("iter/task")
int adopt(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u64 id;

	if (!task || !task_is_leader(task))
		return 0;
	if (task_is_dead(task)) {
		if (adoption.pass == ADOPT_COUNT)
			process_meet_ending(task);
		return 0;
	}
	if (adoption.pass == ADOPT_COUNT && settings.emit == EMIT_CHANGES)
		note_suspect(task);
	/* Before its cgroup is looked up, which costs more. */
	if (adoption.pass == ADOPT_FIND_INIT && !init_is_possible(task))
		return 0;
	id = task_container(task);
	if (!id)
		return 0;
	if (adoption.pass == ADOPT_FIND_INIT)
		init_find(task, id);
	else
		process_adopt(task, id);
	return 0;
}
