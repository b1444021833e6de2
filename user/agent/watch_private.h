/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the watch share, and nobody else includes. */
#pragma once

#include <event2/event.h>
#include <uthash.h>

#include "agent/watch.h"

enum {
	/*
	 * An init without a PID namespace of its own is the oldest process, once that has been the same
	 * for two looks a second apart. A container in the making has one that will not last.
	 */
	WATCH_NAME_SECONDS = 1,
	/* Losses are looked for so long after a drain, not on the way from a last exit to its signal. */
	WATCH_LOSS_MS = 250,
	WATCH_NAME_TRIES = 4,
};

struct watched {
	struct container container;
	unsigned name_tries; /* left for finding an init without PID namespace */
	pid_t name_seen;     /* the oldest process at the last try */
	bool is_new;	     /* added, not adopted yet */
	UT_hash_handle hh;   /* by container.cgroup */
};

struct watch {
	struct watch_options options;
	struct hierarchy hierarchy;
	struct bpf_source *source;
	struct event *readable;
	struct event *drain_timer;
	struct event *name_timer;
	struct event *loss_timer;
	struct watched *table;
	uint64_t lost_seen;
	bool has_new; /* some were added by the records just read */
};

struct watched *watch_lookup(struct watch *watch, uint64_t cgroup);
void watch_tell(struct watch *watch, struct watched *watched, enum watch_change change);
void watch_forget(struct watched *watched);

/* Init's number and start come from the kernel side, its names from /proc as they are now. */
void watch_take_init(struct watch *watch, struct watched *watched);

/* --- watch_records.c: what comes and goes --- */

/* For cgroupfs_walk: a container that is not known yet is added. */
bool watch_visit(void *context, const char *path, uint64_t id);
/* Counts who is inside the containers just added, and tells of them. */
void watch_adopt_new(struct watch *watch);
void watch_on_record(void *context, const struct record *record);
void watch_on_loss_timer(evutil_socket_t fd, short what, void *context);

/* --- watch_names.c: what is learnt later --- */

void watch_on_name_timer(evutil_socket_t fd, short what, void *context);
