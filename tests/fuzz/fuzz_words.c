// SPDX-License-Identifier: Apache-2.0
/* The small readers: durations, signals, patterns, times, names; and what makes text safe to print. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/escape.h"
#include "core/cgroup_path.h"
#include "core/exit_status.h"
#include "core/glob.h"
#include "core/helpers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* No byte that a terminal acts on, and nothing that is no UTF-8. */
static void check_safe(const struct buf *text)
{
	for (size_t at = 0; at < text->len;) {
		uint32_t code_point;
		size_t len = utf8_decode((const unsigned char *)text->data + at, text->len - at,
					 &code_point);

		require(len && !code_point_is_control(code_point));
		at += len;
	}
}

static void check_escape(const char *bytes, size_t len)
{
	struct buf text = {0}, quoted = {0};

	escape_text(&text, bytes, len);
	escape_quoted(&quoted, bytes, len);
	require(!text.failed && text.len >= len && quoted.len >= len);
	check_safe(&text);
	check_safe(&quoted);
	buf_done(&text);
	buf_done(&quoted);
}

static void check_time(const char *text)
{
	uint64_t ns, again;
	char shown[40];

	if (clock_parse_rfc3339(text, &ns) < 0)
		return;
	clock_format_unix_rfc3339(ns, shown, sizeof(shown));
	require(clock_parse_rfc3339(shown, &again) == 0 && again == ns);
	require(strncmp(shown, text, 17) == 0);
}

static void check_names(const char *text)
{
	char name[EXIT_STATUS_TEXT_SIZE], shown[DURATION_TEXT_SIZE];
	int signal = signal_parse(text);
	struct error error;
	uint64_t ns;

	require(signal != 0 && signal <= 64);
	if (signal > 0) {
		signal_name(signal, name, sizeof(name));
		require(signal_parse(name) == signal);
	}
	if (duration_parse(text, &ns) == 0) {
		duration_format(ns, shown, sizeof(shown));
		require(strlen(shown) < sizeof(shown));
	}
	(void)runtime_parse(text);
	(void)helper_name_check(text, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	require(text);
	memcpy(text, data, size);
	text[size] = '\0';
	check_escape((const char *)data, size);
	check_time(text);
	check_names(text);
	/* Patterns are the administrator's; fnmatch takes its time for those of thousands of stars. */
	if (size < 64) {
		(void)glob_matches(text, "python3");
		if (glob_matches_everything(text))
			require(strpbrk(text, "*?[\\") != NULL);
	}
	free(text);
	return 0;
}
