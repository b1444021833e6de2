// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/hierarchy.h"
#include "tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OTHERS                                         \
	"proc /proc proc rw,nosuid 0 0\n"              \
	"tmpfs /sys/fs/cgroup tmpfs ro,mode=755 0 0\n" \
	"pids /mnt/pids ext4 rw,pids,memory 0 0\n"
#define UNIFIED "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n"
#define HYBRID	"cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid,nsdelegate 0 0\n"
#define NAMED	"cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n"
#define PIDS	"cgroup /sys/fs/cgroup/pids cgroup rw,nosuid,pids 0 0\n"
#define MEMORY	"cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,memory 0 0\n"
#define DEVICES "cgroup /sys/fs/cgroup/devices cgroup rw,devices 0 0\n"
#define FREEZER "cgroup /sys/fs/cgroup/freezer cgroup rw,freezer 0 0\n"
#define CPU	"cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
#define CPUSET	"cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n"
#define BLKIO	"cgroup /sys/fs/cgroup/blkio cgroup rw,blkio 0 0\n"
#define PERF	"cgroup /sys/fs/cgroup/perf_event cgroup rw,perf_event 0 0\n"

static const char cgroups[] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
			      "cpuset\t11\t3\t1\n"
			      "cpu\t12\t3\t1\n"
			      "cpuacct\t13\t3\t1\n"
			      "blkio\t14\t3\t1\n"
			      "memory\t15\t3\t1\n"
			      "devices\t16\t3\t1\n"
			      "freezer\t17\t3\t1\n"
			      "perf_event\t18\t3\t1\n"
			      "pids\t4294967295\t3\t1\n";

static const struct {
	const char *mounts;
	const char *mount, *controller;
	uint32_t id;
	const char *freezer;
	const char *description;
} hosts[] = {
	{OTHERS UNIFIED, "/sys/fs/cgroup", "", 0, "", "v2 at /sys/fs/cgroup"},
	/* v1, and hybrid: the same; the order of the mounts does not count */
	{OTHERS NAMED CPU MEMORY FREEZER PIDS DEVICES, "/sys/fs/cgroup/pids", "pids", UINT32_MAX,
	 "/sys/fs/cgroup/freezer", "v1 (pids) at /sys/fs/cgroup/pids"},
	{OTHERS HYBRID NAMED PIDS MEMORY FREEZER, "/sys/fs/cgroup/pids", "pids", UINT32_MAX,
	 "/sys/fs/cgroup/freezer", "v1 (pids) at /sys/fs/cgroup/pids"},
	{PIDS HYBRID, "/sys/fs/cgroup/pids", "pids", UINT32_MAX, "",
	 "v1 (pids) at /sys/fs/cgroup/pids"},
	/* one after the other, as they are bound to v2 */
	{BLKIO CPUSET CPU FREEZER DEVICES MEMORY, "/sys/fs/cgroup/memory", "memory", 15,
	 "/sys/fs/cgroup/freezer", "v1 (memory) at /sys/fs/cgroup/memory"},
	{BLKIO CPUSET CPU FREEZER DEVICES, "/sys/fs/cgroup/devices", "devices", 16,
	 "/sys/fs/cgroup/freezer", "v1 (devices) at /sys/fs/cgroup/devices"},
	{BLKIO CPUSET CPU FREEZER, "/sys/fs/cgroup/freezer", "freezer", 17,
	 "/sys/fs/cgroup/freezer", "v1 (freezer) at /sys/fs/cgroup/freezer"},
	{BLKIO CPUSET CPU, "/sys/fs/cgroup/cpu,cpuacct", "cpu", 12, "",
	 "v1 (cpu) at /sys/fs/cgroup/cpu,cpuacct"},
	{BLKIO CPUSET HYBRID, "/sys/fs/cgroup/cpuset", "cpuset", 11, "",
	 "v1 (cpuset) at /sys/fs/cgroup/cpuset"},
	{BLKIO, "/sys/fs/cgroup/blkio", "blkio", 14, "", "v1 (blkio) at /sys/fs/cgroup/blkio"},
	/* v1 without a controller that a runtime sets up holds no container */
	{OTHERS NAMED PERF HYBRID, "/sys/fs/cgroup/unified", "", 0, "",
	 "v2 at /sys/fs/cgroup/unified"},
	/* the first of several; several controllers in one; a mount point with a space */
	{UNIFIED HYBRID, "/sys/fs/cgroup", "", 0, "", "v2 at /sys/fs/cgroup"},
	{PIDS "cgroup /other cgroup rw,pids 0 0\n", "/sys/fs/cgroup/pids", "pids", UINT32_MAX, "",
	 "v1 (pids) at /sys/fs/cgroup/pids"},
	{"cgroup /all cgroup rw,memory,freezer,pids 0 0\n", "/all", "pids", UINT32_MAX, "/all",
	 "v1 (pids) at /all"},
	{"none /a\\040b cgroup2 rw 0 0\n", "/a b", "", 0, "", "v2 at /a b"},
};

