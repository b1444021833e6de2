// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "gvisor/roots.h"
#include "tree.h"

static const char *const patterns[] = {"/run/runsc", "/run/containerd/runsc/*", NULL};

static struct buf told;

static void on_change(void *context, const char *root, const char *sandbox)
{
	(void)context;
	buf_printf(&told, "%s%s:%s", told.len ? " " : "", root, sandbox ? sandbox : "*");
}

static void assert_told(struct gvisor_roots *roots, const char *text)
{
	assert_int_equal(gvisor_roots_read(roots, on_change, NULL), 0);
	assert_string_equal(told.data ? told.data : "", text);
	buf_done(&told);
	told = (struct buf){0};
}

static struct gvisor_roots *make_roots(void)
{
	struct gvisor_roots *roots;

	assert_int_equal(gvisor_roots_new(tree, patterns, &roots), 0);
	return roots;
}

static void test_there_already(void **state)
{
	struct gvisor_roots *roots;

	(void)state;
	tree_put("run/runsc/web_sandbox:web.state", "{}");
	tree_put("run/containerd/runsc/k8s.io/a", "");
	roots = make_roots();
	assert_told(roots, "/run/runsc:* /run/containerd/runsc/k8s.io:*");
	assert_told(roots, "");
	gvisor_roots_look_again(roots);
	assert_told(roots, "/run/runsc:* /run/containerd/runsc/k8s.io:*");
	assert_told(roots, "");
	gvisor_roots_free(roots);
}

static void test_files(void **state)
{
	struct gvisor_roots *roots;

	(void)state;
	tree_put("run/runsc/other", "");
	roots = make_roots();
	assert_told(roots, "/run/runsc:*");
	tree_put("run/runsc/app_sandbox:pod.lock", "");
	assert_told(roots, "");
	tree_put("run/runsc/app_sandbox:pod.state", "{}");
	assert_told(roots, "/run/runsc:pod");
	assert_int_equal(remove(tree_path("run/runsc/app_sandbox:pod.state")), 0);
	assert_told(roots, "/run/runsc:pod");
	gvisor_roots_free(roots);
}

/* None of the way to it exists yet; and it comes once more after it was removed. */
static void test_made_later(void **state)
{
	struct gvisor_roots *roots;

	(void)state;
	tree_put_folder("run");
	roots = make_roots();
	assert_told(roots, "");
	tree_put_folder("run/containerd");
	assert_told(roots, "");
	tree_put("run/containerd/runsc/moby/a_sandbox:a.state", "{}");
	assert_told(roots, "/run/containerd/runsc/moby:*");
	tree_put("run/containerd/runsc/moby/b_sandbox:b.state", "{}");
	assert_told(roots, "/run/containerd/runsc/moby:b");
	tree_put_folder("run/runsc");
	assert_told(roots, "/run/runsc:*");
	assert_int_equal(rmdir(tree_path("run/runsc")), 0);
	assert_told(roots, "/run/runsc:*");
	tree_put("run/runsc/c_sandbox:c.state", "{}");
	assert_told(roots, "/run/runsc:*");
	gvisor_roots_free(roots);
}

static void test_added(void **state)
{
	struct gvisor_roots *roots;

	(void)state;
	tree_put("elsewhere/web_sandbox:web.state", "{}");
	roots = make_roots();
	assert_false(gvisor_roots_has(roots, "/elsewhere"));
	assert_int_equal(gvisor_roots_add(roots, "/elsewhere"), 0);
	assert_int_equal(gvisor_roots_add(roots, "/elsewhere"), 0);
	assert_false(gvisor_roots_has(roots, "/elsewhere")); /* told by somebody, not by us */
	assert_true(gvisor_roots_has(roots, "/run/containerd/runsc/k8s.io"));
	assert_false(gvisor_roots_has(roots, "/run/containerd/runsc/k8s.io/x"));
	assert_true(gvisor_roots_has(roots, "/var/run/containerd/runsc/k8s.io"));
	assert_false(gvisor_roots_has(roots, "/var/runs/containerd/runsc/k8s.io"));
	assert_told(roots, "/elsewhere:*");
	assert_true(gvisor_roots_add(roots, "relative") < 0);
	gvisor_roots_free(roots);
}

static void test_var_run(void **state)
{
	static const char *const given[] = {"/var/run/docker/*", "/run/runsc", NULL};
	struct gvisor_roots *roots;

	(void)state;
	assert_int_equal(gvisor_roots_new(tree, given, &roots), 0);
	assert_true(gvisor_roots_has(roots, "/var/run/docker/moby"));
	assert_true(gvisor_roots_has(roots, "/run/docker/moby"));
	assert_true(gvisor_roots_has(roots, "/var/run/runsc"));
	assert_true(gvisor_roots_has(roots, "/run/runsc"));
	assert_false(gvisor_roots_has(roots, "/var/runsc"));
	gvisor_roots_free(roots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_var_run),	  in_tree(test_there_already), in_tree(test_files),
		in_tree(test_made_later), in_tree(test_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
