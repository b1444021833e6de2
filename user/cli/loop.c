// SPDX-License-Identifier: Apache-2.0
#include "cli/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void on_end_signal(evutil_socket_t signal, short what, void *context)
{
	struct loop *loop = context;

	(void)what;
	loop->ended_by = (int)signal;
	(void)event_base_loopbreak(loop->base);
}

int loop_init(struct loop *loop, struct error *error)
{
	struct event_config *config = event_config_new();

	memset(loop, 0, sizeof(*loop));
	/* A reader that went away ends `tail` by the failing write, not by a signal. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (config) {
		/* Timers as exact as they are asked for: settle may be a few milliseconds. */
		(void)event_config_set_flag(config,
					    EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
		loop->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (loop->base) {
		loop->interrupt = evsignal_new(loop->base, SIGINT, on_end_signal, loop);
		loop->terminate = evsignal_new(loop->base, SIGTERM, on_end_signal, loop);
	}
	if (!loop->interrupt || !loop->terminate || event_add(loop->interrupt, NULL) < 0 ||
	    event_add(loop->terminate, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	return 0;
}

int loop_end_on(struct loop *loop, int signal, struct error *error)
{
	loop->hangup = evsignal_new(loop->base, signal, on_end_signal, loop);
	if (!loop->hangup || event_add(loop->hangup, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	return 0;
}

void loop_done(struct loop *loop)
{
	if (loop->interrupt)
		event_free(loop->interrupt);
	if (loop->terminate)
		event_free(loop->terminate);
	if (loop->hangup)
		event_free(loop->hangup);
	if (loop->base)
		event_base_free(loop->base);
	memset(loop, 0, sizeof(*loop));
}
