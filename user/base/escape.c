// SPDX-License-Identifier: Apache-2.0
#include "base/escape.h"

/* The well-formed sequences of Unicode, table 3-7, as lead byte, length and range of the second byte:
 * narrowing the second byte is what rules out overlong forms, surrogates and more than U+10FFFF. */
static const struct lead {
	unsigned char first, last, length, second_min, second_max;
} leads[] = {
	{0x00, 0x7f, 1, 0x00, 0x00}, {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct {
	uint32_t first, last;
} controls[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200b, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x2069}, {0xfeff, 0xfeff},
};

static const struct lead *find_lead(unsigned char c)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (c >= leads[i].first && c <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret_code_point)
{
	const struct lead *lead = len ? find_lead(s[0]) : NULL;
	uint32_t code_point;

	if (!lead || lead->length > len)
		return 0;
	if (lead->length > 1 && (s[1] < lead->second_min || s[1] > lead->second_max))
		return 0;
	/* The lead byte of n > 1 bytes carries 7 - n bits, each later one six. */
	code_point = lead->length == 1 ? s[0] : s[0] & (0x7fU >> lead->length);
	for (size_t i = 1; i < lead->length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code_point = code_point << 6 | (s[i] & 0x3fU);
	}
	if (ret_code_point)
		*ret_code_point = code_point;
	return lead->length;
}

size_t utf8_valid_length(const unsigned char *s, size_t len)
{
	return utf8_decode(s, len, NULL);
}

bool code_point_is_control(uint32_t code_point)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (code_point >= controls[i].first && code_point <= controls[i].last)
			return true;
	return false;
}

/* Bytes of what stands at s and may be printed as it is; 0 if its first byte must be escaped. (The
 * later bytes of an escaped sequence are then stray ones, which are escaped in their turn.) */
static size_t plain_length(const char *s, size_t len)
{
	uint32_t code_point;
	size_t n = utf8_decode((const unsigned char *)s, len, &code_point);

	return n && code_point != '\\' && !code_point_is_control(code_point) ? n : 0;
}

static void escape_byte(struct buf *out, char c)
{
	switch (c) {
	case '\n':
		buf_puts(out, "\\n");
		break;
	case '\t':
		buf_puts(out, "\\t");
		break;
	case '\r':
		buf_puts(out, "\\r");
		break;
	case '\\':
	case '"':
		buf_putc(out, '\\');
		buf_putc(out, c);
		break;
	default:
		buf_printf(out, "\\x%02x", (unsigned char)c);
	}
}

static void escape_bytes(struct buf *out, const char *bytes, size_t len, bool escape_quotes)
{
	size_t plain = 0; /* bytes[plain..i) pass as they are, in one go */
	size_t i = 0;

	while (i < len) {
		size_t n = plain_length(bytes + i, len - i);

		if (n && !(escape_quotes && bytes[i] == '"')) {
			i += n;
			continue;
		}
		buf_append(out, bytes + plain, i - plain);
		escape_byte(out, bytes[i]);
		plain = ++i;
	}
	buf_append(out, bytes + plain, len - plain);
}

void escape_text(struct buf *out, const char *bytes, size_t len)
{
	escape_bytes(out, bytes, len, false);
}

static bool is_bare(const char *bytes, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		char c = bytes[i];

		n = plain_length(bytes + i, len - i);
		if (!n || c == ' ' || c == '"' || c == '\'' || c == '=')
			return false;
	}
	return len > 0;
}

void escape_quoted(struct buf *out, const char *bytes, size_t len)
{
	if (is_bare(bytes, len)) {
		buf_append(out, bytes, len);
		return;
	}
	buf_putc(out, '"');
	escape_bytes(out, bytes, len, true);
	buf_putc(out, '"');
}
