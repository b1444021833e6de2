/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of itself. */
#pragma once

#include "agent/follower.h"
#include "base/json.h"

/* The member `losses`: by kind, what was lost since the agent began. */
void about_put_losses(struct json *json, struct watch *watch);

/*
 * Members of an object: version, containers, losses, rereads, state_read_errors, dropped, pins, hooks.
 */
void about_put(struct json *json, const char *version, const struct follower_shared *shared);
