/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's list of containers, as a table. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

struct containers_style {
	bool is_wide;
	bool is_report; /* what each holds, and for how long */
	bool has_colour;
};

/*
 * A heading and a line a container, by pod and name; columns as wide as what is in them.
 * `containers` is the array of the reply.
 */
void containers_put_table(struct buf *out, const struct containers_style *style,
			  const json_t *containers);

/* A line if anything was lost: each kind that is not zero. `losses` is the object of the reply. */
void containers_put_losses(struct buf *out, const json_t *losses);
