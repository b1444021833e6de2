// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "gvisor/reply.h"
#include "gvisor/request.h"
#include "gvisor/scan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define DONE(result) "{\"success\":true,\"err\":\"\",\"result\":" result "}"
#define REFUSED	     "{\"success\":false,\"err\":\"unknown method\",\"result\":null}"

#define PROCESS(pid, parent, threads, cmd)                                                  \
	"{\"uid\":7,\"pid\":" pid ",\"ppid\":" parent ",\"threads\":[" threads "],\"c\":2," \
	"\"tty\":\"?\",\"stime\":\"14:26\",\"time\":\"10ms\",\"cmd\":\"" cmd "\"}"
#define DUMPED(pid, start)                                                         \
	"{\"exe\":\"/bin/b\",\"args\":[\"a]}\\\"\",\"{\\\\\"],\"clone_ts\":" start \
	",\"status\":{\"comm\":\"sleep\",\"pid\":" pid                             \
	",\"ppid\":0},\"maps\":[{\"Start\":18446744073699065856,\"p\":\"[heap]\"}]}"

/* Exactly as long as the text, for the address sanitizer. */
static char *exact(const char *text)
{
	char *bytes = malloc(strlen(text) + (*text == '\0'));

	assert_non_null(bytes);
	memcpy(bytes, text, strlen(text));
	return bytes;
}

static int processes(const char *text, struct gvisor_listing *ret_listing, struct error *error)
{
	char *bytes = exact(text);
	int err = gvisor_reply_processes(bytes, strlen(text), ret_listing, error);

	free(bytes);
	return err;
}

static int dump(const char *text, struct gvisor_listing *listing, struct error *error)
{
	char *bytes = exact(text);
	int err = gvisor_reply_dump(bytes, strlen(text), listing, 1, error);

	free(bytes);
	return err;
}

static void test_processes(void **state)
{
	struct gvisor_listing listing = {0};
	struct error error;

	(void)state;
	assert_int_equal(
		processes(DONE("[" PROCESS("9", "1", "9", "a-name-that-is-too-long") "," PROCESS(
				  "1", "0", "1,4", "goproc") "," PROCESS("3", "1", "5", "x") "]"),
			  &listing, &error),
		0);
	assert_int_equal(listing.count, 3);
	assert_false(listing.has_dump);
	assert_int_equal(listing.members[0].pid, 1);
	assert_int_equal(listing.members[0].parent, 0);
	assert_true(listing.members[0].has_threads);
	/* the leader has ended, another thread lives */
	assert_int_equal(listing.members[1].pid, 3);
	assert_true(listing.members[1].has_threads);
	assert_int_equal(listing.members[2].pid, 9);
	assert_false(listing.members[2].has_threads);
	assert_int_equal(listing.members[2].uid, 7);
	assert_string_equal(listing.members[2].comm, "a-name-that-is-");
	assert_true(gvisor_listing_needs_dump(&listing, 1));
	assert_false(gvisor_listing_needs_dump(&listing, 9));
	gvisor_listing_done(&listing);
	/* what an ended container answers */
	assert_int_equal(processes(DONE("null"), &listing, &error), 0);
	assert_int_equal(listing.count, 0);
	assert_false(gvisor_listing_needs_dump(&listing, 0));
	gvisor_listing_done(&listing);
}

static void test_not_understood(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"{",
		"null",
		"[]",
		"{\"success\":1}",
		DONE("{}"),
		DONE("7"),
		DONE("[7]"),
		DONE("[null]"),
		DONE("[" PROCESS("0", "0", "0", "x") "]"),
		DONE("[" PROCESS("-1", "0", "1", "x") "]"),
		DONE("[" PROCESS("1", "-1", "1", "x") "]"),
		DONE("[" PROCESS("2147483648", "1", "1", "x") "]"),
		DONE("[" PROCESS("1.5", "1", "1", "x") "]"),
		DONE("[{\"pid\":1,\"ppid\":0,\"threads\":[1]}]"),
		DONE("[{\"pid\":1,\"ppid\":0,\"cmd\":\"x\"}]"),
	};
	struct gvisor_listing listing, before;
	struct error error;

	(void)state;
	memset(&listing, 'x', sizeof(listing));
	before = listing;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (processes(texts[i], &listing, &error) != -EBADMSG)
			fail_msg("'%s' is understood", texts[i]);
	assert_memory_equal(&listing, &before, sizeof(before));
}

static void test_refused(void **state)
{
	struct gvisor_listing listing;
	struct error error;
	bool has_session;

	(void)state;
	assert_int_equal(processes(REFUSED, &listing, &error), -EREMOTEIO);
	assert_string_equal(error.text, "unknown method");
	assert_int_equal(gvisor_reply_check(REFUSED, strlen(REFUSED), &error), -EREMOTEIO);
	assert_int_equal(gvisor_reply_sessions(REFUSED, strlen(REFUSED), &has_session, &error),
			 -EREMOTEIO);
	assert_int_equal(dump(REFUSED, &listing, &error), -EREMOTEIO);
	assert_int_equal(gvisor_reply_check(DONE("{}"), strlen(DONE("{}")), &error), 0);
}

static void test_sessions(void **state)
{
	static const char other[] = DONE(
		"[{\"name\":\"Default\",\"sinks\":[{\"name\":\"remote\",\"status\":"
		"{\"DroppedCount\":0}}]}]");
	struct error error;
	bool has_session;

	(void)state;
	assert_int_equal(
		gvisor_reply_sessions(DONE("null"), strlen(DONE("null")), &has_session, &error), 0);
	assert_false(has_session);
	assert_int_equal(gvisor_reply_sessions(other, strlen(other), &has_session, &error), 0);
	assert_true(has_session);
	assert_int_equal(gvisor_reply_sessions(DONE("7"), strlen(DONE("7")), &has_session, &error),
			 -EBADMSG);
}

