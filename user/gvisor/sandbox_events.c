// SPDX-License-Identifier: Apache-2.0
/* What a sandbox's trace session tells, and whom it may speak for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gvisor/sandbox_private.h"

void sandbox_note_removed(struct gvisor_sandbox *sandbox, const char *id)
{
	unsigned at = sandbox->removed_count++ % SANDBOX_REMOVED;

	(void)snprintf(sandbox->removed[at], sizeof(sandbox->removed[at]), "%s", id);
}

static bool is_removed(const struct gvisor_sandbox *sandbox, const char *id)
{
	for (unsigned i = 0; i < SANDBOX_REMOVED; i++)
		if (strcmp(sandbox->removed[i], id) == 0)
			return true;
	return false;
}

/* Looking up costs a directory and some files: a sandbox cannot make us do it for ever. */
static bool may_look_up(struct gvisor_sandbox *sandbox)
{
	uint64_t now_ns = clock_boot_ns();

	if (now_ns - sandbox->stranger_since_ns > NS_PER_SEC) {
		sandbox->stranger_since_ns = now_ns;
		sandbox->strangers = 0;
	}
	return sandbox->strangers++ < SANDBOX_STRANGERS;
}

/* A container that has just begun, perhaps. A sandbox speaks only for what its state files name. */
static bool look_up(struct gvisor_sandbox *sandbox, const struct gvisor_event *event,
		    bool *ret_has_doubt)
{
	if (!may_look_up(sandbox))
		return false;
	sandbox->observer.on_stranger(sandbox->observer.context, sandbox);
	return gvisor_table_apply(sandbox->table, event, ret_has_doubt);
}

static enum gvisor_fault on_event(void *context, const struct gvisor_event *event)
{
	struct gvisor_sandbox *sandbox = context;
	bool has_doubt = false;

	sandbox->stats.messages++;
	if (event->dropped != sandbox->dropped) {
		sandbox->stats.dropped += (uint32_t)(event->dropped - sandbox->dropped);
		sandbox->dropped = event->dropped;
		gvisor_table_miss(sandbox->table);
		has_doubt = true;
	}
	sandbox_set_time(sandbox);
	if (!gvisor_table_apply(sandbox->table, event, &has_doubt) &&
	    !is_removed(sandbox, event->container) && !look_up(sandbox, event, &has_doubt))
		return GVISOR_FAULT_CONTAINER;
	if (has_doubt)
		sandbox_read_in(sandbox, SANDBOX_DOUBT_MS);
	else if (event->kind == GVISOR_EXEC)
		sandbox_read_lightly_in(sandbox, SANDBOX_NAMES_MS);
	return GVISOR_FITS;
}

static void on_stream_end(void *context, enum gvisor_fault fault)
{
	struct gvisor_sandbox *sandbox = context;
	char reason[128];

	gvisor_stream_free(sandbox->stream);
	sandbox->stream = NULL;
	if (!fault) {
		/* The sandbox ends, or somebody ended the session. */
		sandbox_attach_again(sandbox);
		return;
	}
	sandbox->stats.faults[fault]++;
	sandbox->is_refused = true;
	if (sandbox->mode == GVISOR_GONE)
		return;
	(void)snprintf(reason, sizeof(reason), "it sent a message %s: its trace session was closed",
		       gvisor_fault_text(fault));
	sandbox_set_mode(sandbox, GVISOR_POLLED, reason);
	sandbox_tick_in(sandbox, sandbox->poll_ms);
	sandbox_read_in(sandbox, 0);
}

int sandbox_open_stream(struct gvisor_sandbox *sandbox, int fd)
{
	struct gvisor_stream_handler handler = {on_event, on_stream_end, sandbox};
	int err = gvisor_stream_new(sandbox->base, fd, &handler, &sandbox->stream);

	if (err)
		return err;
	sandbox->dropped = 0;
	sandbox->attach_ms = 0;
	gvisor_table_miss(sandbox->table);
	sandbox_set_mode(sandbox, GVISOR_EVENTS, "");
	sandbox_tick_in(sandbox, sandbox->check_ms);
	/* Who came or went between the last list and the session. */
	sandbox_read_in(sandbox, 0);
	return 0;
}
