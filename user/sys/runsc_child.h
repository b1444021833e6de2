/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of runsc_runner: what the child does. */
#pragma once

#include <stdint.h>

#include "sys/runsc_runner.h"

/* One packet; the result is a struct runsc_result, one packet as well. */
struct runsc_request {
	uint64_t number;
	int signal;
	char root[RUNSC_ROOT_SIZE];
	char id[RUNSC_ID_SIZE];
};

/* An absolute path without "..", an id of runsc's own letters, a signal: nothing that is an option. */
int runsc_request_check(const struct runsc_request *request);

/* Answers requests until the other end of the socket is closed. Never returns. */
void __attribute__((noreturn)) runsc_child_run(int fd, const char *const *programs);
