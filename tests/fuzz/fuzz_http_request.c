// SPDX-License-Identifier: Apache-2.0
/* Requests to the sockets. Whoever may connect says what it likes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* All of it lies within the copy of the request, in bounds, and ends there. */
static void check_text(const struct http_request *request, size_t size, const char *text)
{
	require(text >= request->text && text <= request->text + size);
	require(strlen(text) <= (size_t)(request->text + size - text));
}

static void check_request(const struct http_request *request, size_t size)
{
	check_text(request, size, request->method);
	require(request->method[0] && request->segment_count <= HTTP_SEGMENTS_MAX);
	for (size_t i = 0; i < request->segment_count; i++)
		check_text(request, size, request->segments[i]);
	require(request->query_count <= HTTP_QUERIES_MAX);
	for (size_t i = 0; i < request->query_count; i++) {
		check_text(request, size, request->queries[i].key);
		require(strlen(request->queries[i].value) <= size);
		require(http_request_query(request, request->queries[i].key));
	}
	require(request->body_len <= HTTP_BODY_BYTES_MAX && !request->body[request->body_len]);
	check_text(request, size, request->body + request->body_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1); /* of its own, so that a read past the end shows */
	struct http_request request = {0};
	struct error error;
	int status;

	require(bytes);
	memcpy(bytes, data, size);
	status = http_request_parse(bytes, size, &request, &error);
	require(status == 0 || status == 200 || (status >= 400 && status <= 505));
	if (status == 200)
		check_request(&request, size);
	http_request_done(&request);
	free(bytes);
	return 0;
}
