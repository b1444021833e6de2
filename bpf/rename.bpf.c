// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * task_rename: fires at each exec (after the old program is gone, before the new one runs) and when
 * a program names itself. Used because roles go by command name, because a process that the classic
 * fork hook has missed joins here, and because a new gVisor sandbox has one of a few names, wherever
 * it keeps its state. All kernels since 5.10. Misses nothing known; a name that stays the same is
 * reported, too. A container's init comes to be a moment later (exec.bpf.c).
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "compat.h"
#include "adopt.h"

static __always_inline void member_renamed(struct abi_process *process, struct task_struct *leader,
					   __u32 tgid, const char comm[ABI_COMM_SIZE])
{
	struct abi_container *container = bpf_map_lookup_elem(&containers, &process->container);

	if (!container)
		return;
	switch (process->role) {
	case ROLE_INIT:
		if (task_is_in_exec(leader))
			container->is_init_execing = 1; /* exec.bpf.c sees its end */
		else
			init_tell(container, process->container, comm);
		return;
	case ROLE_TASK:
	case ROLE_HELPER:
		process_set_role(process, tgid, comm_is_helper(comm) ? ROLE_HELPER : ROLE_TASK);
		return;
	}
}

/* In nobody's table: entered by CLONE_INTO_CGROUP, or there before the container was known. */
static __always_inline struct abi_process *stranger(struct task_struct *leader, __u32 tgid)
{
	__u64 id = task_container(leader);

	if (!id)
		return NULL;
	process_adopt(leader, id);
	return bpf_map_lookup_elem(&processes, &tgid);
}

static __always_inline int on_rename(__u32 tid, const char *name)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct task_struct *leader;
	struct abi_process *process;
	char comm[ABI_COMM_SIZE] = {};

	if (tid != tgid)
		return 0; /* a thread's own name */
	leader = BPF_CORE_READ(task_current(), group_leader);
	bpf_probe_read_kernel_str(comm, sizeof(comm), name);
	if (settings.emit == EMIT_CHANGES && task_may_be_sandbox(leader, comm))
		emit_suspect(tgid, comm);
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process)
		process = stranger(leader, tgid);
	if (!process)
		return 0;
	member_renamed(process, leader, tgid, comm);
	return 0;
}

SEC("tp_btf/task_rename")
int rename_btf(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	return on_rename(BPF_CORE_READ(task, pid), (const char *)ctx[1]);
}

SEC("tp/task/task_rename")
int rename_classic(struct trace_event_raw_task_rename *ctx)
{
	return on_rename(renamed_tid(ctx), (const char *)ctx->newcomm);
}
