// SPDX-License-Identifier: Apache-2.0
/* Init of a container without a PID namespace of its own. */
#include "agent/naming.h"
#include "agent/watch_private.h"

static void name_init(struct watch *watch, struct watched *watched)
{
	struct bpf_source_named named = {
		.cgroup = watched->container.cgroup,
		.pid = naming_find_init(watch->options.proc, &watch->hierarchy,
					watched->container.path),
	};
	pid_t seen = watched->name_seen;

	watched->name_tries--;
	watched->name_seen = named.pid;
	if (!named.pid || named.pid != seen)
		return;
	bpf_source_adopt_begin(watch->source);
	(void)bpf_source_adopt(watch->source, &named); /* tried again by the timer */
	bpf_source_adopt_end(watch->source);
	watch_take_init(watch, watched);
	if (watched->container.init.pid && watch_refresh(watch, &watched->container))
		watch_tell(watch, watched, WATCH_INIT);
}

/* A created container waits for its start for as long as it likes: after a few tries, let it. */
void watch_on_name_timer(evutil_socket_t fd, short what, void *context)
{
	struct timeval delay = {WATCH_NAME_SECONDS, 0};
	struct watch *watch = context;
	struct watched *watched, *next;
	bool again = false;

	(void)fd;
	(void)what;
	HASH_ITER(hh, watch->table, watched, next) {
		if (watched->container.init.pid || !watched->name_tries)
			continue;
		name_init(watch, watched);
		again = again || (!watched->container.init.pid && watched->name_tries);
	}
	if (again)
		(void)evtimer_add(watch->name_timer, &delay);
}
