/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gVisor sandboxes of this host, as they come and go: finds them, has each watched, keeps what its
 * state files say of its containers, and tells an observer what happens. Decides nothing.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "core/container.h"
#include "core/identity.h"
#include "gvisor/sandbox.h"

struct sandboxes;

struct sandboxes_options {
	const char *proc;   /* "/proc" */
	const char *prefix; /* put before the host's paths, "" on it */
	const char *const
		*roots; /* runsc's state directories, as gvisor_roots_new has them; or NULL */
	bool is_only;	/* only sandboxes below these; else wherever they are found */
	const char *const *helpers; /* besides the built-in ones, ended by NULL; or NULL */
	const char *socket;	    /* where sandboxes connect that begin with events; NULL: none */
	/* Containers as those of struct watch_observer; their `cgroup` is a number of ours. */
	struct gvisor_table_observer observer;
	/* How a sandbox is watched has changed. Optional. */
	void (*on_mode)(void *context, const struct gvisor_sandbox *sandbox);
	void *context;
};

/* The options' strings must outlive it. 0 or -errno with `error`. */
int sandboxes_new(struct event_base *base, const struct sandboxes_options *options,
		  struct sandboxes **ret_sandboxes, struct error *error);
/* Tells GVISOR_REMOVED of each container. */
void sandboxes_free(struct sandboxes *sandboxes);

/* This process may be one: it is looked at when its exec is over, and again when its state may be written. */
void sandboxes_suspect(struct sandboxes *sandboxes, pid_t pid);
/* As if each state directory had changed: the kernel may not have told of all that has. */
void sandboxes_reread_states(struct sandboxes *sandboxes);
/* Any process may be: looks at all of /proc, now or within a few seconds. */
void sandboxes_reread(struct sandboxes *sandboxes);

/* Which a container belongs to; NULL: it is none of these. */
struct gvisor_sandbox *sandboxes_find(struct sandboxes *sandboxes,
				      const struct container *container);
/* What its state file says of it. Until the next event of the loop; NULL: nothing any more. */
const struct identity *sandboxes_identity(struct sandboxes *sandboxes,
					  const struct container *container);
/* By `runsc pause`, as its state file says. */
bool sandboxes_is_paused(struct sandboxes *sandboxes, const struct container *container);
/* Of all containers, by gvisor_sandbox_next of each sandbox. */
void sandboxes_for_each(struct sandboxes *sandboxes,
			void (*visit)(void *context, struct gvisor_sandbox *sandbox),
			void *context);
