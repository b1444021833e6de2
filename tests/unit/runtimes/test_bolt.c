// SPDX-License-Identifier: Apache-2.0
/* Databases made up page by page; a real one is in tests/fixtures, for test_runtime_state. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtimes/bolt.h"

#define PAGE	   4096
#define PAGE_COUNT 8

enum { BRANCH = 1, LEAF = 2, BUCKET = 1 };

static uint8_t file[PAGE_COUNT * PAGE];
static int fd = -1;

static void put(size_t at, uint64_t value, size_t size)
{
	memcpy(file + at, &value, size);
}

static void put_meta(unsigned page, uint64_t root, uint64_t transaction)
{
	size_t at = page * PAGE + 16;
	uint64_t hash = 14695981039346656037U;

	put(at, 0xED0CDAED, 4);
	put(at + 4, 2, 4);
	put(at + 8, PAGE, 4);
	put(at + 12, 0, 4);
	put(at + 16, root, 8);
	put(at + 24, 0, 8);
	put(at + 32, 2, 8);
	put(at + 40, PAGE_COUNT, 8);
	put(at + 48, transaction, 8);
	for (size_t i = 0; i < 56; i++)
		hash = (hash ^ file[at + i]) * 1099511628211U;
	put(at + 56, hash, 8);
}

struct pair {
	const char *key;
	const void *value;
	size_t value_len;
	unsigned flags;
	uint64_t page; /* of a branch */
};

/* Lays a node out at `at`; gives its length. */
static size_t put_node(size_t at, uint64_t id, unsigned kind, const struct pair *pairs,
		       size_t count)
{
	size_t data = at + 16 + count * 16;

	put(at, id, 8);
	put(at + 8, kind, 2);
	put(at + 10, count, 2);
	put(at + 12, 0, 4);
	for (size_t i = 0; i < count; i++) {
		size_t element = at + 16 + i * 16, key_len = strlen(pairs[i].key);

		if (kind == BRANCH) {
			put(element, data - element, 4);
			put(element + 4, key_len, 4);
			put(element + 8, pairs[i].page, 8);
		} else {
			put(element, pairs[i].flags, 4);
			put(element + 4, data - element, 4);
			put(element + 8, key_len, 4);
			put(element + 12, pairs[i].value_len, 4);
		}
		memcpy(file + data, pairs[i].key, key_len);
		data += key_len;
		if (pairs[i].value_len)
			memcpy(file + data, pairs[i].value, pairs[i].value_len);
		data += pairs[i].value_len;
	}
	return data - at;
}

static void write_file(void)
{
	assert_int_equal(pwrite(fd, file, sizeof(file), 0), sizeof(file));
}

/*
 * Page 3: the root, a branch to 4 and 5. 4 has bucket `big`, whose root is 6; 5 has bucket `small`
 * inline, and a pair. 6 is a branch to 7, twice.
 */
static int begin(void **state)
{
	static const struct pair sevens[] = {{"a", "1", 1, 0, 0}, {"b", "22", 2, 0, 0}};
	static const struct pair sixes[] = {{"a", NULL, 0, 0, 7}, {"c", NULL, 0, 0, 7}};
	static const struct pair inner[] = {{"image", "busybox", 7, 0, 0}};
	const uint64_t big[2] = {6, 0};
	uint8_t small[256] = {0};
	size_t len;

	(void)state;
	memset(file, 0, sizeof(file));
	fd = memfd_create("bolt", MFD_CLOEXEC);
	len = put_node(0, 0, LEAF, inner, 1); /* built where the metas come, and moved */
	memcpy(small + 16, file, len);
	memset(file, 0, len);
	put_meta(0, 3, 10);
	put_meta(1, 6, 9);
	put_node(3 * PAGE, 3, BRANCH,
		 (const struct pair[]){{"big", NULL, 0, 0, 4}, {"pair", NULL, 0, 0, 5}}, 2);
	put_node(4 * PAGE, 4, LEAF, (const struct pair[]){{"big", big, sizeof(big), BUCKET, 0}}, 1);
	put_node(5 * PAGE, 5, LEAF,
		 (const struct pair[]){{"pair", "x", 1, 0, 0},
				       {"small", small, 16 + len, BUCKET, 0}},
		 2);
	put_node(6 * PAGE, 6, BRANCH, sixes, 2);
	put_node(7 * PAGE, 7, LEAF, sevens, 2);
	write_file();
	return fd < 0;
}

static int end(void **state)
{
	(void)state;
	return close(fd);
}

static char seen[256];

static int see(void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	size_t at = strlen(seen);

	(void)snprintf(seen + at, sizeof(seen) - at, "%.*s=%.*s ", (int)key_len, key,
		       (int)value_len, value);
	return *(int *)context;
}

