/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `runsc kill`, for a sandbox that does not answer on its control socket. The agent runs no program:
 * a child does, which was forked before the agent gave up its rights and read a byte that a container
 * had a say in. It knows this one command, with these arguments and no environment; it has root's files
 * and no capability; it runs one at a time, and ends with us.
 *
 *	runsc_runner_start(NULL, &runner, error)	first of all
 *	runsc_runner_kill(runner, root, id, SIGTERM, &number)
 *	…runsc_runner_fd() is readable…
 *	while (runsc_runner_read(runner, &result) == 0)
 *		… result.number == number …
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

enum {
	RUNSC_ROOT_SIZE = 512, /* as long as a state directory's path may be, with its NUL */
	RUNSC_ID_SIZE = 256,
	RUNSC_TEXT_SIZE = 256,
	RUNSC_LIMIT_MS = 5000, /* for one; then it is killed */
};

struct runsc_runner;

struct runsc_result {
	uint64_t number; /* which request it is of */
	/*
	 * 0: runsc has sent the signal. -ENOENT: no runsc is here, or none that belongs to root alone.
	 * -ETIMEDOUT. -EIO: it failed; `text` has its last words.
	 */
	int err;
	char text[RUNSC_TEXT_SIZE]; /* what runsc wrote to stderr, as it is: not escaped */
};

/*
 * Forks the child, so call it while the process has one thread and nothing open that should not be
 * inherited by a fork. `programs`: absolute paths, of which the first that is there is taken, ended by
 * NULL, and valid as long as the runner; NULL: where runsc is installed, as a rule.
 */
int runsc_runner_start(const char *const *programs, struct runsc_runner **ret_runner,
		       struct error *error);

/* Ends the child, and a runsc that it still runs. NULL is fine. */
void runsc_runner_free(struct runsc_runner *runner);

/* Readable when a result is there, or the child is not. */
int runsc_runner_fd(const struct runsc_runner *runner);

/*
 * Asks for `runsc --root ROOT kill ID SIGNAL`, without waiting. -EINVAL: runsc would not take such a
 * root, id or signal. -EAGAIN: too many are waiting. -EPIPE: the child is dead.
 */
int runsc_runner_kill(struct runsc_runner *runner, const char *root, const char *id, int signal,
		      uint64_t *ret_number);

/* The next result. -EAGAIN: there is none yet. -EPIPE: the child is dead, and none will come. */
int runsc_runner_read(struct runsc_runner *runner, struct runsc_result *ret_result);
