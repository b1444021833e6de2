// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtimes/oci_state.h"

static int runc(const char *text, const char *cgroup, struct oci_state *ret_state)
{
	return oci_state_parse_runc(text, strlen(text), cgroup, ret_state);
}

static int crun(const char *text, const char *cgroup, struct oci_state *ret_state)
{
	return oci_state_parse_crun(text, strlen(text), cgroup, ret_state);
}

static void test_runc_cgroups(void **state)
{
	static const struct {
		const char *paths;
		const char *cgroup;
		int result;
	} cases[] = {
		{"{\"\":\"/sys/fs/cgroup/web\"}", "/web", 0},
		{"{\"\":\"/sys/fs/cgroup/unified/web\"}", "/web", 0},
		{"{\"pids\":\"/sys/fs/cgroup/pids/web\"}", "/web", 0},
		{"{\"cpu\":\"/sys/fs/cgroup/cpu,cpuacct/web\"}", "/web", 0},
		{"{\"pids\":1,\"\":\"/sys/fs/cgroup/a/web\"}", "/a/web", 0},
		/* nothing to compare: rootless */
		{"{}", "/web", 0},
		{"null", "/web", 0},
		/* another's of the same end */
		{"{\"\":\"/sys/fs/cgroup/other/web\"}", "/web", -ESTALE},
		{"{\"\":\"/sys/fs/cgroup/web\"}", "/other/web", -ESTALE},
		{"{\"pids\":\"/sys/fs/cgroup/pids/other/web\"}", "/web", -ESTALE},
		{"{\"pids\":\"/sys/fs/cgroup/web\"}", "/web", -ESTALE},
		{"{\"\":\"/sys/fs/cgroup/web2\"}", "/web", -ESTALE},
		{"{\"\":\"/elsewhere/web\"}", "/web", -ESTALE},
		{"{\"\":\"\"}", "/web", -ESTALE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		struct oci_state found;

		(void)snprintf(text, sizeof(text), "{\"init_process_pid\":7,\"cgroup_paths\":%s}",
			       cases[i].paths);
		if (runc(text, cases[i].cgroup, &found) != cases[i].result)
			fail_msg("%s in %s", cases[i].paths, cases[i].cgroup);
	}
}

static void test_runc_bundle(void **state)
{
	struct oci_state found;

	(void)state;
	/* an annotation of that name comes before the runtime's own */
	assert_int_equal(runc("{\"init_process_pid\":7,\"init_process_start\":99,\"config\":{"
			      "\"labels\":[\"bundle=/evil\",\"bundle=/srv/web\",\"x=y\",1]}}",
			      "/web", &found),
			 0);
	assert_int_equal(found.init_pid, 7);
	assert_int_equal(found.init_start_ticks, 99);
	assert_string_equal(found.bundle, "/srv/web");
	assert_int_equal(runc("{\"init_process_pid\":7,\"config\":{\"labels\":[\"bundle=srv\"]}}",
			      "/web", &found),
			 0);
	assert_string_equal(found.bundle, "");
	assert_int_equal(found.init_start_ticks, 0);
}

static void test_not_whole(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"init_process_pid\":0,\"pid\":0}",
		"{\"init_process_pid\":-1,\"pid\":-1}",
		"{\"init_process_pid\":\"7\",\"pid\":\"7\"}",
		"{\"init_process_pid\":4294967296,\"pid\":4294967296}",
		"{\"init_process_pid\":1e3,\"pid\":1e3}",
		"{\"init_process_pid\":99999999999999999999,\"pid\":99999999999999999999}",
	};
	struct oci_state found;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (runc(texts[i], "/web", &found) != -EAGAIN)
			fail_msg("runc: %s", texts[i]);
		if (crun(texts[i], "/web", &found) != -EAGAIN)
			fail_msg("crun: %s", texts[i]);
	}
}

static void test_crun_cgroups(void **state)
{
	static const struct {
		const char *rest;
		const char *cgroup;
		int result;
	} cases[] = {
		{"\"cgroup-path\":\"/web\"", "/web", 0},
		{"\"cgroup-path\":\"\"", "/web", 0},
		{"\"pid\":7", "/web", 0}, /* switched off */
		{"\"cgroup-path\":\"/a.scope/container\",\"systemd-cgroup\":true", "/a.scope", 0},
		{"\"cgroup-path\":\"/a.scope2\",\"systemd-cgroup\":true", "/a.scope", -ESTALE},
		{"\"cgroup-path\":\"/web/x\",\"systemd-cgroup\":false", "/web", -ESTALE},
		{"\"cgroup-path\":\"/other/web\"", "/web", -ESTALE},
		{"\"cgroup-path\":\"/web\"", "/other/web", -ESTALE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		struct oci_state found;

		(void)snprintf(text, sizeof(text),
			       "{%s%s,\"process-start-time\":99,\"bundle\":\"/b\"}",
			       strstr(cases[i].rest, "pid") ? "" : "\"pid\":7,", cases[i].rest);
		if (crun(text, cases[i].cgroup, &found) != cases[i].result)
			fail_msg("%s in %s", cases[i].rest, cases[i].cgroup);
		if (cases[i].result)
			continue;
		assert_int_equal(found.init_pid, 7);
		assert_int_equal(found.init_start_ticks, 99);
		assert_string_equal(found.bundle, "/b");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runc_cgroups),
		cmocka_unit_test(test_runc_bundle),
		cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_crun_cgroups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
