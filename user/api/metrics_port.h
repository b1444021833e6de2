/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP port of metrics and health: GET of `/metrics`, `/healthz`, `/readyz`, and nothing else. It
 * tells of counts and of policies' names, changes nothing, and serves whoever reaches it.
 */
#pragma once

#include <event2/event.h>

#include "api/metrics.h"
#include "base/error.h"

struct metrics_port;

/*
 * Listens at ADDRESS:PORT. Who asks before metrics_port_ready is told 503, but for `/healthz`.
 * `metrics` must outlive it.
 */
int metrics_port_new(struct event_base *base, const char *endpoint, struct metrics *metrics,
		     struct metrics_port **ret_port, struct error *error);
void metrics_port_free(struct metrics_port *port);

/* All containers have been found and counted. NULL is fine. */
void metrics_port_ready(struct metrics_port *port);