static void test_hosts(void **state)
{
	(void)state;
	tree_put("cgroups", cgroups);
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct hierarchy hierarchy;
		struct error error;
		char text[600];

		memset(&hierarchy, 'x', sizeof(hierarchy));
		tree_put("self/mounts", hosts[i].mounts);
		if (hierarchy_detect(tree, &hierarchy, &error) != 0)
			fail_msg("%s\n%s", error.text, hosts[i].mounts);
		assert_string_equal(hierarchy.mount, hosts[i].mount);
		assert_string_equal(hierarchy.controller, hosts[i].controller);
		assert_int_equal(hierarchy.id, hosts[i].id);
		assert_string_equal(hierarchy.freezer, hosts[i].freezer);
		hierarchy_describe(&hierarchy, text, sizeof(text));
		assert_string_equal(text, hosts[i].description);
	}
}

static void check_failure(int expected, const char *text)
{
	struct hierarchy hierarchy = {.mount = "kept"};
	struct error error;

	assert_int_equal(hierarchy_detect(tree, &hierarchy, &error), expected);
	assert_string_equal(error.text, text);
	assert_string_equal(hierarchy.mount, "kept");
}

static void test_no_hierarchy_tells_the_remedy(void **state)
{
	static const char *const tables[] = {"", OTHERS, OTHERS NAMED PERF};

	(void)state;
	tree_put("cgroups", cgroups);
	for (size_t i = 0; i < COUNT(tables); i++) {
		tree_put("self/mounts", tables[i]);
		check_failure(-ENOENT, "no cgroup hierarchy is mounted; mount one: "
				       "mount -t cgroup2 none /sys/fs/cgroup");
	}
}

static void test_no_mount_table(void **state)
{
	char text[128];

	(void)state;
	(void)snprintf(text, sizeof(text), "cannot read %s/self/mounts: No such file or directory",
		       tree);
	check_failure(-ENOENT, text);
}

/* Without its number, the records of other hierarchies could not be told from its own. */
static void test_v1_without_a_number(void **state)
{
	static const char *const files[] = {"", "#subsys_name\thierarchy\n", "pid\t4\t1\t1\n",
					    "pidsx\t4\t1\t1\n", "pids\n"};
	char text[128];

	(void)state;
	(void)snprintf(text, sizeof(text), "%s/cgroups does not list the controller 'pids'", tree);
	tree_put("self/mounts", PIDS UNIFIED);
	for (size_t i = 0; i < COUNT(files); i++) {
		tree_put("cgroups", files[i]);
		check_failure(-ENOENT, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(test_hosts),
		in_tree(test_no_hierarchy_tells_the_remedy),
		in_tree(test_no_mount_table),
		in_tree(test_v1_without_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
