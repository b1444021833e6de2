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
#include "source/gvisor_control.h"
#include "source/gvisor_table.h"

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
	uint64_t dropped;  /* by the sandbox, because we did not read in time */
	uint64_t readings; /* of process lists */
	uint64_t failed_readings;
	uint64_t faults[GVISOR_FAULT_COUNT]; /* each closed a connection */
};

struct gvisor_observer {
	struct gvisor_table_observer containers;
	/* The mode or its reason has changed. Optional. */
	void (*on_mode)(void *context, struct gvisor_sandbox *sandbox);
	/* An event names a container that was not given: gvisor_sandbox_set_containers, if it is there. */
	void (*on_stranger)(void *context, struct gvisor_sandbox *sandbox);
	/*
	 * There is a trace session already: does nobody listen to it any more? False if in doubt: it is
	 * somebody else's then.
	 */
	bool (*is_session_dead)(void *context, struct gvisor_sandbox *sandbox);
	/* It has ended, and every container's end was told. May free the sandbox; nobody else may. */
	void (*on_gone)(void *context, struct gvisor_sandbox *sandbox);
	void *context;
};

struct gvisor_sandbox_options {
	const char *id;
	const char *control_path; /* NULL: the abstract name of older releases */
	int pidfd; /* of its host process; taken over; -1: none, then EOF tells its end */
	const char *const *helpers; /* as for gvisor_table_new; must outlive the sandbox */
	unsigned poll_ms;	    /* 0: once a second. Without events */
	unsigned check_ms; /* 0: every ten seconds. With events, what was lost is looked for */
	struct gvisor_observer observer;
};

/* Nothing happens before gvisor_sandbox_start. 0 or -errno; the pidfd is closed either way. */
int gvisor_sandbox_new(struct event_base *base, const struct gvisor_sandbox_options *options,
		       struct gvisor_sandbox **ret_sandbox);
/* Not from within its callbacks, except on_gone. Tells GVISOR_REMOVED of each container. */
void gvisor_sandbox_free(struct gvisor_sandbox *sandbox);

/*
 * The containers that its state files name now. Those that are new are told once they have been read;
 * those that are missing are told to be removed. -ENOMEM or 0.
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

/* Who holds a container. */
struct gvisor_holder {
	pid_t pid;
	enum role role;
	char comm[ABI_COMM_SIZE];
};

/*
 * err 0: everybody alive in the container but init, by the sandbox's own list as it is now, and whether
 * init is. The table has been set right by it. Others, see gvisor_call_fn: nothing is known.
 */
typedef void (*gvisor_verify_fn)(void *context, struct container *container, int err, bool has_init,
				 const struct gvisor_holder *holders, size_t count);
/* Asks; answers once, later. -EBUSY: the container's last question is not answered yet. */
int gvisor_sandbox_verify(struct gvisor_sandbox *sandbox, struct container *container,
			  gvisor_verify_fn on_verified, void *context);

/*
 * Sends a signal to the container's init. err 0: delivered; see gvisor_call_fn. A container whose end is
 * under way may answer -ECONNRESET: its end tells more. `container` NULL: it was removed meanwhile.
 */
typedef void (*gvisor_signal_fn)(void *context, struct container *container, int err,
				 const char *text);
int gvisor_sandbox_signal(struct gvisor_sandbox *sandbox, struct container *container, int signal,
			  gvisor_signal_fn on_signalled, void *context);
