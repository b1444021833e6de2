// SPDX-License-Identifier: Apache-2.0
/* The state that real runtimes left, in tests/fixtures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/cgroup_path.h"
#include "runtimes/runtime_state.h"

#define DOCKER_ID "7ed9479b949db69f6a7a0978087b15da1041a17c7fd839c6896f69c360ad095a"
#define CRI_ID	  "7a833c6339e410473662b205ce22b3140497a1dbb1e609c37590db8d05e80e4e"
#define CRI_POD	  "502c09934ea0d6d76911ae1077ed1109083ca55ee56de6d6a5957ed3c9d1758a"
#define CRI_UID	  "0f5e7a9c-1d2b-4c3d-8e4f-5a6b7c8d9e0f"
#define PODMAN_ID "58f850e954f62e0f2377eda91168c1e3e6e57360d1fbbef103d5ede1dba463ab"
#define POD_ID	  "2f48783c29207951acedd7fad271f9504a48bfa474dc7d80159430104fb148bb"
#define INFRA_ID  "388a27d98b263f3acc251bb7f323dc1cf248e360e9ea344753919445abc3feb8"
#define MEMBER_ID "953389e4c6c7b601be2cb3d0f4ab62c2af71cd9c72d5cfffb8e02a3f2c2487a1"
#define CRIO_ID	  "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
#define CRIO_POD  "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
#define CRIO_UID  "7c1f3b52-9a40-4c7e-8d21-3f6b0e9a1d44"
#define CRIO_SLICE                                                       \
	"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-" \
	"pod7c1f3b52_9a40_4c7e_8d21_3f6b0e9a1d44.slice"

static const struct runtime_roots host = {.root = FIXTURES "/host"};

/* As the caller does it: the path first, then the state. */
static int read_identity(const char *path, struct identity *ret_identity)
{
	struct cgroup_identity found;

	if (!cgroup_path_identify(path, &found) && !runtime_state_identify(&host, path, &found))
		fail_msg("%s is no container", path);
	memset(ret_identity, 0, sizeof(*ret_identity));
	ret_identity->runtime = found.runtime;
	memcpy(ret_identity->id, found.id, sizeof(found.id));
	memcpy(ret_identity->pod_uid, found.pod_uid, sizeof(found.pod_uid));
	return runtime_state_read(&host, path, ret_identity);
}

static void assert_text(const char *actual, const char *expected)
{
	if (!expected)
		assert_null(actual);
	else
		assert_string_equal(actual ? actual : "(null)", expected);
}

