/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent sees of one container, and what it makes of it, on a page. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

/* `container` is the reply to GET /v1/containers/CONTAINER. */
void explain_put(struct buf *out, bool has_colour, const json_t *container);
