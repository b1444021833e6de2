// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/escape.h"

static void put_escape(struct buf *out, uint32_t code_point)
{
	switch (code_point) {
	case '"':
	case '\\':
		buf_putc(out, '\\');
		buf_putc(out, (char)code_point);
		break;
	case '\n':
		buf_puts(out, "\\n");
		break;
	case '\t':
		buf_puts(out, "\\t");
		break;
	case '\r':
		buf_puts(out, "\\r");
		break;
	default: /* all that is escaped lies below U+10000 */
		buf_printf(out, "\\u%04" PRIx32, code_point);
	}
}

static void put_string(struct buf *out, const char *bytes, size_t len)
{
	size_t plain = 0; /* bytes[plain..i) pass as they are, in one go */
	size_t i = 0;

	buf_putc(out, '"');
	while (i < len) {
		uint32_t code_point;
		size_t n = utf8_decode((const unsigned char *)bytes + i, len - i, &code_point);

		if (n && code_point != '"' && code_point != '\\' &&
		    !code_point_is_control(code_point)) {
			i += n;
			continue;
		}
		buf_append(out, bytes + plain, i - plain);
		put_escape(out, n ? code_point : 0xfffd);
		i += n ? n : 1;
		plain = i;
	}
	buf_append(out, bytes + plain, len - plain);
	buf_putc(out, '"');
}

/* The comma and the key before a value. */
static void lead_in(struct json *j, const char *key)
{
	if (j->need_comma)
		buf_putc(j->out, ',');
	j->need_comma = true;
	if (!key)
		return;
	put_string(j->out, key, strlen(key));
	buf_putc(j->out, ':');
}

static void begin(struct json *j, const char *key, char bracket)
{
	lead_in(j, key);
	buf_putc(j->out, bracket);
	j->need_comma = false;
	j->depth++;
}

static void end(struct json *j, char bracket)
{
	if (j->depth == 0)
		return;
	buf_putc(j->out, bracket);
	j->need_comma = true;
	j->depth--;
}

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){.out = out};
}

bool json_is_complete(const struct json *j)
{
	return j->need_comma && j->depth == 0;
}

void json_object_begin(struct json *j, const char *key)
{
	begin(j, key, '{');
}

void json_object_end(struct json *j)
{
	end(j, '}');
}

void json_array_begin(struct json *j, const char *key)
{
	begin(j, key, '[');
}

void json_array_end(struct json *j)
{
	end(j, ']');
}

void json_put_string(struct json *j, const char *key, const char *text)
{
	if (text)
		json_string_len(j, key, text, strlen(text));
	else
		json_null(j, key);
}

void json_string_len(struct json *j, const char *key, const char *bytes, size_t len)
{
	lead_in(j, key);
	put_string(j->out, bytes, len);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	lead_in(j, key);
	buf_printf(j->out, "%" PRId64, value);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	lead_in(j, key);
	buf_printf(j->out, "%" PRIu64, value);
}

void json_double(struct json *j, const char *key, double value, unsigned decimals)
{
	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	lead_in(j, key);
	buf_printf(j->out, "%.*f", (int)decimals, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	lead_in(j, key);
	buf_puts(j->out, value ? "true" : "false");
}

void json_put_null(struct json *j, const char *key)
{
	lead_in(j, key);
	buf_puts(j->out, "null");
}
