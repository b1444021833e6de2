// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gvisor/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CONTEXT                                               \
	"08859df2e5b0b39ef518" /* time */                     \
	"1002"		       /* thread */                   \
	"189ce5e3d3afb39ef518" /* its start */                \
	"2002"		       /* process */                  \
	"289ce5e3d3afb39ef518" /* its start */                \
	"3203713361"	       /* container q3a */            \
	"3a00"		       /* credentials: all of root */ \
	"4a02706d"	       /* name pm */

#define HEADER(type) "0800" type "00000000"
#define EXIT_NOTIFY  HEADER("0400") "0a2d" CONTEXT "108006"
#define TIME_NS	     UINT64_C(1795381108301139589)
#define START_NS     UINT64_C(1795381107994718876)

struct packet {
	uint8_t *bytes; /* exactly as long as the packet, for the address sanitizer */
	size_t len;
};

static struct packet packet(const char *hex)
{
	struct packet packet = {.len = strlen(hex) / 2};

	packet.bytes = malloc(packet.len ? packet.len : 1);
	assert_non_null(packet.bytes);
	for (size_t i = 0; i < packet.len; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1]};

		packet.bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return packet;
}

static enum gvisor_fault decode_cut(const char *hex, bool is_cut, struct gvisor_event *ret_event)
{
	struct packet bytes = packet(hex);
	enum gvisor_fault fault = gvisor_wire_decode(bytes.bytes, bytes.len, is_cut, ret_event);

	free(bytes.bytes);
	return fault;
}

static enum gvisor_fault decode(const char *hex, struct gvisor_event *ret_event)
{
	return decode_cut(hex, false, ret_event);
}

static void test_exit_notify(void **state)
{
	struct gvisor_event event;

	(void)state;
	assert_int_equal(decode(EXIT_NOTIFY, &event), GVISOR_FITS);
	assert_int_equal(event.kind, GVISOR_EXIT);
	assert_int_equal(event.dropped, 0);
	assert_int_equal(event.tid, 2);
	assert_int_equal(event.pid, 2);
	assert_string_equal(event.container, "q3a");
	assert_string_equal(event.comm, "pm");
	assert_int_equal(event.uid, 0);
	assert_int_equal(event.status, 3 << 8);
	assert_true(event.time_ns == TIME_NS);
	assert_true(event.start_ns == START_NS);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *hex;
		enum gvisor_kind kind;
	} cases[] = {
		{HEADER("0100") "0a2d" CONTEXT "1203713361", GVISOR_START},
		{HEADER("0200") "0a2d" CONTEXT "180320032"
				"89ce5e3d3afb39ef518308080800c",
		 GVISOR_CLONE},
		{HEADER("0300") "0a2d" CONTEXT "12072f62696e2f7368", GVISOR_EXEC},
		{HEADER("0500") "0a2d" CONTEXT, GVISOR_THREAD_EXIT},
		/* those of a release to come, and what nobody asked for, whatever is in them */
		{HEADER("0600") "ffff", GVISOR_OTHER},
		{HEADER("2300"), GVISOR_OTHER},
		{HEADER("ffff") "00", GVISOR_OTHER},
		{HEADER("0000"), GVISOR_OTHER},
	};
	struct gvisor_event event;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(decode(cases[i].hex, &event), GVISOR_FITS);
		assert_int_equal(event.kind, cases[i].kind);
	}
}

static void test_clone_and_exec(void **state)
{
	struct gvisor_event event;

	(void)state;
	assert_int_equal(decode(HEADER("0200") "0a2d" CONTEXT
					       "18072006289ce5e3d3afb39ef518308080800c",
				&event),
			 GVISOR_FITS);
	assert_int_equal(event.child_pid, 6);
	assert_true(event.child_start_ns == START_NS);
	assert_int_equal(decode(HEADER("0300") "0a2d" CONTEXT "1213"
					       "2f7573722f62696e2f736c6565702d6d6f7265",
				&event),
			 GVISOR_FITS);
	assert_string_equal(event.comm, "pm");
	assert_string_equal(event.new_comm, "sleep-more");
	assert_int_equal(decode(HEADER("0300") "0a2d" CONTEXT "120c"
					       "2f62696e2f62757379626f78"
					       "1a06"
					       "2f72756e7376"
					       "1a0161",
				&event),
			 GVISOR_FITS);
	assert_string_equal(event.new_comm, "runsv");
	/* as the kernel cuts a name */
	assert_int_equal(decode(HEADER("0300") "0a2d" CONTEXT "1211"
					       "3132333435363738393031323334353637",
				&event),
			 GVISOR_FITS);
	assert_string_equal(event.new_comm, "123456789012345");
}

static void test_header_is_skipped_as_long_as_it_says(void **state)
{
	struct gvisor_event event;

	(void)state;
	assert_int_equal(decode("0c00040005000000"
				"ffffffff"
				"0a2d" CONTEXT "108006",
				&event),
			 GVISOR_FITS);
	assert_int_equal(event.status, 3 << 8);
	assert_int_equal(event.dropped, 5);
}

