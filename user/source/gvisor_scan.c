// SPDX-License-Identifier: Apache-2.0
#include "source/gvisor_scan.h"

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
