// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "out/prometheus.h"

static void test_samples(void **state)
{
	const struct prometheus_label labels[] = {{"how", "signal"}, {"policy", "queue"}, {0}};
	_cleanup_(buf_done) struct buf out = {0};

	(void)state;
	prometheus_put_head(&out, "x_total", PROMETHEUS_COUNTER, "What it is.");
	prometheus_put_uint(&out, "x_total", NULL, UINT64_MAX);
	prometheus_put_uint(&out, "x_total", labels, 3);
	prometheus_put_head(&out, "y", PROMETHEUS_GAUGE, "Another.");
	prometheus_put_double(&out, "y", labels + 1, 0.25);
	prometheus_put_double(&out, "y", NULL, 1700000000.125);
	assert_string_equal(out.data, "# HELP x_total What it is.\n"
				      "# TYPE x_total counter\n"
				      "x_total 18446744073709551615\n"
				      "x_total{how=\"signal\",policy=\"queue\"} 3\n"
				      "# HELP y Another.\n"
				      "# TYPE y gauge\n"
				      "y{policy=\"queue\"} 0.25\n"
				      "y 1700000000.125\n");
}

static void assert_value(const char *value, const char *expected)
{
	const struct prometheus_label labels[] = {{"l", value}, {0}};
	_cleanup_(buf_done) struct buf out = {0}, line = {0};

	prometheus_put_uint(&out, "x", labels, 1);
	buf_printf(&line, "x{l=\"%s\"} 1\n", expected);
	assert_string_equal(out.data, line.data);
}

/* Nothing ends the value, the label or the line but we; and all is UTF-8, or nothing is scraped. */
static void test_label_values(void **state)
{
	(void)state;
	assert_value("", "");
	assert_value("a b{c}=,#", "a b{c}=,#");
	assert_value("\"} 7\nup 1\\", "\\\"} 7\\nup 1\\\\");
	assert_value("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	assert_value("\xff-\xc3", "\xef\xbf\xbd-\xef\xbf\xbd");
	assert_value("\x1b[2J\r", "\xef\xbf\xbd[2J\xef\xbf\xbd");
	assert_value("\xe2\x80\xae", "\xef\xbf\xbd");
}

static void test_histogram(void **state)
{
	struct prometheus_histogram histogram = {.bounds = {0.005, 1, 2.5}};
	_cleanup_(buf_done) struct buf out = {0};

	(void)state;
	prometheus_observe(&histogram, 0);
	prometheus_observe(&histogram, 0.005); /* a bound belongs to the bucket below it */
	prometheus_observe(&histogram, 2);
	prometheus_observe(&histogram, 100);
	prometheus_put_histogram(&out, "h", "Times.", &histogram);
	assert_string_equal(out.data, "# HELP h Times.\n"
				      "# TYPE h histogram\n"
				      "h_bucket{le=\"0.005\"} 2\n"
				      "h_bucket{le=\"1\"} 2\n"
				      "h_bucket{le=\"2.5\"} 3\n"
				      "h_bucket{le=\"+Inf\"} 4\n"
				      "h_sum 102.005\n"
				      "h_count 4\n");
}

/* As many bounds as there is room for: the last bucket is behind them. */
static void test_full_histogram(void **state)
{
	struct prometheus_histogram histogram = {0};
	_cleanup_(buf_done) struct buf out = {0};

	(void)state;
	for (int i = 0; i < PROMETHEUS_BOUNDS_MAX; i++)
		histogram.bounds[i] = i + 1;
	prometheus_observe(&histogram, PROMETHEUS_BOUNDS_MAX);
	prometheus_observe(&histogram, PROMETHEUS_BOUNDS_MAX + 1);
	assert_int_equal(histogram.counts[PROMETHEUS_BOUNDS_MAX - 1], 1);
	assert_int_equal(histogram.counts[PROMETHEUS_BOUNDS_MAX], 1);
	prometheus_put_histogram(&out, "h", "Times.", &histogram);
	assert_non_null(strstr(out.data, "h_bucket{le=\"16\"} 1\nh_bucket{le=\"+Inf\"} 2\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_label_values),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_full_histogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