static void test_faults(void **state)
{
	static const struct {
		const char *hex;
		enum gvisor_fault fault;
	} cases[] = {
		{"", GVISOR_FAULT_SHORT},
		{"08000400000000", GVISOR_FAULT_SHORT},
		{"0700040000000000", GVISOR_FAULT_HEADER},
		{"0900040000000000", GVISOR_FAULT_HEADER},
		{"ffff040000000000", GVISOR_FAULT_HEADER},
		/* a length beyond the end, a varint without one, a wrong wire type, a group */
		{HEADER("0400") "0a7f0802", GVISOR_FAULT_PAYLOAD},
		{HEADER("0400") "0a2d" CONTEXT "10ffffffffffffffffffffff", GVISOR_FAULT_PAYLOAD},
		{HEADER("0400") "0d00000000", GVISOR_FAULT_PAYLOAD},
		{HEADER("0400") "0b", GVISOR_FAULT_PAYLOAD},
		/* no context, no pid, no start, a negative pid */
		{HEADER("0400") "108006", GVISOR_FAULT_PROCESS},
		{HEADER("0400"), GVISOR_FAULT_PROCESS},
		{HEADER("0400") "0a09"
				"1002"
				"280a"
				"3203713361",
		 GVISOR_FAULT_PROCESS},
		{HEADER("0400") "0a09"
				"1002"
				"2002"
				"3203713361",
		 GVISOR_FAULT_PROCESS},
		{HEADER("0400") "0a12"
				"1002"
				"20ffffffffffffffffff01"
				"2801"
				"320171",
		 GVISOR_FAULT_PROCESS},
		/* a clone of nobody */
		{HEADER("0200") "0a2d" CONTEXT, GVISOR_FAULT_PROCESS},
		/* no container */
		{HEADER("0400") "0a06"
				"1002"
				"2002"
				"2801",
		 GVISOR_FAULT_CONTAINER},
	};
	struct gvisor_event event, before;

	(void)state;
	memset(&event, 'x', sizeof(event));
	before = event;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (decode(cases[i].hex, &event) != cases[i].fault)
			fail_msg("case %zu is not told to be %s", i,
				 gvisor_fault_text(cases[i].fault));
	assert_memory_equal(&event, &before, sizeof(before));
}

static void test_longest_container_id(void **state)
{
	/* 127 characters, and one too many */
	static const struct {
		size_t len;
		enum gvisor_fault fault;
	} cases[] = {{127, GVISOR_FITS}, {128, GVISOR_FAULT_CONTAINER}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t bytes[256] = {8, 0, 5, 0, 0, 0, 0, 0, 0x0a}, *at = bytes + 9;
		struct gvisor_event event;
		uint8_t id_tag[] = {0x10, 2, 0x20, 2, 0x28, 1, 0x32};
		size_t id_bytes = cases[i].len < 128 ? 1 : 2;
		size_t context = sizeof(id_tag) + id_bytes + cases[i].len;

		*at++ = (uint8_t)(0x80 | (context & 0x7f));
		*at++ = (uint8_t)(context >> 7);
		memcpy(at, id_tag, sizeof(id_tag));
		at += sizeof(id_tag);
		*at++ = (uint8_t)(id_bytes == 1 ? cases[i].len : 0x80);
		if (id_bytes == 2)
			*at++ = 1;
		memset(at, 'a', cases[i].len);
		at += cases[i].len;
		assert_int_equal(gvisor_wire_decode(bytes, (size_t)(at - bytes), false, &event),
				 cases[i].fault);
	}
}

/* Arguments of megabytes do not fit into what is read of a packet; who ran what is told all the same. */
static void test_cut_packet(void **state)
{
	static const char cut[] = HEADER("0300") "0a2d" CONTEXT "12072f62696e2f7368"
						 "1a8080046161616161";
	struct gvisor_event event;

	(void)state;
	assert_int_equal(decode(cut, &event), GVISOR_FAULT_PAYLOAD);
	assert_int_equal(decode_cut(cut, true, &event), GVISOR_FITS);
	assert_string_equal(event.new_comm, "sh");
	/* cut within a tag, within a length, within the context */
	assert_int_equal(decode_cut(HEADER("0300") "0a2d" CONTEXT "9a", true, &event), GVISOR_FITS);
	assert_int_equal(decode_cut(HEADER("0300") "0a2d" CONTEXT "1a80", true, &event),
			 GVISOR_FITS);
	assert_int_equal(decode_cut(HEADER("0300") "0a2d08859d", true, &event),
			 GVISOR_FAULT_PROCESS);
}

static void test_handshake(void **state)
{
	static const struct {
		const char *hex;
		int len;
	} cases[] = {
		{"0801", 2},	{"0807", 2},	  {"08011201ff", 2},  {"0800", -EBADMSG},
		{"", -EBADMSG}, {"08", -EBADMSG}, {"ffff", -EBADMSG},
	};
	uint8_t answer[GVISOR_HANDSHAKE_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet bytes = packet(cases[i].hex);

		assert_int_equal(gvisor_wire_answer(bytes.bytes, bytes.len, answer), cases[i].len);
		free(bytes.bytes);
		if (cases[i].len > 0)
			assert_memory_equal(answer, "\x08\x01", 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_notify),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_clone_and_exec),
		cmocka_unit_test(test_header_is_skipped_as_long_as_it_says),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_longest_container_id),
		cmocka_unit_test(test_cut_packet),
		cmocka_unit_test(test_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
