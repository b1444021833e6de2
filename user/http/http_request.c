// SPDX-License-Identifier: Apache-2.0
#include "http/http_request.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum { OK = 200, NEED_MORE = 0 };

/* Up to and with the empty line; 0 if that has not come yet. Line feeds alone will do. */
static size_t head_length(const char *bytes, size_t len)
{
	const char *end = bytes + len;

	for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(end - at)));) {
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at + 1 - bytes);
		if (at + 1 < end && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at + 2 - bytes);
	}
	return 0;
}

/* Nothing but text, tabs and line ends: what else is there is no HTTP. */
static bool is_text(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\r' && i + 1 < len && bytes[i + 1] == '\n')
			continue;
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Cuts off the first line at *rest, and its line end from it; NULL at the empty one. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	*rest = end + 1;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return *line ? line : NULL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `%2F` and the like, in place. False: no digits follow, or a NUL would be in it. */
static bool decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = digit(from[1]);
		low = high < 0 ? -1 : digit(from[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return true;
}

static int parse_path(char *path, struct http_request *request, struct error *error)
{
	char *rest = path + 1;

	if (!*rest)
		return OK;
	for (char *segment; (segment = strsep(&rest, "/"));) {
		if (request->segment_count == HTTP_SEGMENTS_MAX)
			return error_set(error, 404, "a path of more than %d parts",
					 HTTP_SEGMENTS_MAX);
		if (!decode(segment))
			return error_set(error, 400, "a %% in the path that encodes nothing");
		request->segments[request->segment_count++] = segment;
	}
	return OK;
}

static int parse_queries(char *rest, struct http_request *request, struct error *error)
{
	for (char *key; (key = strsep(&rest, "&"));) {
		char *value = key;

		(void)strsep(&value, "=");
		if (request->query_count == HTTP_QUERIES_MAX)
			return error_set(error, 400, "more than %d query values", HTTP_QUERIES_MAX);
		if (!decode(key) || (value && !decode(value)))
			return error_set(error, 400, "a %% in the query that encodes nothing");
		request->queries[request->query_count++] = (struct http_query){key,
									       value ? value : ""};
	}
	return OK;
}

/* `GET /v1/containers?all=1 HTTP/1.1` */
static int parse_request_line(char *line, struct http_request *request, struct error *error)
{
	char *rest = line;
	char *method = strsep(&rest, " "), *target = strsep(&rest, " "), *version = rest;
	char *query;
	int status;

	if (!version || !*method || strncmp(version, "HTTP/", 5) != 0)
		return error_set(error, 400, "no HTTP request");
	if (strcmp(version, "HTTP/1.0") != 0 && strcmp(version, "HTTP/1.1") != 0)
		return error_set(error, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	if (target[0] != '/')
		return error_set(error, 400, "a path must begin with /");
	request->method = method;
	query = target;
	target = strsep(&query, "?");
	status = parse_path(target, request, error);
	return status == OK && query && *query ? parse_queries(query, request, error) : status;
}

static bool parse_length(const char *text, size_t *ret_len)
{
	size_t digits = strspn(text, "0123456789");

	/* Blanks may follow. So many digits fit into the number. */
	if (!digits || digits > 18 || text[digits + strspn(text + digits, " \t")])
		return false;
	*ret_len = strtoul(text, NULL, 10);
	return true;
}

/* Only how long the body is matters here. */
static int parse_headers(char *rest, size_t *ret_body_len, struct error *error)
{
	bool has_length = false;

	for (char *line; (line = next_line(&rest));) {
		char *value = strchr(line, ':');

		if (!value || value == line || isspace((unsigned char)*line))
			return error_set(error, 400, "a header without a name and a colon");
		*value++ = '\0';
		value += strspn(value, " \t");
		if (strcasecmp(line, "Transfer-Encoding") == 0)
			return error_set(error, 411, "a body must say its Content-Length");
		if (strcasecmp(line, "Content-Length") != 0)
			continue;
		if (has_length || !parse_length(value, ret_body_len))
			return error_set(error, 400, "a Content-Length that is none");
		has_length = true;
		if (*ret_body_len > HTTP_BODY_BYTES_MAX)
			return error_set(error, 413, "a body of more than %d bytes",
					 HTTP_BODY_BYTES_MAX);
	}
	return OK;
}

static int parse_head(char *head, struct http_request *request, size_t *ret_body_len,
		      struct error *error)
{
	char *rest = head;
	char *line = next_line(&rest);
	int status = line ? parse_request_line(line, request, error) :
			    error_set(error, 400, "no HTTP request");

	return status == OK ? parse_headers(rest, ret_body_len, error) : status;
}

int http_request_parse(const char *bytes, size_t len, struct http_request *ret_request,
		       struct error *error)
{
	size_t head_len = head_length(bytes, len), body_len = 0;
	struct http_request request = {0};
	_cleanup_free_ char *text = NULL;
	int status;

	if (head_len > HTTP_HEAD_BYTES_MAX || (!head_len && len >= HTTP_HEAD_BYTES_MAX))
		return error_set(error, 431, "headers of more than %d bytes", HTTP_HEAD_BYTES_MAX);
	if (!is_text(bytes, head_len))
		return error_set(error, 400, "no HTTP request: it has control characters");
	if (!head_len)
		return NEED_MORE;
	text = malloc(len + 1);
	if (!text)
		return error_set(error, 503, "out of memory");
	memcpy(text, bytes, len);
	text[len] = '\0';
	status = parse_head(text, &request, &body_len, error);
	if (status != OK)
		return status;
	if (len - head_len < body_len)
		return NEED_MORE;
	request.body = text + head_len;
	request.body_len = body_len;
	text[head_len + body_len] = '\0';
	request.text = STEAL_PTR(text);
	*ret_request = request;
	return OK;
}

void http_request_done(struct http_request *request)
{
	free(request->text);
	*request = (struct http_request){0};
}

const char *http_request_query(const struct http_request *request, const char *key)
{
	for (size_t i = 0; i < request->query_count; i++) {
		if (strcmp(request->queries[i].key, key) == 0)
			return request->queries[i].value;
	}
	return NULL;
}
