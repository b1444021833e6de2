/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an HTTP/1.x request, taken apart. Pure, so that it can be fed anything. */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum {
	HTTP_HEAD_BYTES_MAX = 8192, /* request line, headers and the empty line */
	HTTP_BODY_BYTES_MAX = 4096,
	HTTP_SEGMENTS_MAX = 8,
	HTTP_QUERIES_MAX = 8,
};

struct http_query {
	const char *key;
	const char *value; /* "": none */
};

/* All text is decoded, holds no NUL, and may otherwise be any bytes. */
struct http_request {
	const char *method;
	/* Of `/v1/containers/a%2Fb`: v1, containers, a/b. Of `/`: none. */
	const char *segments[HTTP_SEGMENTS_MAX];
	size_t segment_count;
	struct http_query queries[HTTP_QUERIES_MAX];
	size_t query_count;
	const char *body; /* ends with a NUL that is not counted; may hold others */
	size_t body_len;
	char *text; /* its own copy of the bytes, that the others point into */
};

/*
 * Reads a request from the beginning of `bytes`.
 *   200: *ret_request is filled; http_request_done is due.
 *   0: so far so good, but more is needed.
 *   else: the status to refuse it with, and why.
 */
int http_request_parse(const char *bytes, size_t len, struct http_request *ret_request,
		       struct error *error);

void http_request_done(struct http_request *request);

/* The value of a query (`?status=7`); NULL if it is not there. Of several the first. */
const char *http_request_query(const struct http_request *request, const char *key);
