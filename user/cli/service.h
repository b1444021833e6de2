/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as a service of systemd (Type=notify): says when it is ready, reloads and stops, and that its
 * loop turns. Under anything else all of this does nothing.
 */
#pragma once

#include <event2/event.h>

#include "base/error.h"

struct service {
	struct event *watchdog; /* NULL: the manager wants no sign of life */
};

/*
 * Everything is counted: the service is up. From now on the event base gives signs of life, twice in
 * the time that the manager allows. 0 or -ENOMEM; service_done is due either way.
 */
int service_ready(struct service *service, struct event_base *base, struct error *error);

/* Around a reload. */
void service_reloading(void);
void service_reloaded(void);

void service_stopping(void);
void service_done(struct service *service);
