/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sandbox answers. It is not trusted: numbers are looked at, texts are cut. All: 0; -EREMOTEIO, the
 * call was refused, and `error` has the sandbox's own words (to be escaped where they are printed);
 * -EBADMSG, it is no such reply.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "gvisor/table.h"

/* Of a call that returns nothing. */
int gvisor_reply_check(const char *reply, size_t len, struct error *error);

/* ListTraceSessions: is there one? */
int gvisor_reply_sessions(const char *reply, size_t len, bool *ret_has_session,
			  struct error *error);

/* Processes of one container. A container that is not there any more has none. -ENOMEM. */
int gvisor_reply_processes(const char *reply, size_t len, struct gvisor_listing *ret_listing,
			   struct error *error);

/* ProcfsDump: marks those that are in the dump, with their start. */
int gvisor_reply_dump(const char *reply, size_t len, struct gvisor_listing *listings, size_t count,
		      struct error *error);

/* Is there one whose life only the dump can tell? `init` is none. */
bool gvisor_listing_needs_dump(const struct gvisor_listing *listing, pid_t init);
void gvisor_listing_done(struct gvisor_listing *listing);
