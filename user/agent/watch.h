/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers of this host, as they come, run and go: discovers them, has the kernel side count
 * their processes, keeps what is known of each, and tells an observer what happens. Decides nothing.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "core/container.h"
#include "host/cgroupfs.h"
#include "kernel/bpf.h"
#include "runtimes/runtime_state.h"

struct watch;

enum watch_change {
	WATCH_FOUND,	/* the container is known now; init and counts as far as they are */
	WATCH_INIT,	/* init is known, or has another name */
	WATCH_EXEC,	/* init is another program now: a new life. Reported once for several */
	WATCH_IDENTITY, /* more is known of whose it is */
	WATCH_TASK,	/* a task joined after none */
	WATCH_IDLE,	/* no task left, without an exit */
	WATCH_REREAD,	/* something was lost: look at the counts again */
	WATCH_REMOVED,	/* its cgroup is gone; the container is freed after this call */
};

/* All optional. The container's counts are fresh during the call. */
struct watch_observer {
	void (*on_change)(void *context, struct container *container, enum watch_change change);
	/* `container` NULL: a process in none. For a container, last_task and init_exit are set. */
	void (*on_exit)(void *context, struct container *container,
			const struct record_exit *record);
	/* Records have been told: all that waited, or as many as fit in a turn of the loop. */
	void (*on_drained)(void *context);
	/* Some process is in its exec, and may be a gVisor sandbox: its command line will tell. */
	void (*on_suspect)(void *context, pid_t pid);
	/* Everything was read again: what else was told by a record may have been lost as well. */
	void (*on_reread)(void *context);
	/* Before anything is loaded: see bpf_source_options. */
	void (*on_probed)(void *context, bool skips_btf);
	void *context;
};

struct watch_options {
	struct abi_settings settings; /* what is emitted, and the filters in the kernel */
	const char *proc;	      /* "/proc" */
	struct runtime_roots roots;   /* where runtimes keep their state */
	const char *only;	      /* NULL, or the path of the one cgroup to watch */
	const char *pin;	      /* as in bpf_source_options */
	bool is_pin_optional;	      /* without bpffs go on unpinned, and say so */
	unsigned max_processes;	      /* 0: 65536 */
	unsigned max_containers;      /* 0: 8192 */
	uint64_t reread_ms;	    /* read everything again so often, whatever happens; 0: never */
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
const struct runtime_roots *watch_roots(const struct watch *watch);
/* NULL if no such container is known. Valid until its WATCH_REMOVED. */
struct container *watch_find(struct watch *watch, uint64_t cgroup);
void watch_for_each(struct watch *watch, void (*visit)(void *context, struct container *container),
		    void *context);
unsigned watch_container_count(const struct watch *watch);

/*
 * Other helper names from now on, besides the built-in ones; NULL ends them. Processes keep the roles
 * that they have.
 */
int watch_set_helpers(struct watch *watch, const char *const *names, struct error *error);

/*
 * Reads what the BPF programs have written so far, or as much of it as fits in a turn of the loop; the rest
 * is read in the next turns.
 */
void watch_drain(struct watch *watch);

/* How much has been written so far; has all of that been read? */
uint64_t watch_written(const struct watch *watch);
bool watch_has_read(const struct watch *watch, uint64_t written);

/* Reads the container's counts anew; false if it is no longer counted. */
bool watch_refresh(struct watch *watch, struct container *container);

/* Reads init's names anew; what cannot be read stays as it was. */
void watch_learn_init(struct watch *watch, struct container *container);

/* Why everything was read again. */
enum watch_reread {
	WATCH_REREAD_LOSS,  /* something was lost */
	WATCH_REREAD_DOUBT, /* a container was not as empty as its count said */
	WATCH_REREAD_CLOCK, /* it was time */
	WATCH_REREAD_COUNT,
};
const char *watch_reread_name(enum watch_reread why);

/*
 * Finds, counts and compares everything again. Changes nothing if all was right; what was not is
 * counted as a loss.
 */
void watch_reread(struct watch *watch, enum watch_reread why);

/* Another container than `container` whose init is in this PID namespace, or NULL. */
const struct container *watch_find_pid_namespace(struct watch *watch,
						 const struct container *container, ino_t inode);

struct watch_losses {
	struct bpf_source_losses source; /* since the watch began */
	uint64_t rereads[WATCH_REREAD_COUNT];
};
void watch_read_losses(struct watch *watch, struct watch_losses *ret_losses);

/* Last exits that were told, each once, since the watch began. */
uint64_t watch_last_exits(const struct watch *watch);

/* How often a runtime's state could not be read, since the watch began. */
uint64_t watch_unread(const struct watch *watch);

/* All kinds together: what was lost on the way to us. */
uint64_t watch_lost(struct watch *watch);

/* The count ends with us. */
void watch_remove_pins(struct watch *watch);