static void test_dump(void **state)
{
	struct gvisor_listing listing;
	struct error error;

	(void)state;
	assert_int_equal(processes(DONE("[" PROCESS("1", "0", "1", "goproc") "," PROCESS(
					   "2", "1", "2", "zombie") "]"),
				   &listing, &error),
			 0);
	assert_int_equal(
		dump(DONE("[" DUMPED("1", "1795530374020787575") "," DUMPED("77", "5") "]"),
		     &listing, &error),
		0);
	assert_true(listing.has_dump);
	assert_true(listing.members[0].is_dumped);
	assert_true(listing.members[0].start_ns == UINT64_C(1795530374020787575));
	assert_false(gvisor_listing_is_dead(&listing, &listing.members[0]));
	assert_false(listing.members[1].is_dumped);
	assert_true(gvisor_listing_is_dead(&listing, &listing.members[1]));
	gvisor_listing_done(&listing);
}

/* By a dump that is misunderstood everybody would be dead. */
static void test_no_dump(void **state)
{
	static const char *const texts[] = {
		DONE("null"),
		DONE("[]"),
		DONE("{}"),
		DONE("[" DUMPED("1", "1") ",7]"),
		DONE("[" DUMPED("0", "1") "]"),
		DONE("[{}]"),
		"{\"success\":true,\"err\":\"\",\"result\":[" DUMPED("1", "1"),
		"{\"success\":true,\"err\":\"\",\"result\":[",
		"{\"err\":\"\",\"success\":true,\"result\":[" DUMPED("1", "1") "]}",
	};
	struct gvisor_listing listing;
	struct error error;

	(void)state;
	assert_int_equal(processes(DONE("[" PROCESS("1", "0", "1", "x") "]"), &listing, &error), 0);
	for (size_t i = 0; i < COUNT(texts); i++)
		if (dump(texts[i], &listing, &error) != -EBADMSG)
			fail_msg("'%s' is understood", texts[i]);
	assert_false(listing.has_dump);
	assert_false(gvisor_listing_is_dead(&listing, &listing.members[0]));
	gvisor_listing_done(&listing);
}

/* In every cut: not whole until the last byte, and not more than the object. */
static void test_scan(void **state)
{
	static const char object[] = "{\"a\":[{\"b\":\"}]\\\"\\\\\"},{}],\"c\":\"\"}";
	static const char text[] = "{\"a\":[{\"b\":\"}]\\\"\\\\\"},{}],\"c\":\"\"}{more";
	size_t len = sizeof(object) - 1;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct gvisor_scan scan = {0};

		assert_false(gvisor_scan_object(&scan, text, cut));
		assert_int_equal(scan.used, cut);
		assert_true(gvisor_scan_object(&scan, text, sizeof(text) - 1));
		assert_int_equal(scan.used, len);
	}
}

static json_t *request(struct buf *out)
{
	json_t *root = json_loadb(out->data, out->len, 0, NULL);

	assert_non_null(root);
	buf_done(out);
	*out = (struct buf){0};
	return root;
}

static void test_requests(void **state)
{
	struct buf out = {0};
	const json_t *arg;
	json_t *root;

	(void)state;
	gvisor_request_processes(&out, "a\"b");
	assert_string_equal(out.data,
			    "{\"method\":\"containerManager.Processes\",\"arg\":\"a\\\"b\"}");
	json_decref(request(&out));
	gvisor_request_signal(&out, "web", 15);
	root = request(&out);
	arg = json_object_get(root, "arg");
	assert_string_equal(json_string_value(json_object_get(arg, "CID")), "web");
	assert_int_equal(json_integer_value(json_object_get(arg, "Signo")), 15);
	assert_int_equal(json_integer_value(json_object_get(arg, "PID")), 0);
	assert_int_equal(json_integer_value(json_object_get(arg, "Mode")), 0);
	json_decref(root);
}

/* What a session must have, lest it stop or slow the guest, or silently not be made. */
static void assert_harmless(const json_t *session)
{
	const json_t *sink = json_array_get(json_object_get(session, "sinks"), 0);
	const json_t *points = json_object_get(session, "points");

	assert_string_equal(json_string_value(json_object_get(session, "name")), "Default");
	assert_true(json_is_true(json_object_get(session, "ignore_missing")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(sink, "config"), "retries")), 0);
	assert_int_equal(json_array_size(points), 5);
	for (size_t i = 0; i < json_array_size(points); i++) {
		char *text = json_dumps(json_array_get(points, i), 0);

		assert_null(strstr(text, "cwd"));
		assert_non_null(strstr(text, "container_id"));
		free(text);
	}
}

static void test_session(void **state)
{
	struct buf out = {0};
	const json_t *arg, *sink;
	json_t *root;

	(void)state;
	gvisor_request_create(&out, false);
	root = request(&out);
	arg = json_object_get(root, "arg");
	assert_true(json_is_false(json_object_get(arg, "Force")));
	assert_harmless(json_object_get(arg, "Config"));
	json_decref(root);

	gvisor_request_pod_init(&out, "/run/lastout/gvisor.sock");
	root = request(&out);
	assert_harmless(json_object_get(root, "trace_session"));
	sink = json_array_get(json_object_get(json_object_get(root, "trace_session"), "sinks"), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(sink, "config"), "endpoint")),
		"/run/lastout/gvisor.sock");
	assert_true(json_is_true(json_object_get(sink, "ignore_setup_error")));
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes), cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_dump),	  cmocka_unit_test(test_no_dump),
		cmocka_unit_test(test_scan),	  cmocka_unit_test(test_requests),
		cmocka_unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