static const struct {
	const char *path;
	enum runtime runtime;
	const char *id, *name, *image, *pod, *namespace, *pod_uid, *termination_log;
	pid_t init_pid;
	uint64_t init_start_ticks;
	bool is_sandbox;
} cases[] = {
	{.path = "/own/place/box",
	 .runtime = RUNTIME_RUNC,
	 .id = "own-cgroup",
	 .name = "own-cgroup",
	 .pod_uid = "",
	 .init_pid = 21956,
	 .init_start_ticks = 139101},
	{.path = "/job",
	 .runtime = RUNTIME_CRUN,
	 .id = "job",
	 .name = "job",
	 .pod_uid = "",
	 .init_pid = 21244,
	 .init_start_ticks = 98418},
	{.path = "/dev/batch-1",
	 .runtime = RUNTIME_CONTAINERD,
	 .id = "batch-1",
	 .name = "batch-1",
	 .image = "example/bb:1.0",
	 .pod_uid = "",
	 .init_pid = 20807,
	 .init_start_ticks = 95498},
	{.path = "/kubepods/besteffort/pod" CRI_UID "/" CRI_ID,
	 .runtime = RUNTIME_CONTAINERD,
	 .id = CRI_ID,
	 .name = "main",
	 .image = "example/bb:1.0",
	 .pod = "the-web-0",
	 .namespace = "our-shop",
	 .pod_uid = CRI_UID,
	 .termination_log = "/var/lib/kubelet/pods/" CRI_UID "/containers/main/4a5b6c7d",
	 .init_pid = 25023,
	 .init_start_ticks = 186333},
	{.path = "/kubepods/besteffort/pod" CRI_UID "/" CRI_POD,
	 .runtime = RUNTIME_CONTAINERD,
	 .id = CRI_POD,
	 .image = "example/bb:1.0",
	 .pod = "the-web-0",
	 .namespace = "our-shop",
	 .pod_uid = CRI_UID,
	 .init_pid = 24991,
	 .init_start_ticks = 186320,
	 .is_sandbox = true},
	{.path = "/docker/" DOCKER_ID,
	 .runtime = RUNTIME_DOCKER,
	 .id = DOCKER_ID,
	 .name = "d1",
	 .image = "example/bb:1.0",
	 .pod_uid = "",
	 .init_pid = 7829,
	 .init_start_ticks = 128541},
	{.path = "/libpod_parent/libpod-" PODMAN_ID,
	 .runtime = RUNTIME_PODMAN,
	 .id = PODMAN_ID,
	 .name = "p1",
	 .image = "example/bb:1.0",
	 .pod_uid = "",
	 .init_pid = 15183,
	 .init_start_ticks = 134567},
	{.path = "/libpod_parent/" POD_ID "/libpod-" INFRA_ID,
	 .runtime = RUNTIME_PODMAN,
	 .id = INFRA_ID,
	 .name = "2f48783c2920-infra",
	 .image = "example/bb:1.0",
	 .pod_uid = "",
	 .init_pid = 15261,
	 .init_start_ticks = 134609,
	 .is_sandbox = true},
	{.path = "/libpod_parent/" POD_ID "/libpod-" MEMBER_ID,
	 .runtime = RUNTIME_PODMAN,
	 .id = MEMBER_ID,
	 .name = "p2",
	 .image = "example/bb:1.0",
	 .pod_uid = "",
	 .init_pid = 15286,
	 .init_start_ticks = 134623},
	/* Without runc's or crun's state, because CRI-O could not be run where these were recorded. */
	{.path = CRIO_SLICE "/crio-" CRIO_ID ".scope",
	 .runtime = RUNTIME_CRIO,
	 .id = CRIO_ID,
	 .name = "worker",
	 .image = "registry.example/shop/worker:2.1",
	 .pod = "worker-0",
	 .namespace = "shop",
	 .pod_uid = CRIO_UID,
	 .termination_log = "/var/lib/kubelet/pods/" CRIO_UID "/containers/worker/1b9d33f0"},
	{.path = CRIO_SLICE "/crio-" CRIO_POD ".scope",
	 .runtime = RUNTIME_CRIO,
	 .id = CRIO_POD,
	 .name = "POD",
	 .image = "registry.example/pause:3.9",
	 .pod = "worker-0",
	 .namespace = "shop",
	 .pod_uid = CRIO_UID,
	 .is_sandbox = true},
};

static void test_each_runtime(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity identity;

		print_message("%s\n", cases[i].path);
		assert_int_equal(read_identity(cases[i].path, &identity), 0);
		assert_int_equal(identity.runtime, cases[i].runtime);
		assert_string_equal(identity.id, cases[i].id);
		assert_text(identity.name, cases[i].name);
		assert_text(identity.image, cases[i].image);
		assert_text(identity.pod, cases[i].pod);
		assert_text(identity.namespace, cases[i].namespace);
		assert_string_equal(identity.pod_uid, cases[i].pod_uid);
		assert_text(identity.termination_log, cases[i].termination_log);
		assert_int_equal(identity.init_pid, cases[i].init_pid);
		assert_int_equal(identity.init_start_ticks, cases[i].init_start_ticks);
		assert_int_equal(identity.is_sandbox, cases[i].is_sandbox);
		identity_done(&identity);
	}
}

