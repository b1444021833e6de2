// SPDX-License-Identifier: Apache-2.0
/*
 * A container that is held by a process that no count shows: it exits and is not dead yet, or it is in
 * another cgroup and would die with init. Its pidfd wakes the agent.
 */
#include "agent/follower_log.h"
#include "agent/follower_private.h"
#include "host/procfs.h"

/* Settle begins anew: only now init learns of its child's end, and may end or start another. */
static void on_holder_ended(evutil_socket_t fd, short what, void *context)
{
	struct follower *follower = context;

	(void)fd;
	(void)what;
	follower_forget_holder(follower);
	if (!follower_is_ending(follower) && follower_timing(follower).settle_ns) {
		follower_step_by_counts(follower, LIFECYCLE_LAST_EXIT);
		return;
	}
	follower->life.deadline_ns = clock_boot_ns();
	follower_arm_timer(follower);
}

/* Its number may mean another process by now, which may live for long. */
static bool is_still_it(const struct follower *follower, const struct member *holder)
{
	const char *proc = watch_proc(follower->shared->watch);
	struct procfs_stat stat;

	if (holder->is_dying)
		return procfs_is_dying(proc, holder->pid);
	return procfs_read_stat(proc, holder->pid, &stat) == 0 &&
	       procfs_is_start(&stat, holder->start_ns);
}

static bool is_awaited(const struct follower *follower, const struct member *holder)
{
	return follower->holder_aim.ended && follower->holder.pid == holder->pid &&
	       follower->holder.is_dying == holder->is_dying;
}

/* False: it has ended meanwhile. */
static bool await(struct follower *follower, const struct member *holder)
{
	struct error error;

	if (is_awaited(follower, holder))
		return true;
	follower_forget_holder(follower);
	if (aim_take(&follower->holder_aim, holder->pid, &error) < 0 ||
	    !is_still_it(follower, holder)) {
		follower_forget_holder(follower);
		return false;
	}
	follower_log_holder(follower->container, holder);
	follower->holder = *holder;
	aim_await(&follower->holder_aim, follower->shared->base, on_holder_ended, follower);
	return true;
}

bool follower_await_holder(struct follower *follower, const struct member *holder)
{
	/* What has come from outside since init was asked to end spares it, as a task does. */
	if (!holder->is_dying && (!holder->is_outside || follower_is_ending(follower)))
		return false;
	if (!await(follower, holder) || !follower->holder_aim.ended)
		follower->life.deadline_ns = clock_boot_ns() + LIFECYCLE_RECHECK_MS * NS_PER_MS;
	else
		follower->life.deadline_ns = holder->is_outside ?
						     clock_boot_ns() + FOLLOWER_OUTSIDE_NS :
						     0;
	follower_arm_timer(follower);
	return true;
}

void follower_forget_holder(struct follower *follower)
{
	aim_drop(&follower->holder_aim);
	follower->holder = (struct member){0};
}
