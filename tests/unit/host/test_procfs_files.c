// SPDX-License-Identifier: Apache-2.0
/* What procfs reads besides the stat files of test_procfs.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/procfs.h"
#include "tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PID = 4711 };

#define V1                                    \
	"12:cpuset:/in/cpuset\n"              \
	"11:hugetlb:/in/hugetlb\n"            \
	"8:net_cls,net_prio:/in/net\n"        \
	"6:cpu,cpuacct:/in/cpu\n"             \
	"4:pids:/docker/abc\n"                \
	"3:freezer:/docker/abc (deleted)\n"   \
	"2:memory:/system.slice:docker:abc\n" \
	"1:name=systemd:/in/systemd\n"
#define V2 "0::/system.slice/docker-abc.scope\n"

static void test_cgroup(void **state)
{
	static const struct {
		const char *file, *controller, *path;
	} cases[] = {
		{V1, "pids", "/docker/abc"},
		{V1, "cpu", "/in/cpu"},
		{V1, "cpuacct", "/in/cpu"},
		{V1, "net_prio", "/in/net"},
		{V1, "cpuset", "/in/cpuset"},
		{V1, "name=systemd", "/in/systemd"},
		/* a path with colons, one of a removed cgroup */
		{V1, "memory", "/system.slice:docker:abc"},
		{V1, "freezer", "/docker/abc"},
		{V2, "", "/system.slice/docker-abc.scope"},
		{"0::/\n", "", "/"},
		{"0::/a (deleted)\n", "", "/a"},
		{"0::/:a::b:\n", "", "/:a::b:"},
		{"0::/a (deleted)/b\n", "", "/a (deleted)/b"},
		{"0::/pids:/memory\n", "", "/pids:/memory"},
		{"0::/without a newline", "", "/without a newline"},
		/* hybrid: each its own */
		{V1 V2, "", "/system.slice/docker-abc.scope"},
		{V1 V2, "pids", "/docker/abc"},
		/* not on v2, not on v1, not the hierarchy's, no part of a name */
		{V2, "pids", NULL},
		{V1, "", NULL},
		{V1, "blkio", NULL},
		{V1, "cpus", NULL},
		{V1, "acct", NULL},
		{V1, "cpu,cpuacct", NULL},
		{V1, "systemd", NULL},
		{V1, "/in/cpu", NULL},
		{"", "", NULL},
		{"no colon at all\n", "", NULL},
		{"one:colon\n", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[64] = "kept";
		int expected = cases[i].path ? 0 : -ENOENT;

		tree_put("4711/cgroup", cases[i].file);
		if (procfs_read_cgroup(tree, PID, cases[i].controller, path, sizeof(path)) !=
		    expected)
			fail_msg("'%s' in\n%s", cases[i].controller, cases[i].file);
		assert_string_equal(path, cases[i].path ? cases[i].path : "kept");
	}
}

static void test_cgroup_whose_path_does_not_fit(void **state)
{
	char path[8] = "kept";

	(void)state;
	tree_put("4711/cgroup", "0::/2345678\n");
	assert_int_equal(procfs_read_cgroup(tree, PID, "", path, sizeof(path)), -ENAMETOOLONG);
	assert_string_equal(path, "kept");
	tree_put("4711/cgroup", "0::/234567\n");
	assert_int_equal(procfs_read_cgroup(tree, PID, "", path, sizeof(path)), 0);
	assert_string_equal(path, "/234567");
}

static void test_cgroup_without_a_path(void **state)
{
	char path[16] = "kept";

	(void)state;
	tree_put("4711/cgroup", "0::docker/a\n");
	assert_int_equal(procfs_read_cgroup(tree, PID, "", path, sizeof(path)), -EINVAL);
	/* Colons of the next line are not this one's. */
	tree_put("4711/cgroup", "0\n1:a:/x\n");
	assert_int_equal(procfs_read_cgroup(tree, PID, "1", path, sizeof(path)), -ENOENT);
	assert_string_equal(path, "kept");
}

static void test_cgroup_of_nobody(void **state)
{
	char path[8] = "kept";

	(void)state;
	assert_int_equal(procfs_read_cgroup(tree, PID, "", path, sizeof(path)), -ENOENT);
	assert_string_equal(path, "kept");
}

static void test_ns_pid(void **state)
{
	static const struct {
		const char *file;
		int err;
		pid_t pid;
	} cases[] = {
		{"Name:\tsh\nPid:\t4711\nNStgid:\t9\t8\nNSpid:\t4711\nNSpgid:\t7\n", 0, 4711},
		{"Name:\tsh\nNSpid:\t4711\t1\nNSpgid:\t4711\t2\n", 0, 1},
		{"Name:\tsh\nNSpid:\t4711\t812\t33\t5\nNSpgid:\t6\n", 0, 5},
		{"Name:\tsh\nNSpid:\t4711\t4194303\n", 0, 4194303},
		/* The kernel escapes a newline in a name; what stands in a line is no line. */
		{"Name:\t\\nNSpid:\t9\nNSpid:\t4711\t2\n", 0, 2},
		{"Name:\tNSpid:\t9\nNSpid:\t4711\t3\n", 0, 3},
		{"Name:\tsh\nPid:\t4711\n", -ENODATA, 99},
		{"", -ENODATA, 99},
		{"Name:\tsh\nNSpid:\t4711\t1", -EINVAL, 99},
		{"Name:\tsh\nNSpid:\n", -EINVAL, 99},
		{"Name:\tsh\nNSpid:\t4711\t-1\n", -EINVAL, 99},
		{"Name:\tsh\nNSpid:\t4711\t4294967297\n", -EINVAL, 99},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		pid_t pid = 99;

		tree_put("4711/status", cases[i].file);
		if (procfs_read_ns_pid(tree, PID, &pid) != cases[i].err || pid != cases[i].pid)
			fail_msg("%d in\n%s", pid, cases[i].file);
	}
	assert_int_equal(procfs_read_ns_pid(tree, 4712, &(pid_t){0}), -ENOENT);
}

