/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording, played through a set of policies in virtual time: what the agent would have done, by
 * the same lifecycle, policies and limits. Reads no clock, waits for nothing, touches nobody.
 *
 * It is the dry run of an agent that knows what the recording tells, and no more. Who forked and did
 * not exit before the recording's end is seen in the counts of others' exits only; whether a
 * container was paused, and what the guards before a signal would have said, is not recorded.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "core/policy.h"
#include "replay/line.h"

enum { REPLAY_CONTAINERS_MAX = 65536 };

struct replay_options {
	FILE *file; /* read twice from its beginning: it must be one that can be */
	const struct policy_set *policies;
	/* In order of time. Valid during the call. */
	void (*say)(void *context, const struct replay_line *line);
	void *context;
};

struct replay_totals {
	uint64_t lines;
	uint64_t events;	 /* lines that tell of a container */
	uint64_t strange;	 /* lines that were not understood */
	uint64_t strange_number; /* the first of them */
	const char *strange_reason;
	bool is_cut;	       /* the last line was one of them, and has no end */
	uint64_t backwards;    /* lines whose time is before that of a line before */
	uint64_t backwards_ns; /* by how much at most */
	uint64_t dropped;      /* lines of containers beyond REPLAY_CONTAINERS_MAX */
	uint64_t asked;	       /* how often an init would be asked to end */
	unsigned containers;
	unsigned untold; /* containers of which outcomes alone tell: nothing to replay */
};

/* 0, or a negative errno with the reason in `error`. */
int replay_run(const struct replay_options *options, struct replay_totals *ret_totals,
	       struct error *error);