static void test_words_of_the_container(void **state)
{
	static const struct {
		const char *path, *kind, *key, *value;
	} words[] = {
		{"/own/place/box", "annotation", "lastout/policy", "x"},
		{"/own/place/box", "env", "LASTOUT_POLICY", "off"},
		{"/job", "annotation", "org.example", "y"},
		{"/dev/batch-1", "annotation", "a", "b"},
		{"/dev/batch-1", "env", "FOO", "bar"},
		/* containerd's database: the container's, its image's, its pod's */
		{"/dev/batch-1", "label", "a", "b"},
		{"/dev/batch-1", "label", "org.image", "label"},
		{"/kubepods/besteffort/pod" CRI_UID "/" CRI_ID, "label", "app", "web"},
		{"/kubepods/besteffort/pod" CRI_UID "/" CRI_ID, "label", "io.cri-containerd.kind",
		 "container"},
		{"/kubepods/besteffort/pod" CRI_UID "/" CRI_ID, "annotation", "lastout/policy",
		 "patient"},
		{"/docker/" DOCKER_ID, "label", "a", "b"},
		{"/docker/" DOCKER_ID, "label", "org.image", "label"},
		{"/docker/" DOCKER_ID, "env", "FOO", "bar"},
		{"/docker/" DOCKER_ID, "env", "FROM_IMAGE", "yes"},
		{"/kubepods/besteffort/pod" CRI_UID "/" CRI_ID, "env", "LASTOUT_POLICY", "off"},
		{"/libpod_parent/libpod-" PODMAN_ID, "annotation", "lastout/policy", "x"},
		{"/libpod_parent/libpod-" PODMAN_ID, "env", "FOO", "bar"},
		/* the container's own, its pod's (with the sandbox only), and its runtime's */
		{CRIO_SLICE "/crio-" CRIO_ID ".scope", "annotation", "lastout/policy", "patient"},
		{CRIO_SLICE "/crio-" CRIO_ID ".scope", "annotation",
		 "io.kubernetes.container.restartCount", "0"},
		{CRIO_SLICE "/crio-" CRIO_ID ".scope", "label", "app", "worker"},
		{CRIO_SLICE "/crio-" CRIO_ID ".scope", "label", "io.kubernetes.container.name",
		 "worker"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct identity identity;
		const struct identity_pairs *pairs = &identity.annotations;

		print_message("%s %s\n", words[i].path, words[i].key);
		assert_int_equal(read_identity(words[i].path, &identity), 0);
		if (strcmp(words[i].kind, "env") == 0)
			pairs = &identity.env;
		if (strcmp(words[i].kind, "label") == 0)
			pairs = &identity.labels;
		assert_text(identity_pairs_find(pairs, words[i].key), words[i].value);
		identity_done(&identity);
	}
}

/* The other container of the same path's end, and the same id in a path of another one. */
static void test_not_in_this_cgroup(void **state)
{
	static const char *const paths[] = {"/elsewhere/job", "/place/box",  "/box",
					    "/own/place",     "/own-cgroup", "/batch-1",
					    "/other/batch-1"};
	struct cgroup_identity found;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (runtime_state_identify(&host, paths[i], &found))
			fail_msg("%s is taken for %s", paths[i], found.id);
}

static void test_unknown_to_all(void **state)
{
	struct identity identity = {.runtime = RUNTIME_RUNC, .id = "nobody"};

	(void)state;
	assert_int_equal(runtime_state_read(&host, "/nobody", &identity), -ENOENT);
	assert_int_equal(identity.runtime, RUNTIME_RUNC);
	identity_done(&identity);
}

static void test_again_adds_nothing(void **state)
{
	const char *path = "/kubepods/besteffort/pod" CRI_UID "/" CRI_ID;
	struct identity identity;
	const char *name;
	size_t count;

	(void)state;
	assert_int_equal(read_identity(path, &identity), 0);
	name = identity.name;
	count = identity.annotations.count;
	assert_int_equal(runtime_state_read(&host, path, &identity), 0);
	assert_ptr_equal(identity.name, name);
	assert_int_equal(identity.annotations.count, count);
	identity_done(&identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_runtime),
		cmocka_unit_test(test_words_of_the_container),
		cmocka_unit_test(test_not_in_this_cgroup),
		cmocka_unit_test(test_unknown_to_all),
		cmocka_unit_test(test_again_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
