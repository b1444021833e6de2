/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks, as nanoseconds. CLOCK_BOOTTIME is what the kernel side stamps and what deadlines use. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_SEC UINT64_C(1000000000)

uint64_t clock_boot_ns(void);

enum clock_kind {
	CLOCK_KIND_LOCAL,
	CLOCK_KIND_UTC,
	CLOCK_KIND_MONO,
};

/* A moment of CLOCK_BOOTTIME as seconds and nanoseconds since 1970. */
uint64_t clock_boot_to_unix_ns(uint64_t boot_ns);

/* RFC 3339 with nanoseconds, UTC: `2026-11-23T03:17:00.123456789Z`. size >= 31. */
void clock_format_rfc3339(uint64_t boot_ns, char *buf, size_t size);

/* The same of a moment since 1970, whatever the clocks say now. size >= 31. */
void clock_format_unix_rfc3339(uint64_t unix_ns, char *buf, size_t size);

/*
 * Reads what those two write, with up to nine digits behind the second, or none. 0, or -EINVAL: it
 * is something else, or before 1970.
 */
int clock_parse_rfc3339(const char *text, uint64_t *ret_unix_ns);

/* For people: `03:17:00.123`, local or UTC; or seconds of CLOCK_MONOTONIC. size >= 32. */
void clock_format_short(uint64_t boot_ns, enum clock_kind kind, char *buf, size_t size);
