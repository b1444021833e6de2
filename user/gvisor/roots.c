// SPDX-License-Identifier: Apache-2.0
#include "gvisor/roots.h"

#include <errno.h>
#include <fnmatch.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <uthash.h>

#include "gvisor/state.h"

enum {
	/* A file that is written to is told of once it is whole. */
	ROOTS_MASK = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
		     IN_MOVE_SELF | IN_ONLYDIR,
	/* On the way to one: only what may become a part of the way. */
	ROOTS_MASK_ABOVE = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR,
	ROOTS_PATTERNS = 256,
};

const char *const gvisor_usual_roots[] = {
	"/run/runsc",		      /* runsc by itself: /var/run/runsc */
	"/run/user/0/runsc",	      /* the same, in a session of root's own */
	"/run/containerd/runsc/*",    /* its shim: a folder for each of containerd's namespaces */
	"/run/containerd/runc/*",     /* where the shim for runc is told to run runsc */
	"/run/docker/runtime-*/moby", /* Docker: by the runtime's name in its configuration */

	NULL,
};

struct watched {
	int descriptor;
	char *root; /* without prefix; NULL: on the way to one */
	bool has_changed;
	UT_hash_handle hh;
};

struct gvisor_roots {
	int inotify;
	char *prefix;
	char *patterns[ROOTS_PATTERNS];
	size_t pattern_count;
	size_t given_count; /* of them: not learnt from anybody */
	struct watched *table;
	bool is_stale; /* the patterns may lead elsewhere now */
};

static struct watched *find(struct gvisor_roots *roots, int descriptor)
{
	struct watched *watched;

	HASH_FIND_INT(roots->table, &descriptor, watched);
	return watched;
}

static void forget(struct gvisor_roots *roots, struct watched *watched)
{
	HASH_DEL(roots->table, watched);
	free(watched->root);
	free(watched);
}

/* Watching the same directory again gives the same descriptor, and adds to what it is watched for. */
static void watch(struct gvisor_roots *roots, const char *path, const char *root)
{
	int mask = root ? ROOTS_MASK : ROOTS_MASK_ABOVE;
	int descriptor = inotify_add_watch(roots->inotify, path, (uint32_t)mask | IN_MASK_ADD);
	struct watched *watched;

	if (descriptor < 0)
		return; /* not there, or gone: whoever makes it is told of by the one above */
	watched = find(roots, descriptor);
	if (!watched) {
		watched = calloc(1, sizeof(*watched));
		if (!watched)
			return;
		watched->descriptor = descriptor;
		HASH_ADD_INT(roots->table, descriptor, watched);
	}
	if (!root || watched->root)
		return;
	watched->root = strdup(root);
	watched->has_changed = true;
}

