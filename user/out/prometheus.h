/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text format, version 0.0.4. Names and help are literals; the values of labels may be any
 * bytes. Own code because there is no client library for C in Debian, and the format is three rules.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PROMETHEUS_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* An array of these ends with a name of NULL; instead of it, NULL stands for no labels. */
struct prometheus_label {
	const char *name;
	const char *value;
};

enum prometheus_type {
	PROMETHEUS_COUNTER,
	PROMETHEUS_GAUGE,
	PROMETHEUS_HISTOGRAM,
};

/* What the samples that follow are. They must follow at once, all of them: the format asks for it. */
void prometheus_put_head(struct buf *out, const char *name, enum prometheus_type type,
			 const char *help);

void prometheus_put_uint(struct buf *out, const char *name, const struct prometheus_label *labels,
			 uint64_t value);
void prometheus_put_double(struct buf *out, const char *name, const struct prometheus_label *labels,
			   double value);

/* --- histograms --- */

enum { PROMETHEUS_BOUNDS_MAX = 16 };

struct prometheus_histogram {
	double bounds[PROMETHEUS_BOUNDS_MAX]; /* growing; the rest 0 */
	uint64_t counts[PROMETHEUS_BOUNDS_MAX +
			1]; /* of each bucket alone; the last is above all bounds */
	double sum;
};

void prometheus_observe(struct prometheus_histogram *histogram, double value);

/* With its head. */
void prometheus_put_histogram(struct buf *out, const char *name, const char *help,
			      const struct prometheus_histogram *histogram);
