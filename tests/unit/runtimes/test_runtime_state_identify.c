// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtimes/runtime_state.h"
#include "tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CONTAINERD "run/containerd/io.containerd.runtime.v2.task"

/* 127 and 128 characters: the longest id, and one that has no room. */
#define TEN	 "abcdefghij"
#define LONGEST	 TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "1234567"
#define TOO_LONG LONGEST "8"

static const struct runtime_roots roots = {.root = tree};

static int make_run(void **state)
{
	static const char *const folders[] = {
		"run/runc/web",
		"run/crun/x",
		"run/runc/both",
		"run/runc/" LONGEST,
		"run/runc/" TOO_LONG,
		"run/runc/.hidden",
		"run/crun/job",
		"run/crun/both",
		CONTAINERD "/default/ctr",
		CONTAINERD "/default/web",
		CONTAINERD "/k8s.io/" TEN,
		"run/podman/elsewhere",
	};

	if (tree_make(state) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(folders); i++)
		tree_put_folder(folders[i]);
	tree_put("run/runc/file", "");
	tree_put("run/secret/state.json", "");
	return symlink("../secret", tree_path("run/runc/link"));
}

static void test_identified(void **state)
{
	static const struct {
		const char *path;
		enum runtime runtime;
		const char *id;
	} cases[] = {
		{"/web", RUNTIME_RUNC, "web"},
		{"/a/b/web", RUNTIME_RUNC, "web"},
		{"/system.slice/web", RUNTIME_RUNC, "web"},
		{"/" LONGEST, RUNTIME_RUNC, LONGEST},
		{"/job", RUNTIME_CRUN, "job"},
		{"/x", RUNTIME_CRUN, "x"},
		{"/both", RUNTIME_RUNC, "both"},
		{"/default/ctr", RUNTIME_CONTAINERD, "ctr"},
		{"/some/parent/default/ctr", RUNTIME_CONTAINERD, "ctr"},
		{"/k8s.io/" TEN, RUNTIME_CONTAINERD, TEN},
		{"/default/web", RUNTIME_RUNC, "web"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cgroup_identity identity;

		memset(&identity, 'x', sizeof(identity));
		if (!runtime_state_identify(&roots, cases[i].path, &identity))
			fail_msg("%s is not identified", cases[i].path);
		assert_int_equal(identity.runtime, cases[i].runtime);
		assert_string_equal(identity.id, cases[i].id);
		assert_string_equal(identity.pod_uid, "");
	}
}

static void test_not_identified(void **state)
{
	static const char *const paths[] = {
		"/",
		"",
		"web",
		"/other",
		"/web/",
		"/web/nested",
		"/elsewhere",
		/* of another namespace, of none, the namespace itself */
		"/other/ctr",
		"/ctr",
		"/k8s.io/ctr",
		"/default",
		/* what leads out of the state directory, or to no directory */
		"/.",
		"/..",
		"/default/..",
		"/../" TEN,
		"/./ctr",
		"/.hidden",
		"/file",
		"/link",
		"/" TOO_LONG,
		"/" TOO_LONG "/ctr",
	};
	struct cgroup_identity identity, before;

	(void)state;
	memset(&identity, 'x', sizeof(identity));
	before = identity;
	for (size_t i = 0; i < COUNT(paths); i++)
		if (runtime_state_identify(&roots, paths[i], &identity))
			fail_msg("'%s' is identified as %s", paths[i], identity.id);
	assert_memory_equal(&identity, &before, sizeof(before));
}

static void test_no_runtime_at_all(void **state)
{
	const struct runtime_roots missing = {.root = "/nonexistent"};
	struct cgroup_identity identity;

	(void)state;
	assert_false(runtime_state_identify(&missing, "/web", &identity));
	assert_false(runtime_state_identify(&missing, "/default/ctr", &identity));
}

/* crun leaves its orders before the cgroup is made; runc says nothing until then. */
static void test_cgroup_of_ones_own(void **state)
{
	struct cgroup_identity identity;

	(void)state;
	tree_put("run/crun/job/config.json", "{\"linux\":{\"cgroupsPath\":\"/own/box\"}}");
	assert_true(runtime_state_identify(&roots, "/own/box", &identity));
	assert_int_equal(identity.runtime, RUNTIME_CRUN);
	assert_string_equal(identity.id, "job");
	assert_false(runtime_state_identify(&roots, "/own/boxes", &identity));
	tree_put("run/runc/web/state.json",
		 "{\"init_process_pid\":1,\"cgroup_paths\":{\"\":\"/sys/fs/cgroup/own/web2\"}}");
	assert_true(runtime_state_identify(&roots, "/own/web2", &identity));
	assert_int_equal(identity.runtime, RUNTIME_RUNC);
	assert_string_equal(identity.id, "web");
	/* and so it is not in the cgroup of its name */
	assert_false(runtime_state_identify(&roots, "/web", &identity));
	tree_put(CONTAINERD "/default/ctr/config.json",
		 "{\"linux\":{\"cgroupsPath\":\"/own/third\"}}");
	assert_true(runtime_state_identify(&roots, "/own/third", &identity));
	assert_int_equal(identity.runtime, RUNTIME_CONTAINERD);
	assert_string_equal(identity.id, "ctr");
	assert_false(runtime_state_identify(&roots, "/default/ctr", &identity));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identified, make_run, tree_remove),
		cmocka_unit_test_setup_teardown(test_not_identified, make_run, tree_remove),
		cmocka_unit_test_setup_teardown(test_cgroup_of_ones_own, make_run, tree_remove),
		cmocka_unit_test_setup_teardown(test_no_runtime_at_all, make_run, tree_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