static void test_pid_1_below(void **state)
{
	static const struct {
		const char *status;
		bool is_so;
	} cases[] = {
		{"NSpid:\t4711\t1\n", true},
		{"NSpid:\t4711\n", false},
		{"NSpid:\t1\n", false},
		{"NSpid:\t4711\t11\n", false},
		{"NSpid:\t4711\t1\t1\n", false}, /* deeper */
		{"NSpid:\t4711\t7\t1\n", false},
		{"NSpid:\t4711\t1", false},
		{"NSpid:\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		tree_put("4711/status", cases[i].status);
		if (procfs_is_pid_1_below(tree, PID) != cases[i].is_so)
			fail_msg("%s", cases[i].status);
	}
	assert_false(procfs_is_pid_1_below(tree, 4712));
}

static void check_args(const char *bytes, size_t len, const char *first, const char *second)
{
	struct command_line args;
	const char *found;

	tree_put_bytes("4711/cmdline", bytes, len);
	assert_int_equal(procfs_read_command_line(tree, PID, &args), 0);
	assert_int_equal(args.answer, ANSWER_VALUE);
	assert_string_equal(command_line_argument(&args, 0), first);
	found = command_line_argument(&args, 1);
	assert_string_equal(found ? found : "none", second);
}

static void test_command_line(void **state)
{
	struct command_line args;
	char many[COMMAND_LINE_SIZE + 1];

	(void)state;
	check_args("sh\0-c\0x", 8, "sh", "-c");
	check_args("sh\0", 3, "sh", "none");
	check_args("/bin/sh\0-c", 10, "/bin/sh", "-c");
	/* A program that was given no name, and one that overwrote its own. */
	check_args("\0-c\0", 4, "", "-c");
	check_args("nginx: master", 13, "nginx: master", "none");
	/* The second argument goes on, or may. */
	memset(many, 'x', sizeof(many));
	many[2] = '\0';
	check_args(many, COMMAND_LINE_SIZE, "xx", "none");
	check_args(many, sizeof(many), "xx", "none");
	many[COMMAND_LINE_SIZE - 1] = '\0';
	check_args(many, COMMAND_LINE_SIZE, "xx", many + 3);
	/* A kernel thread, a zombie, or a program that is being exec'd. */
	tree_put_bytes("4711/cmdline", "", 0);
	assert_int_equal(procfs_read_command_line(tree, PID, &args), 0);
	assert_int_equal(args.answer, ANSWER_UNREADABLE);
	args.size = 77;
	assert_int_equal(procfs_read_command_line(tree, 4712, &args), -ENOENT);
	assert_int_equal(args.size, 77);
}

static void check_program(const char *link, const char *expected)
{
	char path[12];

	memset(path, 'x', sizeof(path));
	(void)unlink(tree_path("4711/exe"));
	assert_int_equal(symlink(link, tree_path("4711/exe")), 0);
	assert_int_equal(procfs_read_program(tree, PID, path, sizeof(path)), 0);
	assert_string_equal(path, expected);
}

static void test_program(void **state)
{
	char path[8] = "kept";

	(void)state;
	assert_int_equal(procfs_read_program(tree, PID, path, sizeof(path)), -ENOENT);
	assert_string_equal(path, "kept");
	check_program("/bin/sh", "/bin/sh");
	check_program("/bin/a\nb", "/bin/a\nb");
	check_program("/bin/goproc", "/bin/goproc");
	check_program("/bin/supervisord", "/bin/superv");
	tree_put("4712/exe", "no link");
	assert_int_equal(procfs_read_program(tree, 4712, path, sizeof(path)), -EINVAL);
}

static void test_pid_namespace(void **state)
{
	struct stat expected;
	ino_t inode = 99;

	(void)state;
	assert_int_equal(procfs_read_pid_namespace(tree, PID, &inode), -ENOENT);
	assert_int_equal(inode, 99);
	tree_put("4711/ns/pid", "");
	assert_int_equal(stat(tree_path("4711/ns/pid"), &expected), 0);
	assert_int_equal(procfs_read_pid_namespace(tree, PID, &inode), 0);
	assert_int_equal(inode, expected.st_ino);
}

/* "Groups:" stands before "NSpid:", and a user may be in thousands. */
static void test_ns_pid_behind_a_long_line(void **state)
{
	char text[20000] = "Name:\tsh\nGroups:\t";
	size_t len = strlen(text);
	pid_t pid = 99;

	(void)state;
	for (int group = 0; group < 1500; group++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d ", 100000 + group);
	(void)snprintf(text + len, sizeof(text) - len, "\nNSpid:\t4711\t1\n");
	tree_put("4711/status", text);
	assert_int_equal(procfs_read_ns_pid(tree, PID, &pid), 0);
	assert_int_equal(pid, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_cgroup),
		in_tree(test_cgroup_whose_path_does_not_fit),
		in_tree(test_cgroup_without_a_path),
		in_tree(test_cgroup_of_nobody),
		in_tree(test_ns_pid),
		in_tree(test_ns_pid_behind_a_long_line),
		in_tree(test_pid_1_below),
		in_tree(test_command_line),
		in_tree(test_pid_namespace),
		in_tree(test_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
