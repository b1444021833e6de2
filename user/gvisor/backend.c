// SPDX-License-Identifier: Apache-2.0
/*
 * Containers in gVisor sandboxes: the sandbox itself is asked who lives, and to signal init. It answers
 * a moment later; what happened meanwhile comes first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/follower_log.h"
#include "agent/follower_private.h"
#include "base/clock.h"
#include "base/log.h"

static struct gvisor_sandbox *sandbox_of(const struct follower *follower)
{
	return sandboxes_find(follower->shared->sandboxes, follower->container);
}

/* The first that forbids to end init; pid 0: none does. */
static struct member find_holder(const struct gvisor_holder *holders, size_t count,
				 bool injected_holds)
{
	for (size_t i = 0; i < count; i++) {
		struct member member = {.pid = holders[i].pid, .role = holders[i].role};

		if (verify_holds(&member, 0, injected_holds))
			return member;
	}
	return (struct member){0};
}

/* Does the question still stand? A task that came, or the end of init, has answered it. */
static bool is_awaited(const struct follower *follower)
{
	if (!follower->is_looking || !follower->policy)
		return false;
	return follower->is_order_due || follower->life.state == LIFECYCLE_WORKING ||
	       follower->life.state == LIFECYCLE_SETTLING ||
	       follower->life.state == LIFECYCLE_STOPPING || follower->is_signal_due;
}

static void on_verified(void *context, struct container *container, int err, bool has_init,
			const struct gvisor_holder *holders, size_t count)
{
	struct follower *follower;
	struct member holder = {0};
	struct error error = {0};

	(void)context;
	if (err == -ENOENT || !container || !container->follower)
		return; /* removed: nobody asks any more */
	follower = container->follower;
	if (!is_awaited(follower))
		return;
	follower->is_looking = false;
	if (err || !has_init) {
		/* Asked again soon; if init is gone, its exit is told before that. */
		follower_looked(follower, -EAGAIN, &holder,
				err ? strerror(-err) : "its init is not listed");
		return;
	}
	holder = find_holder(holders, count, follower->policy->injected_holds);
	if (holder.pid)
		err = error_set(&error, -EBUSY, "process %d (%s) lives in it", holder.pid,
				role_name(holder.role));
	follower_looked(follower, err, &holder, error.text);
}

/* What can be told before anybody is asked: 0, or as follower_looked is to be told. */
static int check(struct follower *follower, struct error *error)
{
	const struct policy_subject subject = follower_subject(follower->container);

	follower->failed_check = "target";
	if (follower->container->identity.is_sandbox)
		return error_set(error, -EPERM, "it is a pod's pause container");
	follower->failed_check = "paused";
	if (sandboxes_is_paused(follower->shared->sandboxes, follower->container))
		return error_set(error, -EAGAIN, "it is paused");
	follower->failed_check = "process";
	if (!sandbox_of(follower))
		return error_set(error, -ENOENT, "its sandbox is gone");
	follower->failed_check = "manager";
	if (follower_is_requested(follower) || !follower->policy)
		return 0;
	return policy_check_manager(follower->policy, &subject, error);
}

void follower_guest_look(struct follower *follower)
{
	const struct member nobody = {0};
	struct error error;
	int err = check(follower, &error);

	if (!err) {
		follower->is_looking = true;
		err = gvisor_sandbox_verify(sandbox_of(follower), follower->container, on_verified,
					    NULL);
		if (!err || err == -EBUSY)
			return; /* an answer is on the way */
		follower->is_looking = false;
		(void)error_set(&error, err, "its sandbox cannot be asked: %s", strerror(-err));
		err = -EAGAIN;
	}
	follower_looked(follower, err, &nobody, error.text);
}

/* How long it took from the last exit until the sandbox had done it: bench/ reads this. */
static void log_signalled(const struct container *container)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_DEBUG, "signalled", "the sandbox has signalled init");
	log_string(&line, "container", container->identity.id);
	if (container->last_task.is_known)
		log_uint(&line, "latency_us",
			 (clock_boot_ns() - container->last_task.time_ns) / 1000);
	log_end(&line);
}

/*
 * Once more, after another look: it could not be reached for a moment, perhaps. By the same call:
 * `runsc kill` makes that very call on that very socket (docs/gvisor.md has what was tried).
 */
static void signal_failed(struct follower *follower, const char *reason)
{
	follower_log(follower->container, LOG_LEVEL_WARN, "signal",
		     "the sandbox did not signal init: tried again in a moment", "error", reason);
	if (!follower_is_ending(follower))
		return;
	follower->is_signal_due = true;
	follower->life.deadline_ns = clock_boot_ns() + FOLLOWER_REFUSED_NS;
	follower_arm_timer(follower);
}

static void on_signalled(void *context, struct container *container, int err, const char *text)
{
	(void)context;
	if (!container || !container->follower)
		return;
	/* A sandbox that ends by it may end before it answers. */
	if (!err || err == -ECONNRESET)
		log_signalled(container);
	else
		signal_failed(container->follower, text);
}

void follower_guest_signal(struct follower *follower, int signal)
{
	struct gvisor_sandbox *sandbox = sandbox_of(follower);
	int err = sandbox ? gvisor_sandbox_signal(sandbox, follower->container, signal,
						  on_signalled, NULL) :
			    -ENOENT;

	if (err)
		signal_failed(follower, strerror(-err));
}
