/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of itself. */
#pragma once

#include "agent/watch.h"
#include "base/json.h"

/* Members of an object: version, containers, losses, rereads, pins, hooks. */
void about_put(struct json *json, struct watch *watch);
