// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int parse(const char *text, struct http_request *ret_request)
{
	/* Of its exact size, so that the sanitizer sees a read past its end. */
	size_t len = strlen(text);
	char *bytes = malloc(len ? len : 1);
	struct error error;
	int status;

	assert_non_null(bytes);
	memcpy(bytes, text, len);
	status = http_request_parse(bytes, len, ret_request, &error);
	free(bytes);
	return status;
}

static void test_all_parts(void **state)
{
	static const char text[] =
		"POST /v1/containers/a%2fb%C3%BC%20c/finish?status=7&x&y=a%26b%3D "
		"HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  3\t\r\n\r\nabcdef";
	struct http_request request;

	(void)state;
	/* trailing blanks are no part of a length */
	assert_int_equal(parse(text, &request), 200);
	assert_string_equal(request.method, "POST");
	assert_int_equal(request.segment_count, 4);
	assert_string_equal(request.segments[0], "v1");
	assert_string_equal(request.segments[1], "containers");
	assert_string_equal(request.segments[2], "a/b\xc3\xbc c");
	assert_string_equal(request.segments[3], "finish");
	assert_int_equal(request.query_count, 3);
	assert_string_equal(http_request_query(&request, "status"), "7");
	assert_string_equal(http_request_query(&request, "x"), "");
	assert_string_equal(http_request_query(&request, "y"), "a&b=");
	assert_null(http_request_query(&request, "z"));
	assert_int_equal(request.body_len, 3);
	assert_string_equal(request.body, "abc");
	http_request_done(&request);
}

/* As somebody types them. */
static void test_short_ones(void **state)
{
	struct http_request request;

	(void)state;
	assert_int_equal(parse("GET / HTTP/1.0\n\n", &request), 200);
	assert_string_equal(request.method, "GET");
	assert_int_equal(request.segment_count, 0);
	assert_int_equal(request.query_count, 0);
	assert_int_equal(request.body_len, 0);
	http_request_done(&request);
	assert_int_equal(parse("GET /a//b/? HTTP/1.1\r\n\n", &request), 200);
	assert_int_equal(request.segment_count, 4);
	assert_string_equal(request.segments[1], "");
	assert_string_equal(request.segments[3], "");
	assert_int_equal(request.query_count, 0);
	http_request_done(&request);
}

/* However the bytes arrive, a part of them is never taken for the whole, nor refused. */
static void test_every_beginning(void **state)
{
	static const char text[] = "POST /a?b=c HTTP/1.1\r\nContent-Length: 4\r\n\r\n\n\r\n\n";
	struct http_request request;
	struct error error;
	size_t len = sizeof(text) - 1;

	(void)state;
	for (size_t part = 0; part < len; part++)
		assert_int_equal(http_request_parse(text, part, &request, &error), 0);
	assert_int_equal(http_request_parse(text, len, &request, &error), 200);
	assert_memory_equal(request.body, "\n\r\n\n", 5);
	http_request_done(&request);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"\n\n", 400},
		{"hello\n\n", 400},
		{"GET /\n\n", 400},
		{"GET  HTTP/1.1\n\n", 400},
		{" / HTTP/1.1\n\n", 400},
		{"GET x HTTP/1.1\n\n", 400},
		{"GET http://localhost/ HTTP/1.1\n\n", 400},
		{"GET / HTTP/1.1 \n\n", 505},
		{"GET / /HTTP/1.1\n\n", 400},
		{"GET / FTP/1.1\n\n", 400},
		{"GET / HTTP/2.0\n\n", 505},
		{"GET / HTTP/1.11\n\n", 505},
		{"GET /% HTTP/1.1\n\n", 400},
		{"GET /%4 HTTP/1.1\n\n", 400},
		{"GET /%4x HTTP/1.1\n\n", 400},
		{"GET /%00 HTTP/1.1\n\n", 400},
		{"GET /?a=%00 HTTP/1.1\n\n", 400},
		{"GET /?%=b HTTP/1.1\n\n", 400},
		{"GET /a\tb\x01 HTTP/1.1\n\n", 400},
		{"GET / HTTP/1.1\r\r\n\r\n\n", 400},
		{"GET / HTTP/1.1\nNo colon\n\n", 400},
		{"GET / HTTP/1.1\n: no name\n\n", 400},
		{"GET / HTTP/1.1\nA: b\n folded: c\n\n", 400},
		{"GET /1/2/3/4/5/6/7/8/9 HTTP/1.1\n\n", 404},
		{"GET /?1&2&3&4&5&6&7&8&9 HTTP/1.1\n\n", 400},
		{"POST / HTTP/1.1\nContent-Length: 4097\n\n", 413},
		{"POST / HTTP/1.1\nContent-Length: 999999999999999999\n\n", 413},
		{"POST / HTTP/1.1\nContent-Length: 99999999999999999999999999\n\n", 400},
		{"POST / HTTP/1.1\nContent-Length: -1\n\n", 400},
		{"POST / HTTP/1.1\nContent-Length:\n\n", 400},
		{"POST / HTTP/1.1\nContent-Length: 0x1\n\n", 400},
		{"POST / HTTP/1.1\nContent-Length: 1\nContent-Length: 1\n\na", 400},
		{"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\r\n\r\n", 411},
	};
	struct http_request request;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int status = parse(cases[i].text, &request);

		if (status != cases[i].status)
			fail_msg("%d for %s", status, cases[i].text);
	}
}

/* A head of so many bytes. */
static char *head_of(size_t len)
{
	static const char begin[] = "GET / HTTP/1.1\r\nX: ";
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + len - 4, "\r\n\r\n", 5);
	return text;
}

static void test_largest_head(void **state)
{
	char *fits = head_of(HTTP_HEAD_BYTES_MAX), *larger = head_of(HTTP_HEAD_BYTES_MAX + 1);
	struct http_request request;
	struct error error;

	(void)state;
	assert_int_equal(parse(fits, &request), 200);
	http_request_done(&request);
	assert_int_equal(parse(larger, &request), 431);
	/* Its end may never come. */
	assert_int_equal(http_request_parse(larger, HTTP_HEAD_BYTES_MAX - 1, &request, &error), 0);
	assert_int_equal(http_request_parse(larger, HTTP_HEAD_BYTES_MAX, &request, &error), 431);
	free(fits);
	free(larger);
}

/* Nothing is read past the end, and nothing leaks, whatever comes. */
static void test_noise(void **state)
{
	static const char alphabet[] =
		"GET POST / HTTP/1.1\r\n\n\n?&=%2f%:\tContent-Length: 12\x01\x80";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = round % 60;
		char *bytes = malloc(len + 1);
		struct http_request request;
		struct error error;

		assert_non_null(bytes);
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = alphabet[(seed >> 16) % sizeof(alphabet)];
		}
		if (http_request_parse(bytes, len, &request, &error) == 200)
			http_request_done(&request);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_parts),	cmocka_unit_test(test_short_ones),
		cmocka_unit_test(test_every_beginning), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_largest_head),	cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
