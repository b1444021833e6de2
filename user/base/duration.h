/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations as people write and read them.
 * Own code because no library among the dependencies knows them (libsystemd would be a large one).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Enough for every text of duration_format. */
#define DURATION_TEXT_SIZE 32

/*
 * Reads one or more numbers with a unit (ns, us, ms, s, m, h), largest unit first, each unit once:
 * `500ms`, `2s`, `1m30s`, `1.5s`; or `0` alone. What a fraction has below a nanosecond is dropped.
 * Sets *ret_ns (nanoseconds) and returns 0; -EINVAL for anything else, -ERANGE for more than
 * UINT64_MAX ns (about 584 years).
 */
int duration_parse(const char *text, uint64_t *ret_ns);

/*
 * Writes a short text for people, cut and not rounded (59.99 s is never `60s`), and always
 * NUL-terminated: `0s`, `999ns`, `180us`, `1.2ms`, `1.2s`, `59.9s`, `3m05s`, `2h03m`,
 * `4d02h`. A tenth that is zero is left out: `180ms`, `2s`. duration_parse does not read days.
 */
void duration_format(uint64_t ns, char *buf, size_t size);
