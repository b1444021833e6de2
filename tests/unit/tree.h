/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up /proc, /sys/fs/cgroup or /run: files below a new folder, removed after the test. */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A test that begins with an empty tree. */
#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_make, tree_remove)

static char tree[32];

static inline int tree_make(void **state)
{
	(void)state;
	(void)strcpy(tree, "/tmp/lastout-unit-XXXXXX");
	return mkdtemp(tree) ? 0 : -1;
}

static inline int tree_remove_entry(const char *path, const struct stat *st, int kind,
				    struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline int tree_remove(void **state)
{
	(void)state;
	return nftw(tree, tree_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The whole path of `name` ("4711/stat"), until the next call; makes the folders above it. */
static inline const char *tree_path(const char *name)
{
	static char path[1024];

	assert_true(snprintf(path, sizeof(path), "%s/%s", tree, name) < (int)sizeof(path));
	for (char *slash = strchr(path + strlen(tree) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0)
			assert_int_equal(errno, EEXIST);
		*slash = '/';
	}
	return path;
}

static inline void tree_put_bytes(const char *name, const char *bytes, size_t len)
{
	FILE *file = fopen(tree_path(name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static inline void tree_put(const char *name, const char *text)
{
	tree_put_bytes(name, text, strlen(text));
}

/* Also in the place of a file that can be opened and not be read, whoever tries. */
static inline void tree_put_folder(const char *name)
{
	assert_int_equal(mkdir(tree_path(name), 0700), 0);
}
