// SPDX-License-Identifier: Apache-2.0
#include "gvisor/scan.h"

static void scan_string(struct gvisor_scan *scan, char c)
{
	if (scan->is_escape)
		scan->is_escape = false;
	else if (c == '\\')
		scan->is_escape = true;
	else if (c == '"')
		scan->is_string = false;
}

bool gvisor_scan_object(struct gvisor_scan *scan, const char *text, size_t len)
{
	while (scan->used < len) {
		char c = text[scan->used++];

		if (scan->is_string) {
			scan_string(scan, c);
			continue;
		}
		if (c == '"')
			scan->is_string = true;
		else if (c == '{' || c == '[')
			scan->depth++;
		else if ((c == '}' || c == ']') && scan->depth > 0 && --scan->depth == 0)
			return true;
	}
	return false;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
	while (at < len &&
	       (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'))
		at++;
	return at;
}

/* Where the string that begins at `at` is over; 0: nowhere. */
static size_t string_end(const char *text, size_t len, size_t at)
{
	struct gvisor_scan scan = {.is_string = true};

	if (at >= len || text[at] != '"')
		return 0;
	for (at++; at < len && scan.is_string; at++)
		scan_string(&scan, text[at]);
	return scan.is_string ? 0 : at;
}

static size_t value_end(const char *text, size_t len, size_t at)
{
	struct gvisor_scan scan = {0};

	if (at < len && text[at] == '"')
		return string_end(text, len, at);
	if (at < len && (text[at] == '{' || text[at] == '['))
		return gvisor_scan_object(&scan, text + at, len - at) ? at + scan.used : 0;
	while (at < len && text[at] != ',' && text[at] != '}')
		at++;
	return at < len ? at : 0;
}

bool gvisor_scan_member(const char *object, size_t len, size_t *at, struct gvisor_field *ret_field)
{
	size_t key = skip_blanks(object, len, *at), key_end, value, end;

	if (key >= len || object[key] != (*at ? ',' : '{'))
		return false;
	key = skip_blanks(object, len, key + 1);
	key_end = string_end(object, len, key);
	if (!key_end)
		return false;
	value = skip_blanks(object, len, key_end);
	if (value >= len || object[value] != ':')
		return false;
	value = skip_blanks(object, len, value + 1);
	end = value_end(object, len, value);
	if (!end)
		return false;
	*ret_field = (struct gvisor_field){object + key + 1, key_end - key - 2, object + value,
					   end - value};
	*at = end;
	return true;
}
