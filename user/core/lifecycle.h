/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a container, from its first task to its end: one literal table. Pure: no I/O, no
 * clock, no globals, so that every cell can be tested and a recording replayed.
 */
#pragma once

#include <stdint.h>

enum lifecycle_state {
	LIFECYCLE_STARTING, /* no task seen yet */
	LIFECYCLE_WORKING,  /* at least one task, or an injected process that holds */
	LIFECYCLE_SETTLING, /* waiting for init to end by itself */
	LIFECYCLE_STOPPING, /* asked to end; grace runs */
	LIFECYCLE_KILLING,  /* SIGKILL delivered */
	LIFECYCLE_GONE,	    /* init is dead */
	LIFECYCLE_STATE_COUNT,
};

enum lifecycle_event {
	LIFECYCLE_TASK,	     /* a task joined */
	LIFECYCLE_LAST_EXIT, /* nobody is left who holds, and a task has exited */
	LIFECYCLE_IDLE,	     /* no task is left, but the one before did not exit: renamed, moved */
	LIFECYCLE_UNTASKED,  /* what looked like the first task was a helper: still none seen */
	LIFECYCLE_EMPTY,  /* timer, and the container was read again: nobody but init and helpers */
	LIFECYCLE_BUSY,	  /* timer, and somebody lives */
	LIFECYCLE_PAUSED, /* timer, and the container is frozen */
	LIFECYCLE_ORDERED, /* somebody asks for the end now, and the container was read: nobody lives */
	LIFECYCLE_EXEC, /* init executes another program: what ended before was its entrypoint's */
	LIFECYCLE_INIT_EXIT, /* init ended, for whatever reason */
	LIFECYCLE_REMOVED,   /* its cgroup is gone; the caller forgets the container after this */
	LIFECYCLE_EVENT_COUNT,
};

enum lifecycle_action {
	LIFECYCLE_ASK = 1 << 0,	   /* send the policy's signal to init */
	LIFECYCLE_KILL = 1 << 1,   /* send SIGKILL to init */
	LIFECYCLE_STUCK = 1 << 2,  /* say that init does not end */
	LIFECYCLE_SPARED = 1 << 3, /* say that init was asked to end, but a task lives again */
	LIFECYCLE_REPORT = 1 << 4, /* report the outcome */
};

/* Nanoseconds. */
struct lifecycle_timing {
	uint64_t settle_ns;
	uint64_t grace_ns;
};

enum {
	/* The least settle after a count that fell to zero without an exit: an exec may be under way. */
	LIFECYCLE_IDLE_SETTLE_MS = 1000,
	/* How soon a container is read again that was busy or paused when its timer fired. */
	LIFECYCLE_RECHECK_MS = 250,
	/* A killed init that is still there is reported after the first, then after each second. */
	LIFECYCLE_STUCK_MS = 30 * 1000,
	LIFECYCLE_STUCK_AGAIN_MS = 60 * 1000,
};

struct lifecycle {
	enum lifecycle_state state;
	uint64_t deadline_ns; /* when the timer fires; 0: no timer */
};

/*
 * What becomes of `life` when `event` happens at `now_ns`, and, in ret_actions, what must be done
 * now (enum lifecycle_action, or-ed). The timer fires LIFECYCLE_EMPTY, BUSY or PAUSED.
 */
struct lifecycle lifecycle_step(struct lifecycle life, enum lifecycle_event event, uint64_t now_ns,
				const struct lifecycle_timing *timing, unsigned *ret_actions);

const char *lifecycle_state_name(enum lifecycle_state state);
const char *lifecycle_event_name(enum lifecycle_event event);
