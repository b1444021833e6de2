// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sched_process_exec: a container's init comes to be, or becomes another program. It fires once an
 * exec, in the context of the new program before its first instruction, with the command line in
 * place; at task_rename there is none yet. Also for an exec by a second thread, which has the
 * leader's number by then. All kernels since 5.10.
 *
 * What it misses: an exec that fails after the point of no return (the process dies), and on 7.1 and
 * later a skipped run. The latter leaves abi_container.is_init_execing set, and the next count of all
 * finds another exec_id (program_meet). A command line that was swapped out cannot be read here.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "members.h"

/* Too large for the stack. The kernel runs no hook twice at once on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_program);
} executed SEC(".maps");

static __always_inline void program_read_args(struct abi_program *program, struct task_struct *task)
{
	__u64 start = BPF_CORE_READ(task, mm, arg_start);
	__u64 size = BPF_CORE_READ(task, mm, arg_end) - start;

	program_forget_args(program);
	program->args_size = size;
	if (size > ABI_ARGS_SIZE)
		size = ABI_ARGS_SIZE;
	for_verifier(size);
	if (size > ABI_ARGS_SIZE)
		return;
	program->has_args = bpf_probe_read_user(program->args, size, (const void *)start) == 0;
}

/* Without a branch for each byte: verifiers would follow them all. `size` is a multiple of eight. */
static __always_inline bool is_same_text(const char *one, const char *other, __u32 size)
{
	const __u64 *a = (const __u64 *)one, *b = (const __u64 *)other;
	__u64 difference = 0;

	for (__u32 i = 0; i < size / sizeof(*a); i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

/*
 * `systemctl daemon-reexec`: its arguments say where the old one has left its state. Letter by letter,
 * because a text would be a map of its own.
 */
static __always_inline bool is_systemd(const char c[ABI_COMM_SIZE])
{
	return c[0] == 's' && c[1] == 'y' && c[2] == 's' && c[3] == 't' && c[4] == 'e' &&
	       c[5] == 'm' && c[6] == 'd' && !c[7];
}

/*
 * Does the program execute itself again? The same file is not enough: an interpreter's scripts and
 * all commands of busybox share one. In doubt it is another program: then its work is waited for.
 */
static __always_inline bool is_same_program(const struct abi_program *old,
					    const struct abi_program *now)
{
	if (old->file_inode != now->file_inode || old->file_device != now->file_device)
		return false;
	if (!is_same_text(old->comm, now->comm, ABI_COMM_SIZE))
		return false;
	if (is_systemd(now->comm))
		return true;
	/* What exceeds the copy may differ. */
	return old->has_args && now->has_args && old->args_size == now->args_size &&
	       now->args_size <= ABI_ARGS_SIZE && is_same_text(old->args, now->args, ABI_ARGS_SIZE);
}

/* False: this process is not the container's init. */
static __always_inline bool take_init(struct abi_container *container, struct abi_process *process,
				      struct task_struct *task, __u32 tgid)
{
	__u32 level;

	if (container->init_pid == tgid) {
		process->role = ROLE_INIT; /* a count under way may have been quicker */
		return true;
	}
	if (process->role != ROLE_RUNTIME || !task_is_ns_init(task, &level) ||
	    !init_is_wanted(container, level))
		return false;
	init_found(container, task, level);
	container->program.exec_id = 0;
	process->role = ROLE_INIT;
	return true;
}

static __always_inline int on_exec(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, zero = 0;
	struct abi_process *process = bpf_map_lookup_elem(&processes, &tgid);
	struct abi_container *container;
	struct abi_program *program;
	struct task_struct *task;
	__u64 id;

	if (!process || (process->role != ROLE_INIT && process->role != ROLE_RUNTIME))
		return 0;
	id = process->container;
	container = bpf_map_lookup_elem(&containers, &id);
	program = bpf_map_lookup_elem(&executed, &zero);
	task = task_current();
	if (!container || !program || !take_init(container, process, task, tgid))
		return 0;
	program_read_file(program, task);
	program_read_args(program, task);
	if (container->program.exec_id && !is_same_program(&container->program, program))
		life_begin(container);
	__builtin_memcpy(&container->program, program, sizeof(*program));
	container->is_init_execing = 0;
	init_tell(container, id, program->comm);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int exec_btf(__u64 *ctx)
{
	(void)ctx;
	return on_exec();
}

SEC("tp/sched/sched_process_exec")
int exec_classic(void *ctx)
{
	(void)ctx;
	return on_exec();
}
