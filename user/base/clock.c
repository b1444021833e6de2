// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* fails only for a clock that does not exist */
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* The offset between two clocks is read anew each time: the wall clock may be set. */
static uint64_t clock_translate(uint64_t boot_ns, clockid_t clock)
{
	return clock_ns(clock) - (clock_boot_ns() - boot_ns);
}

uint64_t clock_boot_to_unix_ns(uint64_t boot_ns)
{
	return clock_translate(boot_ns, CLOCK_REALTIME);
}

void clock_format_rfc3339(uint64_t boot_ns, char *buf, size_t size)
{
	uint64_t unix_ns = clock_boot_to_unix_ns(boot_ns);
	time_t seconds = (time_t)(unix_ns / NS_PER_SEC);
	char text[24];
	struct tm parts;

	gmtime_r(&seconds, &parts);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(buf, size, "%s.%09" PRIu64 "Z", text, unix_ns % NS_PER_SEC);
}

void clock_format_short(uint64_t boot_ns, enum clock_kind kind, char *buf, size_t size)
{
	uint64_t ns = clock_translate(boot_ns,
				      kind == CLOCK_KIND_MONO ? CLOCK_MONOTONIC : CLOCK_REALTIME);
	time_t seconds = (time_t)(ns / NS_PER_SEC);
	unsigned ms = (unsigned)(ns / NS_PER_MS % 1000);
	char text[16];
	struct tm parts;

	if (kind == CLOCK_KIND_MONO) {
		(void)snprintf(buf, size, "%" PRIu64 ".%06" PRIu64, ns / NS_PER_SEC,
			       ns % NS_PER_SEC / 1000);
		return;
	}
	if (kind == CLOCK_KIND_UTC)
		gmtime_r(&seconds, &parts);
	else
		localtime_r(&seconds, &parts);
	(void)strftime(text, sizeof(text), "%H:%M:%S", &parts);
	(void)snprintf(buf, size, "%s.%03u", text, ms);
}
