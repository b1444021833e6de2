/* SPDX-License-Identifier: Apache-2.0 */
/* What a follower says in the log. */
#pragma once

#include "base/log.h"
#include "core/container.h"
#include "core/lifecycle.h"
#include "core/verify.h"

/* A line about a container, with one more field if `key` is not NULL. */
void follower_log(const struct container *container, enum log_level level, const char *event,
		  const char *message, const char *key, const char *value);

/* Also where settle begins anew: then both states are the same. */
void follower_log_state(const struct container *container, enum lifecycle_state from,
			enum lifecycle_state to, enum lifecycle_event event);
void follower_log_found(const struct container *container);
void follower_log_init(const struct container *container);
void follower_log_exec(const struct container *container);
void follower_log_holder(const struct container *container, const struct member *holder);
/* A killed init does not end; `holder` is what it may wait for, NULL if that is not known. */
void follower_log_stuck(const struct container *container, const struct abi_holder *holder);