static int visit(const char *name, const char *inner)
{
	const char *const path[] = {name, inner, NULL};
	struct bolt bolt;
	int result = 0;

	seen[0] = '\0';
	assert_int_equal(bolt_begin(fd, &bolt), 0);
	return bolt_visit(&bolt, path, see, &result);
}

static void test_visits_buckets(void **state)
{
	(void)state;
	assert_int_equal(visit(NULL, NULL), 0);
	assert_string_equal(seen, "pair=x ");
	assert_int_equal(visit("small", NULL), 0);
	assert_string_equal(seen, "image=busybox ");
	assert_int_equal(visit("big", NULL), 0);
	assert_string_equal(seen, "a=1 b=22 a=1 b=22 ");
	assert_int_equal(visit("aaa", NULL), -ENOENT);
	assert_int_equal(visit("zzz", NULL), -ENOENT);
	assert_int_equal(visit("smal", NULL), -ENOENT);
	assert_int_equal(visit("pair", NULL), -ENOENT); /* no bucket */
	assert_int_equal(visit("big", "a"), -ENOENT);
	assert_int_equal(visit("small", "image"), -ENOENT);
}

static void test_visitor_ends_it(void **state)
{
	const char *const path[] = {"big", NULL};
	struct bolt bolt;
	int result = -ENOMEM;

	(void)state;
	seen[0] = '\0';
	assert_int_equal(bolt_begin(fd, &bolt), 0);
	assert_int_equal(bolt_visit(&bolt, path, see, &result), -ENOMEM);
	assert_string_equal(seen, "a=1 ");
}

static void test_newest_state(void **state)
{
	struct bolt bolt, later;

	(void)state;
	assert_int_equal(bolt_begin(fd, &bolt), 0);
	assert_int_equal(bolt.transaction, 10);
	assert_int_equal(bolt.root, 3);
	assert_true(bolt_is_current(&bolt));
	put_meta(1, 6, 11);
	write_file();
	assert_false(bolt_is_current(&bolt));
	assert_int_equal(bolt_begin(fd, &later), 0);
	assert_int_equal(later.root, 6);
	file[PAGE + 16 + 56] ^= 1; /* half written: the older one counts */
	write_file();
	assert_true(bolt_is_current(&bolt));
	put_meta(1, 6, 11);
	file[16 + 16] ^= 1;
	write_file();
	assert_int_equal(bolt_begin(fd, &later), 0);
	assert_int_equal(later.root, 6);
	file[PAGE + 16 + 16] ^= 1;
	write_file();
	assert_int_equal(bolt_begin(fd, &later), -EAGAIN);
	assert_false(bolt_is_current(&bolt));
}

static void test_no_database(void **state)
{
	struct bolt bolt;

	(void)state;
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(bolt_begin(fd, &bolt), -EAGAIN);
	assert_int_equal(pwrite(fd, "{}", 2, 0), 2);
	assert_int_equal(bolt_begin(fd, &bolt), -EAGAIN);
}

/* Each is a tear, or what a broken disk makes of it: never more than -EAGAIN. */
static void test_torn_trees(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t size;
	} tears[] = {
		{6 * PAGE, 9, 8},		     /* another page's header */
		{6 * PAGE + 16 + 8, 6, 8},	     /* below itself */
		{6 * PAGE + 16 + 8, 0, 8},	     /* a meta */
		{6 * PAGE + 16 + 8, PAGE_COUNT, 8},  /* past the end */
		{6 * PAGE + 16 + 8, UINT64_MAX, 8},  /* far past it */
		{6 * PAGE + 12, 1 << 20, 4},	     /* endless continuation */
		{6 * PAGE + 12, 7, 4},		     /* continued past the end */
		{7 * PAGE + 10, 0xFFFF, 2},	     /* more pairs than room */
		{7 * PAGE + 16 + 4, 0xFFFFFFFF, 4},  /* a key that is elsewhere */
		{7 * PAGE + 16 + 8, 0xFFFFFFFF, 4},  /* a key without end */
		{7 * PAGE + 16 + 12, 0xFFFFFFFF, 4}, /* a value without end */
	};

	for (size_t i = 0; i < sizeof(tears) / sizeof(tears[0]); i++) {
		put(tears[i].at, tears[i].value, tears[i].size);
		write_file();
		if (visit("big", NULL) != -EAGAIN)
			fail_msg("tear %zu", i);
		assert_int_equal(end(state), 0);
		assert_int_equal(begin(state), 0);
	}
}

#define bolt_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bolt_test(test_visits_buckets), bolt_test(test_visitor_ends_it),
		bolt_test(test_newest_state),	bolt_test(test_no_database),
		bolt_test(test_torn_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
