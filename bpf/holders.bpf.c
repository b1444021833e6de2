// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Task iterator: lists the processes that hold a container, one row each, for the last look before a
 * signal. `cgroup.procs` is not enough. The kernel kills all of a PID namespace with its PID 1, also
 * processes in other cgroups (nsenter; moved by a batch system) and those of nested namespaces. And a
 * process that exits is not dead: its files may still be flushed, while `cgroup.procs` no longer lists
 * it (its leader is dead; from 7.3 on also with a single thread).
 *
 * A pass over all processes costs 0.4 ms for each thousand. The usual case needs none: the namespace
 * counts its process ids, and if those are init's threads alone, nothing else can be in it. A fork
 * counts before the child is visible, and an exit until it is reaped, so the count errs only upwards.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "task.h"

enum { PID_NAMESPACE_ADDING = 1U << 31 }; /* PIDNS_ADDING, in pid_namespace.pid_allocated */

/* Where in its own memory each reader has its question. A fork has it at the same address. */
const volatile __u64 question_at = 0;

static __always_inline struct file *reader_file(__s32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task_current(), files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file;
}

/* Init's PID namespace; NULL if the descriptor is of anything else, or init is not its PID 1. */
static __always_inline struct pid_namespace *reader_namespace(const struct abi_question *question)
{
	struct file *file = reader_file(question->namespace_fd);
	void *common = BPF_CORE_READ(file, f_inode, i_private);
	struct pid_namespace *namespace;

	if (!common)
		return NULL;
	namespace = common - bpf_core_field_offset(struct pid_namespace, ns);
	if (BPF_CORE_READ(namespace, ns.inum) != question->namespace_inode)
		return NULL;
	if (task_tgid(BPF_CORE_READ(namespace, child_reaper)) != question->init_pid)
		return NULL;
	return namespace;
}

static __always_inline bool is_in_namespace(struct task_struct *task,
					    struct pid_namespace *namespace)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(namespace, level);
	struct upid upid = {};

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return false;
	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	return upid.ns == namespace;
}

static __always_inline bool is_zombie(struct task_struct *leader)
{
	return task_is_dead(leader) && !task_is_ending(leader);
}

/*
 * How many ids of the namespace the process has that ended last: one if it is a zombie there, which init
 * is about to reap. A pidfd's file leads to it, up to 6.8 by its private data, later by its inode's.
 */
static __always_inline __u32 count_ended(const struct abi_question *question,
					 struct pid_namespace *namespace)
{
	struct file *file = reader_file(question->ended_fd);
	struct pid *pid = BPF_CORE_READ(file, private_data);
	struct task_struct *task;
	void *link;

	if (!file)
		return 0;
	if (!pid)
		pid = BPF_CORE_READ(file, f_inode, i_private);
	link = BPF_CORE_READ(pid, tasks[0].first); /* PIDTYPE_PID */
	if (!link)
		return 0;
	task = link - bpf_core_field_offset(struct task_struct, pid_links);
	return task_tgid(task) == question->ended_pid && task_is_leader(task) &&
	       BPF_CORE_READ(task, start_boottime) == question->ended_start_ns && is_zombie(task) &&
	       is_in_namespace(task, namespace);
}

/* The ids are counted before and after: a thread of init may come or go in between. */
static __always_inline bool is_alone(const struct abi_question *question,
				     struct pid_namespace *namespace)
{
	__u32 before = BPF_CORE_READ(namespace, pid_allocated), after, threads;

	threads = BPF_CORE_READ(namespace, child_reaper, signal, nr_threads);
	threads += count_ended(question, namespace);
	after = BPF_CORE_READ(namespace, pid_allocated);
	return before == after && (before & ~PID_NAMESPACE_ADDING) == threads;
}

/* Is it worth reading the question for? Not for the living in the host's PID namespace: most of the host. */
static __always_inline bool may_hold(struct task_struct *task)
{
	return task_is_leader(task) &&
	       (BPF_CORE_READ(task, thread_pid, level) || task_is_dead(task));
}

static __always_inline __u32 role_of(struct task_struct *task, __u64 container)
{
	__u32 tgid = task_tgid(task);
	struct abi_process *process = bpf_map_lookup_elem(&processes, &tgid);

	return process && process->container == container ? process->role : ROLE_HOST;
}

/* 0: it does not hold. */
static __always_inline __u32 kind_of(struct task_struct *task, const struct abi_question *question,
				     struct pid_namespace *namespace, __u32 role)
{
	bool is_inside = namespace && is_in_namespace(task, namespace);

	if (task_tgid(task) == question->init_pid)
		return 0;
	if (is_zombie(task))
		return is_inside && question->also & HOLDERS_ZOMBIES ? HOLDER_ZOMBIE : 0;
	if (!is_inside)
		return task_is_dead(task) && task_container(task) == question->container ?
			       HOLDER_DYING :
			       0;
	if (task_is_dead(task))
		return HOLDER_DYING;
	if (task_container(task) != question->container)
		return HOLDER_OUTSIDE;
	if (role == ROLE_HELPER || (role == ROLE_INJECTED && !(question->also & HOLDERS_INJECTED)))
		return 0;
	return HOLDER_LIVING;
}

static __always_inline int put(struct seq_file *output, __u32 kind)
{
	struct abi_holder row = {.kind = kind};

	bpf_seq_write(output, &row, sizeof(row));
	return 0;
}

SEC("iter/task")
int holders(struct bpf_iter__task *ctx)
{
	struct seq_file *output = ctx->meta->seq;
	struct pid_namespace *namespace = NULL;
	struct task_struct *task = ctx->task;
	struct abi_question question = {};
	struct abi_holder row = {};
	bool is_first = !ctx->meta->seq_num;

	if (task && !is_first && !may_hold(task))
		return 0;
	if (bpf_probe_read_user(&question, sizeof(question), (void *)question_at))
		return put(output, HOLDER_UNREAD);
	if (question.namespace_fd >= 0) {
		namespace = reader_namespace(&question);
		if (!namespace)
			return put(output, HOLDER_UNREAD);
	}
	if (!task)
		return put(output, HOLDER_END);
	if (is_first && namespace && is_alone(&question, namespace))
		return put(output, HOLDER_ALONE);
	if (!may_hold(task))
		return 0;
	row.role = role_of(task, question.container);
	row.kind = kind_of(task, &question, namespace, row.role);
	if (!row.kind)
		return 0;
	row.pid = task_tgid(task);
	row.start_ns = BPF_CORE_READ(task, start_boottime);
	row.parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	BPF_CORE_READ_INTO(&row.comm, task, comm);
	bpf_seq_write(output, &row, sizeof(row));
	return 0;
}
