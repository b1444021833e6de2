// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cgroup_attach_task: a process was moved by a write to cgroup.procs (v1, v2) or tasks (v1). One
 * event a process, for its leader, with the move already done; also for a move to where it was. In
 * v1 it fires once per hierarchy. It does not fire for CLONE_INTO_CGROUP (see fork.bpf.c).
 *
 * Only as BTF program: the classic tracepoint has no task, just a number. On 7.1 and later a
 * skipped run is possible and counted; moves are rare and serialised by the cgroup mutex.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "adopt.h"

SEC("tp_btf/cgroup_attach_task")
int attach_btf(__u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	struct task_struct *task = (struct task_struct *)ctx[2];
	__u32 tgid = task_tgid(task), level;
	struct abi_container *container;
	struct abi_process *process;
	__u64 id;

	if (!cgroup_is_ours(cgroup) || !task_is_leader(task))
		return 0; /* moving a worker alone does not move the process */
	id = cgroup_container(cgroup);
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (process) {
		if (process->container == id)
			return 0; /* nested cgroups belong to the container */
		process_leave(tgid);
	}
	container = bpf_map_lookup_elem(&containers, &id);
	if (!container)
		return 0;
	if (container->init_pid) {
		process_join(tgid, id, ROLE_INJECTED);
		return 0;
	}
	if (task_has_execed(task) && task_is_ns_init(task, &level)) {
		init_found(container, task, level);
		process_join(tgid, id, ROLE_INIT);
		init_tell(container, id, (const char *)task->comm);
		return 0;
	}
	process_join(tgid, id, ROLE_RUNTIME);
	return 0;
}
