// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/cgroupfs.h"
#include "tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct hierarchy in_test_tree(void)
{
	struct hierarchy hierarchy = {0};

	(void)snprintf(hierarchy.mount, sizeof(hierarchy.mount), "%s", tree);
	return hierarchy;
}

/* --- walk --- */

struct visits {
	char paths[16][64];
	uint64_t ids[16];
	size_t count;
	const char *not_below;
};

static bool note_visit(void *context, const char *path, uint64_t id)
{
	struct visits *visits = context;

	assert_true(visits->count < COUNT(visits->paths));
	(void)snprintf(visits->paths[visits->count], sizeof(visits->paths[0]), "%s", path);
	visits->ids[visits->count++] = id;
	return !visits->not_below || strcmp(path, visits->not_below) != 0;
}

/* The number of the visit, from 0. */
static size_t find_visit(const struct visits *visits, const char *path)
{
	size_t found = COUNT(visits->paths);

	for (size_t i = 0; i < visits->count; i++) {
		if (strcmp(visits->paths[i], path) == 0) {
			assert_int_equal(found, COUNT(visits->paths));
			found = i;
		}
	}
	if (found == COUNT(visits->paths))
		fail_msg("%s is not visited", path);
	return found;
}

static void put_some_cgroups(void)
{
	tree_put("cgroup.procs", "1\n");
	tree_put("a/cgroup.procs", "");
	tree_put("a/b/cgroup.procs", "");
	tree_put("a/b/c d/cgroup.procs", "");
	tree_put("e/cgroup.procs", "");
	assert_int_equal(symlink("a", tree_path("link")), 0);
}

static void test_walk_sees_every_cgroup_once_parents_first(void **state)
{
	static const char *const paths[] = {"/", "/a", "/a/b", "/a/b/c d", "/e"};
	struct hierarchy hierarchy = in_test_tree();
	struct visits visits = {0};

	(void)state;
	put_some_cgroups();
	assert_int_equal(cgroupfs_walk(&hierarchy, note_visit, &visits), 0);
	assert_int_equal(visits.count, COUNT(paths));
	for (size_t i = 0; i < COUNT(paths); i++) {
		uint64_t id = 0;

		assert_int_equal(cgroupfs_read_id(&hierarchy, paths[i], &id), 0);
		assert_int_equal(visits.ids[find_visit(&visits, paths[i])], id);
	}
	assert_int_equal(find_visit(&visits, "/"), 0);
	assert_true(find_visit(&visits, "/a") < find_visit(&visits, "/a/b"));
	assert_true(find_visit(&visits, "/a/b") < find_visit(&visits, "/a/b/c d"));
}

static void test_walk_leaves_out_what_is_refused(void **state)
{
	struct hierarchy hierarchy = in_test_tree();
	struct visits visits = {.not_below = "/a"};

	(void)state;
	put_some_cgroups();
	assert_int_equal(cgroupfs_walk(&hierarchy, note_visit, &visits), 0);
	assert_int_equal(visits.count, 3);
	(void)find_visit(&visits, "/");
	(void)find_visit(&visits, "/a");
	(void)find_visit(&visits, "/e");
}

static void test_id_is_the_inode(void **state)
{
	struct hierarchy hierarchy = in_test_tree();
	char long_path[PATH_MAX + 1];
	struct stat expected;
	uint64_t id = 99;

	(void)state;
	tree_put_folder("a");
	assert_int_equal(stat(tree_path("a"), &expected), 0);
	assert_int_equal(cgroupfs_read_id(&hierarchy, "/missing", &id), -ENOENT);
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(cgroupfs_read_id(&hierarchy, long_path, &id), -ENAMETOOLONG);
	assert_int_equal(id, 99);
	assert_int_equal(cgroupfs_read_id(&hierarchy, "/a", &id), 0);
	assert_int_equal(id, expected.st_ino);
}

/* --- processes --- */

static int by_number(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

static void check_procs(const char *path, const pid_t *expected, size_t expected_count)
{
	struct hierarchy hierarchy = in_test_tree();
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 99;

	assert_int_equal(cgroupfs_read_procs(&hierarchy, path, &pids, &count), 0);
	assert_int_equal(count, expected_count);
	if (!count)
		return;
	qsort(pids, count, sizeof(*pids), by_number);
	assert_memory_equal(pids, expected, count * sizeof(*pids));
}

static void check_procs_fail(const char *path, int expected)
{
	struct hierarchy hierarchy = in_test_tree();
	pid_t kept, *pids = &kept;
	size_t count = 99;

	assert_int_equal(cgroupfs_read_procs(&hierarchy, path, &pids, &count), expected);
	assert_ptr_equal(pids, &kept);
	assert_int_equal(count, 99);
}

static void test_procs_of_nested_cgroups_belong_to_it(void **state)
{
	(void)state;
	tree_put("cgroup.procs", "1\n2\n");
	tree_put("box/cgroup.procs", "40\n7\n");
	tree_put("box/init.scope/cgroup.procs", "41\n");
	tree_put("box/a/cgroup.procs", "");
	tree_put("box/a/b/cgroup.procs", "4194303\n42\n");
	tree_put("box/a/.hidden/cgroup.procs", "43\n");
	tree_put("box2/cgroup.procs", "50\n");
	tree_put("none/cgroup.procs", "");
	check_procs("/box", (pid_t[]){7, 40, 41, 42, 43, 4194303}, 6);
	check_procs("/box/a", (pid_t[]){42, 43, 4194303}, 3);
	check_procs("/box2", (pid_t[]){50}, 1);
	check_procs("/none", NULL, 0);
	check_procs("/", (pid_t[]){1, 2, 7, 40, 41, 42, 43, 50, 4194303}, 9);
}

static void test_many_procs(void **state)
{
	pid_t expected[1000];
	FILE *file;

	(void)state;
	tree_put_folder("box");
	file = fopen(tree_path("box/cgroup.procs"), "we");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++) {
		expected[i] = 100000 + i;
		(void)fprintf(file, "%d\n", expected[i]);
	}
	assert_int_equal(fclose(file), 0);
	check_procs("/box", expected, COUNT(expected));
}

