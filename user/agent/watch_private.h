/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the watch share, and nobody else includes. */
#pragma once

#include <event2/event.h>
#include <uthash.h>

#include "agent/watch.h"

enum {
	/* What a container's runtime has not written yet is looked for again so often. */
	WATCH_NAME_SECONDS = 1,
	WATCH_NAME_TRIES = 4,
	WATCH_IDENTITY_TRIES = 8,
	/*
	 * Records are read for so long in one turn of the loop, so that timers, signals, the API and the
	 * watchdog get in between, however fast a container makes records.
	 */
	WATCH_TURN_MS = 20,
	/* The same before everything is read again: what was written by then is better known before. */
	WATCH_RESYNC_MS = 200,
	/* Losses are looked for so long after a drain, not on the way from a last exit to its signal. */
	WATCH_LOSS_MS = 250,
	/* A container that is in doubt again and again does not have all read more often than that. */
	WATCH_DOUBT_MS = 500,
	/* A skipped run of a hook wakes nobody: where that can happen, losses are looked for so often. */
	WATCH_SKIP_MS = 500,
};

struct watched {
	struct container container;
	unsigned name_tries;	 /* left for finding an init without PID namespace */
	unsigned identity_tries; /* left for reading whose container it is */
	pid_t name_seen;	 /* the oldest process at the last try */
	bool is_new;		 /* added, not adopted yet */
	uint32_t told_life;	 /* container.life that the observer knows of */
	UT_hash_handle hh;	 /* by container.cgroup */
};

struct watch {
	struct watch_options options;
	struct hierarchy hierarchy;
	struct bpf_source *source;
	struct event *readable;
	struct event *drain_timer;
	struct event *more_timer; /* records are left for the next turn */
	struct event *name_timer;
	struct event *loss_timer;
	struct watched *table;
	struct event *reread_timer;
	struct bpf_source_losses at_start; /* of the maps, which may be older than we are */
	struct bpf_source_losses seen;
	uint64_t rereads[WATCH_REREAD_COUNT];
	uint64_t last_exits;
	uint64_t unread_count; /* times that state could not be read */
	unsigned unwatched;    /* containers for which there was no room when all were read */
	bool has_new;	       /* some were added by the records just read */
	bool must_adopt;       /* and were not counted from their making on */
	struct namespace_users *namespaces;
	bool is_namespace_uncounted; /* out of memory once */
	bool must_reread;	     /* although nothing was lost */
	uint64_t doubted_ns;	     /* when all was read again for a doubt */
};

struct watched *watch_lookup(struct watch *watch, uint64_t cgroup);
void watch_tell(struct watch *watch, struct watched *watched, enum watch_change change);
void watch_forget(struct watched *watched);

/* Those of the cgroups that are no container's are not counted any more. */
void watch_forget_unknown(struct watch *watch, const uint64_t *cgroups, size_t count);

/* Is that cgroup still there, and the same? */
bool watch_is_there(const struct watch *watch, const char *path, uint64_t cgroup);

/* The later end counts. */
void watch_take_end(struct ended *ended, const struct abi_end *end);

/* Init as the kernel side has found it, and argv[0] from /proc. */
void watch_take_init(struct watch *watch, struct watched *watched);
/* The same, but all its names from /proc: a rename may have been missed, and its pid be another's by now. */
void watch_retake_init(struct watch *watch, struct watched *watched);

/* --- watch_records.c: what comes and goes --- */

/* For cgroupfs_walk: a container that is not known yet is added. */
bool watch_visit(void *context, const char *path, uint64_t id);
/* Counts who is inside the containers just added, and tells of them. */
void watch_adopt_new(struct watch *watch);
/* The same after a count of everybody. */
void watch_tell_new(struct watch *watch);
void watch_drop(struct watch *watch, struct watched *watched);
void watch_on_record(void *context, const struct record *record);

/* --- watch_namespaces.c: whose PID namespace is whose --- */

void watch_add_namespace(struct watch *watch, const struct watched *watched);
void watch_drop_namespace(struct watch *watch, const struct watched *watched);
/* The container's init is in another one than was known. */
void watch_set_namespace(struct watch *watch, struct container *container, ino_t inode);

/* --- watch_losses.c: what was not seen, and how it is made good --- */

/* Looks for losses a little later, and keeps looking where they tell nobody. */
void watch_look_for_losses(struct watch *watch);
/* Has all read again a little later. */
void watch_reread_soon(struct watch *watch);
void watch_on_loss_timer(evutil_socket_t fd, short what, void *context);
void watch_on_reread_timer(evutil_socket_t fd, short what, void *context);
void watch_start_rereading(struct watch *watch);

/* --- watch_names.c: what is learnt later --- */

/* Reads whose container it is, unless that is settled. True: it is now. */
bool watch_identify(struct watch *watch, struct watched *watched);
/* The same for one whose state could not be read: what was in the way may be gone. */
bool watch_identify_again(struct watch *watch, struct watched *watched);
/* No container was recognised at this path: because state could not be read? */
void watch_note_unread(struct watch *watch, const char *path);
/* Has the timer look again while something is missing. */
void watch_learn_later(struct watch *watch, const struct watched *watched);
void watch_on_name_timer(evutil_socket_t fd, short what, void *context);
