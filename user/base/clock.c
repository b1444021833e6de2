// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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
	clock_format_unix_rfc3339(clock_boot_to_unix_ns(boot_ns), buf, size);
}

void clock_format_unix_rfc3339(uint64_t unix_ns, char *buf, size_t size)
{
	time_t seconds = (time_t)(unix_ns / NS_PER_SEC);
	char text[24];
	struct tm parts;

	gmtime_r(&seconds, &parts);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(buf, size, "%s.%09" PRIu64 "Z", text, unix_ns % NS_PER_SEC);
}

/* `.123456789` to nanoseconds; *text is moved behind it. What is finer is no time of ours. */
static int parse_fraction(const char **text, uint64_t *ret_ns)
{
	uint64_t unit = NS_PER_SEC / 10, ns = 0;
	const char *at = *text;

	*ret_ns = 0;
	if (*at != '.')
		return 0;
	for (at++; *at >= '0' && *at <= '9' && unit; at++, unit /= 10)
		ns += (uint64_t)(*at - '0') * unit;
	if (at == *text + 1)
		return -EINVAL;
	*text = at;
	*ret_ns = ns;
	return 0;
}

/* strptime alone takes spaces, signs and years of any length. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; text++, shape++)
		if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return true;
}

int clock_parse_rfc3339(const char *text, uint64_t *ret_unix_ns)
{
	struct tm parts = {0};
	uint64_t fraction_ns;
	time_t seconds;

	if (!has_shape(text, "0000-00-00T00:00:00"))
		return -EINVAL;
	text = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	if (!text || parse_fraction(&text, &fraction_ns) < 0 || strcmp(text, "Z") != 0)
		return -EINVAL;
	seconds = timegm(&parts);
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / NS_PER_SEC - 1)
		return -EINVAL;
	*ret_unix_ns = (uint64_t)seconds * NS_PER_SEC + fraction_ns;
	return 0;
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
