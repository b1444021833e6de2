/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket answers; see docs/api.md. */
#pragma once

#include "agent/follower.h"
#include "base/error.h"

struct api;

/* Listens at `path`. `shared` and `version` must outlive it; the watch is not needed yet. */
int api_new(const struct follower_shared *shared, const char *version, const char *path,
	    struct api **ret_api, struct error *error);
void api_free(struct api *api);

/* For those who wait for it. */
void api_outcome(struct api *api, const struct outcome *outcome);
void api_state(struct api *api, const struct container *container, enum lifecycle_state state);
/* What was ordered is not done after all. */
void api_refused(struct api *api, const struct container *container, const char *reason);
/* The container is forgotten after this. */
void api_removed(struct api *api, const struct container *container);
