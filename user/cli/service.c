// SPDX-License-Identifier: Apache-2.0
#include "cli/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "host/notify.h"

enum { USEC_PER_SEC = 1000 * 1000 };

static void tell(const char *state)
{
	int err = notify_send(state);
	struct log_line line;

	if (!err)
		return;
	log_begin(&line, LOG_LEVEL_WARN, "notify", "the service manager cannot be told");
	log_string(&line, "state", state);
	log_string(&line, "error", strerror(-err));
	log_end(&line);
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	tell("WATCHDOG=1");
}

int service_ready(struct service *service, struct event_base *base, struct error *error)
{
	uint64_t half_us = notify_is_wanted() ? notify_watchdog_us() / 2 : 0;
	struct timeval interval = {(time_t)(half_us / USEC_PER_SEC),
				   (suseconds_t)(half_us % USEC_PER_SEC)};

	if (half_us) {
		service->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
		if (!service->watchdog || event_add(service->watchdog, &interval) < 0)
			return error_set(error, -ENOMEM, "cannot set up the watchdog's timer");
	}
	tell("READY=1");
	return 0;
}

void service_reloading(void)
{
	struct timespec now;
	char state[64];

	/* The time is what tells this reload's end from an earlier one's; systemd from 253 asks for it. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		       (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000);
	tell(state);
}

void service_reloaded(void)
{
	tell("READY=1");
}

void service_stopping(void)
{
	tell("STOPPING=1");
}

void service_done(struct service *service)
{
	if (service->watchdog)
		event_free(service->watchdog);
	service->watchdog = NULL;
}
