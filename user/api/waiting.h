/* SPDX-License-Identifier: Apache-2.0 */
/* Those who wait for the end of a container's work: `lastout wait`. */
#pragma once

#include "agent/follower.h"
#include "api/history.h"
#include "http/http.h"

struct waiting;

/* NULL if memory is short. */
struct waiting *waiting_new(const struct follower_shared *shared);
/* Whoever still waits is told so by the server's end, before this. */
void waiting_free(struct waiting *waiting);

/* Answers when the container's work has ended, at once if it has. */
void waiting_add(struct waiting *waiting, struct http_exchange *exchange,
		 struct container *container);

/* The container has entered another state, or its counts have changed. */
void waiting_look(struct waiting *waiting, const struct container *container);

/* The answer itself. */
void waiting_reply(struct http_exchange *exchange, const char *id, const char *name,
		   const struct work_end *end);
