/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs that are known as PID 1 of a container, one row each: what they are, how long they take
 * to start a task again, and which processes they have beside it. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/answer.h"
#include "core/command_line.h"

enum manager_class {
	MANAGER_SUPERVISOR,  /* starts tasks and stays when they have ended: what lastout is for */
	MANAGER_WRAPPER,     /* has one child, ends with it, and is looked through */
	MANAGER_SERVER,	     /* waits for more work by design */
	MANAGER_PLACEHOLDER, /* does nothing, and keeps the container */
	MANAGER_CLASS_COUNT,
};

struct manager {
	const char *name; /* in policies, and for people */
	enum manager_class class;
	/*
	 * Patterns, ended by NULL: of the base name of argument 0, of argument 0 as it is (PM2
	 * overwrites it), and of an interpreter's script or module.
	 */
	const char *const *programs;
	/* Command names, ended by NULL, of processes that are no work: NAME or PREFIX*. NULL: none. */
	const char *const *helpers;
	uint64_t settle_ms, restart_settle_ms; /* 0: as for unknown ones */
};

extern const struct manager managers[];
extern const size_t manager_count;

/* How long those take of which nothing is known. */
enum { MANAGER_SETTLE_MS = 2000, MANAGER_RESTART_SETTLE_MS = 30 * 1000 };

/*
 * The row of the program that these arguments name; NULL: none, or not readable. Names that a process
 * gave itself by prctl are not looked at.
 */
const struct manager *manager_find(const struct command_line *args);

/* The same, or, if init leads to a supervisor, the row of that. Either may be NULL. */
const struct manager *manager_of(const struct command_line *args, const struct command_line *led);

/* Whether such an init may lead to a supervisor: a small init or a shell. */
bool manager_may_lead(const struct command_line *args);

/* The command that a wrapper's arguments tell it to run (`tini -g -- supervisord -n`). False: none. */
bool manager_led_by(const struct command_line *args, struct command_line *ret_led);

const char *manager_class_name(enum manager_class class);
