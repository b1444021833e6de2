// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS (1000 * NS_PER_US)
#define NS_PER_S  (1000 * NS_PER_MS)
#define NS_PER_M  (60 * NS_PER_S)
#define NS_PER_H  (60 * NS_PER_M)
#define NS_PER_D  (24 * NS_PER_H)

/* Digits of a fraction that can matter: 10^18 still fits 64 bits, and an hour has 3.6 * 10^12 ns. */
#define FRACTION_DIGITS_MAX 18

/* Two-letter units first: `ms` begins like `m`. */
static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1},	 {"us", NS_PER_US}, {"ms", NS_PER_MS},
	{"s", NS_PER_S}, {"m", NS_PER_M},   {"h", NS_PER_H},
};

/* One `NUMBER[.FRACTION]` as it was written; is_large means that the whole part did not fit. */
struct number {
	uint64_t whole, fraction, fraction_scale;
	bool is_large;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int read_number(const char **text, struct number *ret)
{
	struct number n = {.fraction_scale = 1};
	const char *p = *text;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		n.is_large |= __builtin_mul_overflow(n.whole, 10, &n.whole) ||
			      __builtin_add_overflow(n.whole, (uint64_t)(*p - '0'), &n.whole);
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (int digits = 0; is_digit(*p); p++) {
			if (digits++ >= FRACTION_DIGITS_MAX)
				continue;
			n.fraction = n.fraction * 10 + (uint64_t)(*p - '0');
			n.fraction_scale *= 10;
		}
	}
	*text = p;
	*ret = n;
	return 0;
}

static const struct unit *read_unit(const char **text)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*text, units[i].name, len) == 0) {
			*text += len;
			return &units[i];
		}
	}
	return NULL;
}

/* Adds n units to *total; false if that is too much. */
static bool add_number(uint64_t *total, const struct number *n, uint64_t unit_ns)
{
	__extension__ unsigned __int128 fraction = n->fraction;
	uint64_t whole_ns;

	fraction = fraction * unit_ns / n->fraction_scale;
	return !n->is_large && !__builtin_mul_overflow(n->whole, unit_ns, &whole_ns) &&
	       !__builtin_add_overflow(*total, whole_ns, total) &&
	       !__builtin_add_overflow(*total, (uint64_t)fraction, total);
}

int duration_parse(const char *text, uint64_t *ret_ns)
{
	uint64_t total = 0, last_unit_ns = UINT64_MAX;
	bool fits = true;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		const struct unit *unit;
		struct number n;

		if (read_number(&text, &n) < 0)
			return -EINVAL;
		unit = read_unit(&text);
		if (!unit || unit->ns >= last_unit_ns)
			return -EINVAL;
		last_unit_ns = unit->ns;
		/* Go on reading when it does not fit: malformed comes before too large. */
		fits = fits && add_number(&total, &n, unit->ns);
	} while (*text);
	if (!fits)
		return -ERANGE;
	*ret_ns = total;
	return 0;
}

/* `1.2s`, and `2s` where the tenth is zero. */
static void format_tenths(uint64_t ns, uint64_t unit_ns, const char *unit, char *buf, size_t size)
{
	uint64_t tenths = ns / (unit_ns / 10);

	if (tenths % 10)
		(void)snprintf(buf, size, "%" PRIu64 ".%" PRIu64 "%s", tenths / 10, tenths % 10,
			       unit);
	else
		(void)snprintf(buf, size, "%" PRIu64 "%s", tenths / 10, unit);
}

/* `3m05s` */
static void format_pair(uint64_t ns, const struct unit *large, const struct unit *small, char *buf,
			size_t size)
{
	(void)snprintf(buf, size, "%" PRIu64 "%s%02" PRIu64 "%s", ns / large->ns, large->name,
		       ns % large->ns / small->ns, small->name);
}

void duration_format(uint64_t ns, char *buf, size_t size)
{
	static const struct unit day = {"d", NS_PER_D}, hour = {"h", NS_PER_H},
				 minute = {"m", NS_PER_M}, second = {"s", NS_PER_S};

	if (ns == 0)
		(void)snprintf(buf, size, "0s");
	else if (ns < NS_PER_US)
		(void)snprintf(buf, size, "%" PRIu64 "ns", ns);
	else if (ns < NS_PER_MS)
		(void)snprintf(buf, size, "%" PRIu64 "us", ns / NS_PER_US);
	else if (ns < NS_PER_S)
		format_tenths(ns, NS_PER_MS, "ms", buf, size);
	else if (ns < NS_PER_M)
		format_tenths(ns, NS_PER_S, "s", buf, size);
	else if (ns < NS_PER_H)
		format_pair(ns, &minute, &second, buf, size);
	else if (ns < NS_PER_D)
		format_pair(ns, &hour, &minute, buf, size);
	else
		format_pair(ns, &day, &hour, buf, size);
}
