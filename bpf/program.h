/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * The program that init executes, and the lives of a container. An exec of init by another program
 * begins a new life: what ran before was an entrypoint script, and its ended children were set-up
 * commands, not the container's work. Tasks that are still running stay tasks.
 */
#include "compat.h"
#include "emit.h"
#include "task.h"

/* Up to the new program's stack, the new address space has no command line. Measured on 5.10 to 7.3. */
static __always_inline bool task_is_in_exec(struct task_struct *task)
{
	return BPF_CORE_READ(task, mm, arg_start) == 0;
}

/* Its file and its name; the command line is user memory, which only the process itself can read. */
static __always_inline void program_read_file(struct abi_program *program, struct task_struct *task)
{
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

	program->file_inode = BPF_CORE_READ(inode, i_ino);
	program->file_device = BPF_CORE_READ(inode, i_sb, s_dev);
	program->exec_id = BPF_CORE_READ(task, self_exec_id);
	BPF_CORE_READ_INTO(&program->comm, task, comm);
}

static __always_inline void program_forget_args(struct abi_program *program)
{
	program->has_args = 0;
	program->args_size = 0;
	__builtin_memset(program->args, 0, sizeof(program->args));
}

/* Of init as it is found: an exec that is under way will say which program it is. */
static __always_inline void program_found(struct abi_container *container, struct task_struct *task)
{
	program_read_file(&container->program, task);
	program_forget_args(&container->program);
	container->is_init_execing = task_is_in_exec(task);
	if (container->is_init_execing)
		container->program.exec_id = 0;
}

/* The first ones stay, because an image's entrypoint is among them; the last place is the latest's. */
static __always_inline void former_keep(struct abi_container *container)
{
	__u32 at = container->former_count < ABI_FORMERS ? container->former_count :
							   ABI_FORMERS - 1;
	struct abi_former *former;

	for_verifier(at);
	if (at >= ABI_FORMERS)
		return;
	former = &container->formers[at];
	__builtin_memcpy(former->comm, container->program.comm, sizeof(former->comm));
	__builtin_memcpy(former->args, container->program.args, sizeof(former->args));
	former->args_size = container->program.args_size;
	container->former_count++;
}

/* To be called before the new program is noted. */
static __always_inline void life_begin(struct abi_container *container)
{
	former_keep(container);
	container->task_exits = 0;
	container->last_task.time_ns = 0;
	container->first_failure.time_ns = 0;
	container->life_ns = bpf_ktime_get_boot_ns();
	/* Last, and a barrier: with the new number the ends of the old life are gone. */
	__sync_fetch_and_add(&container->life, 1);
}

/*
 * A process may rename itself, or execute itself, without end. What is not reported is in
 * `containers`, where the agent reads it before it decides anything.
 */
static __always_inline bool init_may_tell(struct abi_container *container)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (now - container->told_ns >= 1000000000) {
		container->told_ns = now;
		container->told_count = 0;
	}
	if (container->told_count >= ABI_INIT_RECORDS)
		return false;
	container->told_count++;
	return true;
}

/* It has another name, or is another program. */
static __always_inline void init_tell(struct abi_container *container, __u64 id, const char *comm)
{
	bpf_probe_read_kernel_str(container->init_comm, sizeof(container->init_comm), comm);
	if (init_may_tell(container))
		emit_change(CHANGE_INIT, id, container, container->init_pid,
			    container->init_start_ns, comm);
}
