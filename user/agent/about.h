/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of itself. */
#pragma once

#include "agent/watch.h"
#include "base/json.h"

/* The member `losses`: by kind, what was lost since the agent began. */
void about_put_losses(struct json *json, struct watch *watch);

/* Members of an object: version, containers, losses, rereads, pins, hooks. */
void about_put(struct json *json, const char *version, struct watch *watch);
