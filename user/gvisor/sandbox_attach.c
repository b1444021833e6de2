// SPDX-License-Identifier: Apache-2.0
/* How a sandbox comes to be watched by events, or why it is not. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "gvisor/sandbox_private.h"

static bool is_session_dead(void *context)
{
	struct gvisor_sandbox *sandbox = context;

	return sandbox->observer.is_session_dead(sandbox->observer.context, sandbox);
}

static uint64_t since_ms(uint64_t then_ns)
{
	return (clock_boot_ns() - then_ns) / NS_PER_MS;
}

/* A sandbox that begins does not answer yet; one that does not for long is told to be blind. */
static void try_later(struct gvisor_sandbox *sandbox, const char *why)
{
	char reason[sizeof(sandbox->reason)];

	if (sandbox->mode != GVISOR_BLIND &&
	    since_ms(sandbox->attach_since_ns) > SANDBOX_BLIND_MS) {
		(void)snprintf(
			reason, sizeof(reason),
			"%.200s; is the control socket of this sandbox within reach (lastout "
			"must be in the network namespace that runsc was started in)?",
			why);
		sandbox_set_mode(sandbox, GVISOR_BLIND, reason);
		for (struct container *c = NULL; (c = gvisor_table_next(sandbox->table, c));)
			(void)gvisor_table_tell(sandbox->table, c);
	}
	sandbox_tick_in(sandbox, sandbox->attach_ms);
	sandbox->attach_ms *= 2;
	if (sandbox->attach_ms > SANDBOX_ATTACH_MOST_MS)
		sandbox->attach_ms = SANDBOX_ATTACH_MOST_MS;
}

static void poll_instead(struct gvisor_sandbox *sandbox, const char *reason)
{
	sandbox->owned_since_ns = clock_boot_ns();
	sandbox_set_mode(sandbox, GVISOR_POLLED, reason);
	sandbox_tick_in(sandbox, sandbox->poll_ms);
	sandbox_read_in(sandbox, 0);
}

static void on_attached(void *context, int err, int fd, const struct error *error)
{
	struct gvisor_sandbox *sandbox = context;

	sandbox->attach = NULL;
	sandbox->is_attached = !err;
	if (!err && sandbox->mode != GVISOR_GONE)
		err = sandbox_open_stream(sandbox, fd);
	if (!err || sandbox->mode == GVISOR_GONE)
		return;
	if (err == -EEXIST && sandbox->may_connect &&
	    since_ms(sandbox->attach_since_ns) < SANDBOX_BLIND_MS)
		try_later(sandbox, error->text); /* it is from our own configuration, perhaps */
	else if (err == -EEXIST)
		poll_instead(sandbox,
			     "somebody else's trace session is left alone; end it with "
			     "`runsc trace delete --name Default` to have exit statuses here");
	else if (err == -EREMOTEIO)
		poll_instead(sandbox, error->text);
	else
		try_later(sandbox, error ? error->text : "out of memory");
}

void sandbox_attach(struct gvisor_sandbox *sandbox)
{
	struct gvisor_attach_handler handler = {is_session_dead, on_attached, sandbox};

	if (sandbox->attach || sandbox->stream)
		return;
	if (!sandbox->attach_ms) {
		sandbox->attach_ms = SANDBOX_ATTACH_FIRST_MS;
		sandbox->attach_since_ns = clock_boot_ns();
	}
	if (gvisor_attach_start(sandbox->base, &sandbox->endpoint, &handler, &sandbox->attach) < 0)
		try_later(sandbox, "the control socket does not answer");
}

void sandbox_attach_again(struct gvisor_sandbox *sandbox)
{
	if (sandbox->is_refused || sandbox->mode == GVISOR_GONE)
		return;
	if (sandbox->mode != GVISOR_POLLED) {
		sandbox->attach_ms = 0;
		sandbox_tick_in(sandbox, SANDBOX_ENDED_MS);
	} else if (since_ms(sandbox->owned_since_ns) > SANDBOX_OWNED_MS) {
		sandbox->attach_ms = 0;
		sandbox_attach(sandbox);
	}
}