static void test_procs_of_what_has_vanished(void **state)
{
	(void)state;
	tree_put("box/cgroup.procs", "40\n");
	tree_put_folder("box/vanished");
	check_procs("/box", (pid_t[]){40}, 1);
	check_procs_fail("/missing", -ENOENT);
}

/* Half a list would be a licence to kill. */
static void test_procs_that_cannot_be_read_are_an_error(void **state)
{
	(void)state;
	tree_put("box/cgroup.procs", "40\n");
	tree_put("box/nested/cgroup.procs", "41\nnumber\n42\n");
	check_procs_fail("/box", -EINVAL);
	tree_put("other/cgroup.procs", "40\n");
	tree_put_folder("other/nested");
	tree_put_folder("other/nested/cgroup.procs");
	check_procs_fail("/other", -EISDIR);
}

/* The same for a folder that can be entered, but not listed. Root may list everything: be nobody. */
static void test_folder_that_cannot_be_listed_is_an_error(void **state)
{
	bool is_root = geteuid() == 0;

	(void)state;
	tree_put("box/cgroup.procs", "40\n");
	tree_put("box/nested/cgroup.procs", "41\n");
	tree_put("box/nested/deep/cgroup.procs", "42\n");
	assert_int_equal(chmod(tree, 0755), 0);
	assert_int_equal(chmod(tree_path("box"), 0755), 0);
	assert_int_equal(chmod(tree_path("box/nested"), 0311), 0);
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	check_procs_fail("/box", -EACCES);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(tree_path("box/nested"), 0755), 0);
}

/* --- frozen --- */

static void check_frozen_v2(const char *freeze, const char *events, bool expected)
{
	struct hierarchy hierarchy = in_test_tree();

	if (freeze)
		tree_put("box/cgroup.freeze", freeze);
	if (events)
		tree_put("box/cgroup.events", events);
	assert_int_equal(cgroupfs_is_frozen(&hierarchy, "/box", ""), expected);
	assert_int_equal(cgroupfs_is_frozen(&hierarchy, "/box", "/box"), expected);
}

static void test_frozen_v2(void **state)
{
	(void)state;
	check_frozen_v2(NULL, NULL, false);
	check_frozen_v2("0\n", NULL, false);
	check_frozen_v2("1\n", NULL, true);
	check_frozen_v2("0\n", "populated 1\nfrozen 0\n", false);
	/* being frozen, being thawed, frozen by an ancestor */
	check_frozen_v2("1\n", "populated 1\nfrozen 0\n", true);
	check_frozen_v2("0\n", "populated 1\nfrozen 1\n", true);
	check_frozen_v2("1\n", "populated 1\nfrozen 1\n", true);
	check_frozen_v2("0\n", "populated 1\n", false);
	check_frozen_v2("", "", false);
}

/* v1 asks the freezer's hierarchy, by the path that init has there, and nothing else. */
static void test_frozen_v1(void **state)
{
	static const struct {
		const char *text;
		bool expected;
	} states[] = {{"THAWED\n", false}, {"FREEZING\n", true}, {"FROZEN\n", true}};
	struct hierarchy hierarchy = in_test_tree();

	(void)state;
	(void)strcpy(hierarchy.controller, "pids");
	tree_put("box/cgroup.freeze", "1\n");
	tree_put("box/freezer.state", "FROZEN\n");
	assert_false(cgroupfs_is_frozen(&hierarchy, "/box", "/box"));
	(void)snprintf(hierarchy.freezer, sizeof(hierarchy.freezer), "%s/freezer", tree);
	assert_false(cgroupfs_is_frozen(&hierarchy, "/box", "/frozen"));
	for (size_t i = 0; i < COUNT(states); i++) {
		tree_put("freezer/frozen/freezer.state", states[i].text);
		assert_int_equal(cgroupfs_is_frozen(&hierarchy, "/box", "/frozen"),
				 states[i].expected);
	}
	assert_false(cgroupfs_is_frozen(&hierarchy, "/box", "/box"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_walk_sees_every_cgroup_once_parents_first),
		in_tree(test_walk_leaves_out_what_is_refused),
		in_tree(test_id_is_the_inode),
		in_tree(test_procs_of_nested_cgroups_belong_to_it),
		in_tree(test_many_procs),
		in_tree(test_procs_of_what_has_vanished),
		in_tree(test_procs_that_cannot_be_read_are_an_error),
		in_tree(test_folder_that_cannot_be_listed_is_an_error),
		in_tree(test_frozen_v2),
		in_tree(test_frozen_v1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
