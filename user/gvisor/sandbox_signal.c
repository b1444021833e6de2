// SPDX-License-Identifier: Apache-2.0
/* Signals to a container's init, by the sandbox itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/buf.h"
#include "gvisor/reply.h"
#include "gvisor/request.h"
#include "gvisor/sandbox_private.h"

void sandbox_forget_signals(struct gvisor_sandbox *sandbox, const struct container *container)
{
	struct signal_wait *wait;

	DL_FOREACH(sandbox->signals, wait) {
		if (wait->container == container)
			wait->container = NULL;
	}
}

void sandbox_free_signals(struct gvisor_sandbox *sandbox)
{
	struct signal_wait *wait, *next;

	DL_FOREACH_SAFE(sandbox->signals, wait, next) {
		gvisor_call_free(wait->call);
		free(wait);
	}
	sandbox->signals = NULL;
}

static void on_reply(void *context, int err, const char *reply, size_t len)
{
	struct signal_wait *wait = context;
	struct error error = {0};

	DL_DELETE(wait->sandbox->signals, wait);
	if (!err)
		err = gvisor_reply_check(reply, len, &error);
	else
		(void)error_set(&error, err, "%s", strerror(-err));
	wait->on_signalled(wait->context, wait->container, err, error.text);
	free(wait);
}

int gvisor_sandbox_signal(struct gvisor_sandbox *sandbox, struct container *container, int signal,
			  gvisor_signal_fn on_signalled, void *context)
{
	struct signal_wait *wait = calloc(1, sizeof(*wait));
	struct buf request = {0};
	struct gvisor_call_options options = {.endpoint = sandbox->endpoint,
					      .fd = -1,
					      .reply_size = GVISOR_REPLY_SIZE,
					      .on_reply = on_reply,
					      .context = wait};
	int err = -ENOMEM;

	gvisor_request_signal(&request, container->identity.id, signal);
	options.request = request.data;
	if (wait && !request.failed)
		err = gvisor_call_start(sandbox->base, &options, &wait->call);
	buf_done(&request);
	if (err) {
		free(wait);
		return err;
	}
	wait->sandbox = sandbox;
	wait->container = container;
	wait->on_signalled = on_signalled;
	wait->context = context;
	DL_APPEND(sandbox->signals, wait);
	return 0;
}
