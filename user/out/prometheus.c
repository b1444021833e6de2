// SPDX-License-Identifier: Apache-2.0
#include "out/prometheus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

/* U+FFFD, for what is no text or would act on a terminal instead of showing there. */
#define REPLACEMENT "\xef\xbf\xbd"

void prometheus_put_head(struct buf *out, const char *name, enum prometheus_type type,
			 const char *help)
{
	static const char *const names[] = {
		[PROMETHEUS_COUNTER] = "counter",
		[PROMETHEUS_GAUGE] = "gauge",
		[PROMETHEUS_HISTOGRAM] = "histogram",
	};

	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, names[type]);
}

/* The format knows three escapes, and wants UTF-8: one bad byte, and the whole scrape is refused. */
static void put_value(struct buf *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text), len;
	uint32_t code_point;

	for (; left; at += len, left -= len) {
		len = utf8_decode(at, left, &code_point);
		if (*at == '\n')
			buf_puts(out, "\\n");
		else if (*at == '"' || *at == '\\')
			buf_printf(out, "\\%c", *at);
		else if (!len || code_point_is_control(code_point))
			buf_puts(out, REPLACEMENT);
		else
			buf_append(out, at, len);
		len = len ? len : 1;
	}
}

static void put_labels(struct buf *out, const struct prometheus_label *labels)
{
	char before = '{';

	for (; labels && labels->name; labels++, before = ',') {
		buf_printf(out, "%c%s=\"", before, labels->name);
		put_value(out, labels->value);
		buf_putc(out, '"');
	}
	if (before == ',')
		buf_putc(out, '}');
}

void prometheus_put_uint(struct buf *out, const char *name, const struct prometheus_label *labels,
			 uint64_t value)
{
	buf_puts(out, name);
	put_labels(out, labels);
	buf_printf(out, " %" PRIu64 "\n", value);
}

void prometheus_put_double(struct buf *out, const char *name, const struct prometheus_label *labels,
			   double value)
{
	buf_puts(out, name);
	put_labels(out, labels);
	buf_printf(out, " %.15g\n", value);
}

static size_t bound_count(const struct prometheus_histogram *histogram)
{
	size_t count = 0;

	while (count < PROMETHEUS_BOUNDS_MAX && histogram->bounds[count] > 0)
		count++;
	return count;
}

void prometheus_observe(struct prometheus_histogram *histogram, double value)
{
	size_t count = bound_count(histogram), i = 0;

	while (i < count && value > histogram->bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->sum += value;
}

void prometheus_put_histogram(struct buf *out, const char *name, const char *help,
			      const struct prometheus_histogram *histogram)
{
	size_t count = bound_count(histogram);
	uint64_t below = 0;

	prometheus_put_head(out, name, PROMETHEUS_HISTOGRAM, help);
	for (size_t i = 0; i < count; i++) {
		below += histogram->counts[i];
		buf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, histogram->bounds[i],
			   below);
	}
	below += histogram->counts[count];
	buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below);
	buf_printf(out, "%s_sum %.15g\n%s_count %" PRIu64 "\n", name, histogram->sum, name, below);
}
