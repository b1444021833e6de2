/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers of this host, as they come, run and go: discovers them, has the kernel side count
 * their processes, keeps what is known of each, and tells an observer what happens. Decides nothing.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/container.h"
#include "source/bpf.h"
#include "sys/cgroupfs.h"

struct watch;

enum watch_change {
	WATCH_FOUND,   /* the container is known now; init and counts as far as they are */
	WATCH_INIT,    /* init is known, or has another name */
	WATCH_TASK,    /* a task joined after none */
	WATCH_IDLE,    /* no task left, without an exit */
	WATCH_REREAD,  /* something was lost: look at the counts again */
	WATCH_REMOVED, /* its cgroup is gone; the container is freed after this call */
};

/* All optional. The container's counts are fresh during the call. */
struct watch_observer {
	void (*on_change)(void *context, struct container *container, enum watch_change change);
	/* `container` NULL: a process in none. For a container, last_task and init_exit are set. */
	void (*on_exit)(void *context, struct container *container,
			const struct record_exit *record);
	/* All records that waited have been told. */
	void (*on_drained)(void *context);
	void *context;
};

struct watch_options {
	struct abi_settings settings; /* what is emitted, and the filters in the kernel */
	const char *proc;	      /* "/proc" */
	const char *run;	      /* "/run": where runtimes keep state */
	const char *only;	      /* NULL, or the path of the one cgroup to watch */
	uint64_t drain_ms;	    /* drain at least so often; 0: only when the kernel side asks */
	const char *const *helpers; /* names besides the built-in ones, ended by NULL; or NULL */
	struct watch_observer observer;
};

/* Attaches the kernel side. The options' strings must outlive the watch. */
int watch_new(struct event_base *base, const struct watch_options *options,
	      struct watch **ret_watch, struct error *error);
void watch_free(struct watch *watch);

/* Finds and counts what is there, and tells the observer. From its return on nothing is missed. */
int watch_start(struct watch *watch, struct error *error);

const struct hierarchy *watch_hierarchy(const struct watch *watch);
struct bpf_source *watch_source(struct watch *watch);
const char *watch_proc(const struct watch *watch);
/* NULL if no such container is known. Valid until its WATCH_REMOVED. */
struct container *watch_find(struct watch *watch, uint64_t cgroup);
void watch_for_each(struct watch *watch, void (*visit)(void *context, struct container *container),
		    void *context);
unsigned watch_container_count(const struct watch *watch);

/* Reads everything that the kernel side has written so far. */
void watch_drain(struct watch *watch);

/* Reads the container's counts anew; false if it is no longer counted. */
bool watch_refresh(struct watch *watch, struct container *container);

/* Reads init's names anew; what cannot be read stays as it was. */
void watch_learn_init(struct watch *watch, struct container *container);

/* Counts again what is inside all containers: after a doubt. Changes nothing if all was right. */
void watch_recount(struct watch *watch);

/* Another container than `container` whose init is in this PID namespace, or NULL. */
const struct container *watch_find_pid_namespace(struct watch *watch,
						 const struct container *container, ino_t inode);

/* Lost so far, see bpf_source_lost. */
uint64_t watch_lost(struct watch *watch);
