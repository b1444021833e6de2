/* SPDX-License-Identifier: Apache-2.0 */
/* What a sandbox answers. It is not trusted: numbers are looked at, texts are cut. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "source/gvisor_table.h"

/*
 * A whole reply. 0: *ret_result is what was returned, a reference within `reply`. -EREMOTEIO: the call
 * was refused, *ret_text says why. -EBADMSG: it is no reply.
 */
int gvisor_reply_open(const json_t *reply, const json_t **ret_result, const char **ret_text);

/* ListTraceSessions: is there one? -EBADMSG. */
int gvisor_reply_sessions(const json_t *result, bool *ret_has_session);

/* Processes of one container. -EBADMSG, -ENOMEM. */
int gvisor_reply_processes(const json_t *result, struct gvisor_listing *ret_listing);

/* ProcfsDump: adds to each member what the dump has of it. -EBADMSG. */
int gvisor_reply_dump(const json_t *result, struct gvisor_listing *listings, size_t count);

void gvisor_listing_done(struct gvisor_listing *listing);
