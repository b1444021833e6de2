// SPDX-License-Identifier: Apache-2.0
/*
 * What is learnt of a container a little after it has appeared: whose it is, when its runtime has
 * written that down, and its init, where no PID namespace shows it.
 */
#include <errno.h>
#include <string.h>

#include "agent/naming.h"
#include "agent/watch_private.h"
#include "base/log.h"
#include "host/procfs.h"

/* --- whose container it is --- */

static void log_unread(const struct container *container)
{
	const struct unread *unread = &container->identity.unread;
	struct log_line line;

	log_begin(
		&line, LOG_LEVEL_WARN, "identity",
		"the runtime's state of a container cannot be read completely; policies that match "
		"by what is missing do not apply");
	log_string(&line, "container", container->identity.id);
	log_string(&line, "runtime", runtime_name(container->identity.runtime));
	if (unread->path[0])
		log_string(&line, "path", unread->path);
	log_string(&line, "error",
		   unread->err == EAGAIN ? "it is incomplete or malformed" : strerror(unread->err));
	log_end(&line);
}

static void set_unread(struct watch *watch, struct container *container, int err)
{
	struct unread *unread = &container->identity.unread;
	bool is_known = container->identified == IDENTIFIED_PARTLY;

	if (err != -EIO) {
		unread->err = -err;
		unread->path[0] = '\0';
	}
	container->identified = IDENTIFIED_PARTLY;
	watch->unread_count++;
	if (!is_known)
		log_unread(container);
}

/* Once more; true if the answer is another one than before, or the last one. */
static bool read_identity(struct watch *watch, struct watched *watched)
{
	struct container *container = &watched->container;
	enum identified before = container->identified;
	int err = runtime_state_read(&watch->options.roots, container->path, &container->identity);

	if (!err) {
		container->identified = IDENTIFIED;
		return true;
	}
	if (watched->identity_tries && --watched->identity_tries) {
		container->identified = err == -ENOENT ? IDENTIFIED_PENDING : IDENTIFIED_HALF;
		return false;
	}
	if (err == -ENOENT)
		container->identified = IDENTIFIED_BY_PATH;
	else
		set_unread(watch, container, err);
	return container->identified != before;
}

bool watch_identify(struct watch *watch, struct watched *watched)
{
	return container_is_unidentified(&watched->container) && read_identity(watch, watched);
}

bool watch_identify_again(struct watch *watch, struct watched *watched)
{
	return watched->container.identified == IDENTIFIED_PARTLY && read_identity(watch, watched);
}

uint64_t watch_unread(const struct watch *watch)
{
	return watch->unread_count;
}

/* A cgroup that may be a container's, for all that could be read. Said once: there may be many. */
void watch_note_unread(struct watch *watch, const char *path)
{
	struct unread unread;
	struct log_line line;

	if (!runtime_state_unread(&unread) || watch->unread_count++)
		return;
	log_begin(&line, LOG_LEVEL_WARN, "state",
		  "state of runtimes cannot be read: a cgroup, and perhaps others, may be a "
		  "container that is not watched");
	log_string(&line, "cgroup", path);
	log_string(&line, "path", unread.path);
	log_string(&line, "error", strerror(unread.err));
	log_end(&line);
}

/* --- an init without a PID namespace of its own --- */

/* Whom the runtime's own state names, while that is the same process still. */
static pid_t named_by_state(const struct watch *watch, const struct container *container)
{
	const struct identity *identity = &container->identity;
	struct procfs_stat stat;

	if (!identity->init_pid ||
	    procfs_read_stat(watch->options.proc, identity->init_pid, &stat) < 0)
		return 0;
	if (identity->init_start_ticks && identity->init_start_ticks != stat.start_ticks)
		return 0;
	return identity->init_pid;
}

/*
 * The state says so, or the same process was the oldest at two looks: a container in the making has
 * one that will not last.
 */
static pid_t choose_init(struct watch *watch, struct watched *watched)
{
	pid_t oldest = naming_find_init(watch->options.proc, &watch->hierarchy,
					watched->container.path);
	pid_t before = watched->name_seen, named;

	watched->name_seen = oldest;
	if (!oldest)
		return 0;
	named = named_by_state(watch, &watched->container);
	if (named)
		return named;
	return oldest == before ? oldest : 0;
}

static void name_init(struct watch *watch, struct watched *watched)
{
	struct bpf_source_named named = {.cgroup = watched->container.cgroup};

	watched->name_tries--;
	named.pid = choose_init(watch, watched);
	if (!named.pid)
		return;
	bpf_source_adopt_begin(watch->source);
	(void)bpf_source_adopt(watch->source, &named); /* tried again by the timer */
	bpf_source_adopt_end(watch->source);
	watch_take_init(watch, watched);
	if (watched->container.init.pid && watch_refresh(watch, &watched->container))
		watch_tell(watch, watched, WATCH_INIT);
}

/* --- tried again, a few times --- */

static bool is_nameless(const struct watched *watched)
{
	return !watched->container.init.pid && watched->name_tries;
}

static bool is_incomplete(const struct watched *watched)
{
	return is_nameless(watched) || container_is_unidentified(&watched->container);
}

void watch_learn_later(struct watch *watch, const struct watched *watched)
{
	struct timeval delay = {WATCH_NAME_SECONDS, 0};

	if (is_incomplete(watched) && !evtimer_pending(watch->name_timer, NULL))
		(void)evtimer_add(watch->name_timer, &delay);
}

/* A created container waits for its start for as long as it likes: after a few tries, let it. */
void watch_on_name_timer(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;
	struct watched *watched, *next;

	(void)fd;
	(void)what;
	runtime_state_hold(&watch->options.roots);
	HASH_ITER(hh, watch->table, watched, next) {
		if (watch_identify(watch, watched))
			watch_tell(watch, watched, WATCH_IDENTITY);
		if (is_nameless(watched))
			name_init(watch, watched);
		watch_learn_later(watch, watched);
	}
	runtime_state_release(&watch->options.roots);
}