/* All directories that `pattern` stands for now. */
static void watch_pattern(struct gvisor_roots *roots, const char *pattern, bool is_root)
{
	size_t prefix_len = strlen(roots->prefix);
	char path[PATH_MAX];
	glob_t found;

	if (snprintf(path, sizeof(path), "%s%s", roots->prefix, pattern) >= (int)sizeof(path))
		return;
	if (glob(path, GLOB_ONLYDIR | GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			watch(roots, found.gl_pathv[i],
			      is_root ? found.gl_pathv[i] + prefix_len : NULL);
	globfree(&found);
}

/* From the top down, so that what is made meanwhile is either found or told. */
static void watch_way(struct gvisor_roots *roots, const char *pattern)
{
	char above[PATH_MAX];

	for (const char *slash = strchr(pattern + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(above, sizeof(above), "%.*s", (int)(slash - pattern), pattern);
		watch_pattern(roots, above, false);
	}
	watch_pattern(roots, pattern, true);
}

static void refresh(struct gvisor_roots *roots)
{
	roots->is_stale = false;
	for (size_t i = 0; i < roots->pattern_count; i++)
		watch_way(roots, roots->patterns[i]);
}

int gvisor_roots_add(struct gvisor_roots *roots, const char *pattern)
{
	for (size_t i = 0; i < roots->pattern_count; i++)
		if (strcmp(roots->patterns[i], pattern) == 0)
			return 0;
	if (roots->pattern_count == ROOTS_PATTERNS)
		return -ENOSPC;
	if (pattern[0] != '/' || strlen(pattern) >= PATH_MAX)
		return -EINVAL;
	roots->patterns[roots->pattern_count] = strdup(pattern);
	if (!roots->patterns[roots->pattern_count])
		return -ENOMEM;
	roots->pattern_count++;
	watch_way(roots, pattern);
	return 0;
}

int gvisor_roots_new(const char *prefix, const char *const *patterns,
		     struct gvisor_roots **ret_roots)
{
	struct gvisor_roots *roots = calloc(1, sizeof(*roots));
	int err = 0;

	if (!roots)
		return -ENOMEM;
	roots->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (roots->inotify < 0)
		err = -errno;
	roots->prefix = strdup(prefix);
	if (!err && !roots->prefix)
		err = -ENOMEM;
	for (patterns = patterns ? patterns : gvisor_usual_roots; !err && *patterns; patterns++)
		err = gvisor_roots_add(roots, *patterns);
	roots->given_count = roots->pattern_count;
	if (err)
		gvisor_roots_free(roots);
	else
		*ret_roots = roots;
	return err;
}

void gvisor_roots_free(struct gvisor_roots *roots)
{
	struct watched *watched, *next;

	if (!roots)
		return;
	HASH_ITER(hh, roots->table, watched, next)
		forget(roots, watched);
	for (size_t i = 0; i < roots->pattern_count; i++)
		free(roots->patterns[i]);
	if (roots->inotify >= 0)
		(void)close(roots->inotify);
	free(roots->prefix);
	free(roots);
}

/* /var/run is a link to /run everywhere, and Docker and runsc say it so. */
static const char *without_var(const char *path)
{
	return strncmp(path, "/var/run/", strlen("/var/run/")) == 0 ? path + strlen("/var") : path;
}

bool gvisor_roots_has(const struct gvisor_roots *roots, const char *root)
{
	for (size_t i = 0; i < roots->given_count; i++)
		if (fnmatch(without_var(roots->patterns[i]), without_var(root), FNM_PATHNAME) == 0)
			return true;
	return false;
}

void gvisor_roots_look_again(struct gvisor_roots *roots)
{
	struct watched *watched, *next;

	roots->is_stale = true;
	HASH_ITER(hh, roots->table, watched, next)
		watched->has_changed = true;
}

int gvisor_roots_fd(const struct gvisor_roots *roots)
{
	return roots->inotify;
}

static void take_event(struct gvisor_roots *roots, const struct inotify_event *event,
		       gvisor_root_fn on_change, void *context)
{
	struct gvisor_file_name name;
	struct watched *watched;

	if (event->mask & IN_Q_OVERFLOW) {
		gvisor_roots_look_again(roots);
		return;
	}
	watched = find(roots, event->wd);
	if (!watched)
		return;
	if (event->mask & IN_ISDIR)
		roots->is_stale = true;
	if (watched->root && !(event->mask & IN_CREATE) && event->len &&
	    gvisor_state_parse_name(event->name, &name))
		on_change(context, watched->root, name.sandbox);
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF))
		(void)inotify_rm_watch(roots->inotify, event->wd); /* gone by itself, perhaps */
}

/* The descriptor means nothing from here on. */
static void drop_ignored(struct gvisor_roots *roots, const struct inotify_event *event,
			 gvisor_root_fn on_change, void *context)
{
	struct watched *watched = event->mask & IN_IGNORED ? find(roots, event->wd) : NULL;

	if (!watched)
		return;
	if (watched->root)
		on_change(context, watched->root, NULL);
	forget(roots, watched);
}

int gvisor_roots_read(struct gvisor_roots *roots, gvisor_root_fn on_change, void *context)
{
	_Alignas(struct inotify_event) char buffer[16384];
	struct watched *watched, *next;
	ssize_t got;

	while ((got = read(roots->inotify, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < got; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(buffer + at);
			take_event(roots, event, on_change, context);
			drop_ignored(roots, event, on_change, context);
		}
	}
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (roots->is_stale)
		refresh(roots);
	HASH_ITER(hh, roots->table, watched, next) {
		if (!watched->has_changed || !watched->root)
			continue;
		watched->has_changed = false;
		on_change(context, watched->root, NULL);
	}
	return 0;
}
