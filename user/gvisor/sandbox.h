/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gVisor sandbox as a source of events. The host's hooks see nothing of the processes inside it:
 * its own trace session tells, and its process list decides. Whatever happens here, the sandbox is
 * neither stopped nor slowed down: the session drops what is not read.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "gvisor/control.h"
#include "gvisor/table.h"

struct gvisor_sandbox;

/* How it is watched. */
enum gvisor_mode {
	GVISOR_ATTACHING,
	GVISOR_EVENTS, /* told by a trace session of ours */
	GVISOR_POLLED, /* by reading the process list: no exit status, and what is short may be missed */
	GVISOR_BLIND, /* the control socket does not answer; tried again */
	GVISOR_GONE,
};
/* "attaching", "events", "polled", "blind", "gone". */
const char *gvisor_mode_name(enum gvisor_mode mode);

struct gvisor_stats {
	uint64_t messages;
	uint64_t dropped;  /* by the sandbox: we did not read in time */
	uint64_t readings; /* of process lists */
	uint64_t failed_readings;
	uint64_t faults[GVISOR_FAULT_COUNT]; /* each closed a connection */
};

struct gvisor_observer {
	struct gvisor_table_observer containers;
	/* The mode or its reason has changed. */
	void (*on_mode)(void *context, struct gvisor_sandbox *sandbox);
	/* An event names a container that was not given: gvisor_sandbox_set_containers, if it is there. */
	void (*on_stranger)(void *context, struct gvisor_sandbox *sandbox);
	/*
	 * There is a trace session already: does nobody listen to it any more? False if in doubt: it is
	 * somebody else's then, and left alone.
	 */
	bool (*is_session_dead)(void *context, struct gvisor_sandbox *sandbox);
	/* It has ended, and each init's end was told. The only callback that may free the sandbox. */
	void (*on_gone)(void *context, struct gvisor_sandbox *sandbox);
	void *context;
};

struct gvisor_sandbox_options {
	const char *id;
	const char *control_path;   /* NULL: the abstract name of older releases */
	int pidfd;		    /* of its host process; taken over. Tells its end */
	const char *const *helpers; /* as for gvisor_table_new; must outlive the sandbox */
	/* It may yet connect to gvisor_listener: a session that is there is not taken for another's at once. */
	bool may_connect;
	unsigned poll_ms;  /* between readings without events; 0: a second */
	unsigned check_ms; /* with events, for what was lost; 0: ten seconds */
	struct gvisor_observer observer;
};

/* Nothing happens before gvisor_sandbox_start. 0 or -ENOMEM; the pidfd is closed then, too. */
int gvisor_sandbox_new(struct event_base *base, const struct gvisor_sandbox_options *options,
		       struct gvisor_sandbox **ret_sandbox);
/*
 * Ends the session if it is ours. Tells GVISOR_REMOVED of each container. Not from within its callbacks,
 * except on_gone.
 */
void gvisor_sandbox_free(struct gvisor_sandbox *sandbox);

/*
 * The containers that its state files name now. Those that are new are told once they have been read;
 * those that are missing are told to be removed. -ENOMEM or 0. Not from within callbacks, except
 * on_stranger.
 */
int gvisor_sandbox_set_containers(struct gvisor_sandbox *sandbox, const struct gvisor_named *named,
				  size_t count);

/* Attaches. */
void gvisor_sandbox_start(struct gvisor_sandbox *sandbox);
/* A connection from gvisor_listener, also while it is watched otherwise. Taken over. */
void gvisor_sandbox_take_events(struct gvisor_sandbox *sandbox, int fd);

const char *gvisor_sandbox_id(const struct gvisor_sandbox *sandbox);
enum gvisor_mode gvisor_sandbox_mode(const struct gvisor_sandbox *sandbox);
/* Why it is not watched by events, and what to do about it; "" if it is. */
const char *gvisor_sandbox_reason(const struct gvisor_sandbox *sandbox);
const struct gvisor_stats *gvisor_sandbox_stats(const struct gvisor_sandbox *sandbox);
/* As gvisor_table_next. */
struct container *gvisor_sandbox_next(struct gvisor_sandbox *sandbox, struct container *container);

/* Somebody who lives in a container. */
struct gvisor_holder {
	pid_t pid;
	enum role role; /* ROLE_HOST: not known */
	char comm[ABI_COMM_SIZE];
};

/*
 * err 0: everybody alive in the container but init, by the sandbox's own list as it is now; and is init?
 * The table has been set right by it. -ENOENT: the container was removed. -EAGAIN: the sandbox sends
 * faster than can be read. Others as gvisor_call_fn and reply.h have them.
 */
typedef void (*gvisor_verify_fn)(void *context, struct container *container, int err, bool has_init,
				 const struct gvisor_holder *holders, size_t count);
/* 0: answers once, later. -EBUSY: the container's last question is not answered yet. -ENOMEM. */
int gvisor_sandbox_verify(struct gvisor_sandbox *sandbox, struct container *container,
			  gvisor_verify_fn on_verified, void *context);

/*
 * err 0: delivered to the container's init. Others: `text` says why (the sandbox's own words, perhaps:
 * to be escaped). A sandbox that ends by it may do so before it answers: -ECONNRESET. `container` is
 * NULL if it was removed meanwhile.
 */
typedef void (*gvisor_signal_fn)(void *context, struct container *container, int err,
				 const char *text);
/* 0: answers once, later. -errno: not sent. */
int gvisor_sandbox_signal(struct gvisor_sandbox *sandbox, struct container *container, int signal,
			  gvisor_signal_fn on_signalled, void *context);
