// SPDX-License-Identifier: Apache-2.0
#include "agent/holders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/pidfd.h"
#include "host/procfs.h"

enum { HOLDERS_SHOWN = 64 };

/* --- in its cgroup --- */

/*
 * A process whose exit was seen is in no role any more, though its cgroup may list it. The checks that
 * cost are made only where they may change the answer.
 */
static void look_at(struct watch *watch, const struct container *container, pid_t pid,
		    struct member *member)
{
	member->pid = pid;
	member->role = ROLE_INIT;
	if (pid == container->init.pid)
		return;
	member->role = bpf_source_role(watch_source(watch), pid, container->cgroup);
	if (member->role == ROLE_HELPER)
		return;
	member->is_dead = pidfd_is_dead(pid);
	member->is_dying = member->role == ROLE_HOST && !member->is_dead &&
			   procfs_is_dying(watch_proc(watch), pid);
}

static int read_members(struct watch *watch, const struct container *container, size_t more,
			struct member **ret_members, size_t *ret_count)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct member *members;
	size_t count = 0;
	int err;

	err = cgroupfs_read_procs(watch_hierarchy(watch), container->path, &pids, &count);
	if (err)
		return err;
	members = calloc(count + more + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		look_at(watch, container, pids[i], &members[i]);
	*ret_members = members;
	*ret_count = count;
	return 0;
}

static int find_member(struct watch *watch, const struct container *container, bool injected_holds,
		       struct member *ret_holder)
{
	struct member *members = NULL;
	size_t count = 0;
	int err = read_members(watch, container, 0, &members, &count);

	if (err)
		return err;
	for (size_t i = 0; i < count && !ret_holder->pid; i++)
		if (verify_holds(&members[i], container->init.pid, injected_holds))
			*ret_holder = members[i];
	free(members); /* by hand: clang-tidy 14 does not follow cleanup attributes */
	return 0;
}

/* --- in its PID namespace, and dying --- */

/* A shared namespace does not end with this init. */
static bool is_pid_1(struct watch *watch, const struct container *container, int *ret_err)
{
	pid_t ns_pid = 1;

	*ret_err = container->is_pid_1 ?
			   0 :
			   procfs_read_ns_pid(watch_proc(watch), container->init.pid, &ns_pid);
	return ns_pid == 1;
}

/* Open it before the question is asked, and close it after the answer. */
static int open_namespace(struct watch *watch, const struct container *container,
			  struct abi_question *question)
{
	ino_t inode;
	int err;

	if (!is_pid_1(watch, container, &err) || err)
		return err;
	err = procfs_open_pid_namespace(watch_proc(watch), container->init.pid,
					&question->namespace_fd, &inode);
	question->namespace_inode = (uint32_t)inode;
	return err;
}

/* The last task is a zombie until init reaps it, which is no reason to look at all processes. */
static int open_ended(const struct container *container, struct abi_question *question)
{
	const struct ended *last = &container->last_task;

	question->ended_pid = (uint32_t)last->process.pid;
	question->ended_start_ns = last->process.start_ns;
	return last->is_known ? pidfd_open_process(last->process.pid) : -1;
}

static int ask(struct watch *watch, const struct container *container, unsigned also,
	       struct abi_holder *ret_holders, size_t max, size_t *ret_count)
{
	struct abi_question question = {
		.container = container->cgroup,
		.init_pid = (uint32_t)container->init.pid,
		.namespace_fd = -1,
		.also = also,
	};
	int err = open_namespace(watch, container, &question);
	_cleanup_close_ int namespace = question.namespace_fd;
	_cleanup_close_ int ended = err ? -1 : open_ended(container, &question);

	(void)namespace;
	question.ended_fd = ended < 0 ? -1 : ended;
	return err ? err :
		     bpf_source_find_holders(watch_source(watch), &question, ret_holders, max,
					     ret_count);
}

static struct member member_of(const struct abi_holder *holder)
{
	return (struct member){
		.pid = (pid_t)holder->pid,
		.role = (enum role)holder->role,
		.start_ns = holder->start_ns,
		.is_dying = holder->kind == HOLDER_DYING,
		.is_dead = holder->kind == HOLDER_ZOMBIE,
		.is_outside = holder->kind == HOLDER_OUTSIDE,
	};
}

int holders_find(struct watch *watch, const struct container *container, bool injected_holds,
		 struct member *ret_holder)
{
	struct abi_holder row = {0};
	size_t count = 0;
	int err;

	memset(ret_holder, 0, sizeof(*ret_holder));
	err = find_member(watch, container, injected_holds, ret_holder);
	if (err || ret_holder->pid)
		return err;
	err = ask(watch, container, injected_holds ? HOLDERS_INJECTED : 0, &row, 1, &count);
	if (!err && count)
		*ret_holder = member_of(&row);
	return err;
}

/* --- for show --- */

static bool is_among(const struct member *members, size_t count, uint32_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (members[i].pid == (pid_t)pid)
			return true;
	return false;
}

int holders_list(struct watch *watch, const struct container *container,
		 struct member **ret_members, size_t *ret_count)
{
	struct abi_holder rows[HOLDERS_SHOWN];
	struct member *members;
	size_t count, more = 0;
	int err = read_members(watch, container, HOLDERS_SHOWN, &members, &count);

	if (err)
		return err;
	if (container->init.pid)
		(void)ask(watch, container, HOLDERS_INJECTED, rows, HOLDERS_SHOWN, &more);
	for (size_t i = 0; i < more; i++)
		if (!is_among(members, count, rows[i].pid))
			members[count++] = member_of(&rows[i]);
	*ret_members = members;
	*ret_count = count;
	return 0;
}

int holders_find_stuck(struct watch *watch, const struct container *container,
		       struct abi_holder *ret_holder)
{
	struct abi_holder rows[HOLDERS_SHOWN];
	size_t count = 0;
	int err = ask(watch, container, HOLDERS_INJECTED | HOLDERS_ZOMBIES, rows, HOLDERS_SHOWN,
		      &count);

	if (err || !count)
		return err ? err : -ENOENT;
	*ret_holder = rows[0];
	for (size_t i = 1; i < count && ret_holder->kind == HOLDER_ZOMBIE; i++)
		*ret_holder = rows[i]; /* a process that is not dead explains more */
	return 0;
}
