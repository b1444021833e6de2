// SPDX-License-Identifier: Apache-2.0
/* State directories as they are for a moment, as somebody else configured them, or as nobody should. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtimes/runtime_state.h"
#include "tree.h"

#define TASKS "run/containerd/io.containerd.runtime.v2.task/"
#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID   "0f5e7a9c-1d2b-4c3d-8e4f-5a6b7c8d9e0f"

static const struct runtime_roots usual = {.root = tree};
static struct identity identity;

static int begin(void **state)
{
	memset(&identity, 0, sizeof(identity));
	return tree_make(state);
}

static int end(void **state)
{
	identity_done(&identity);
	return tree_remove(state);
}

static int read_as(const char *id, const char *path)
{
	(void)snprintf(identity.id, sizeof(identity.id), "%s", id);
	return runtime_state_read(&usual, path, &identity);
}

#define RUNC_STATE(cgroup, bundle)                                                      \
	"{\"init_process_pid\":42,\"init_process_start\":4200,\"config\":{\"labels\":[" \
	"\"bundle=" bundle "\"]},\"cgroup_paths\":{\"\":\"/sys/fs/cgroup" cgroup "\"}}"

/* --- a start, step by step: the orders of the files as they were measured --- */

static void test_runc_starts(void **state)
{
	(void)state;
	tree_put("srv/web/config.json", "{\"annotations\":{\"a\":\"b\"}}");
	assert_int_equal(read_as("web", "/web"), -ENOENT);
	tree_put_folder("run/runc/web"); /* then the cgroup */
	assert_int_equal(read_as("web", "/web"), -EAGAIN);
	assert_string_equal(identity.name, "web");
	assert_int_equal(identity.runtime, RUNTIME_RUNC);
	assert_int_equal(identity.init_pid, 0);
	tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/srv/web")); /* then init's exec */
	assert_int_equal(read_as("web", "/web"), 0);
	assert_int_equal(identity.init_pid, 42);
	assert_string_equal(identity_pairs_find(&identity.annotations, "a"), "b");
}

static void test_crun_starts(void **state)
{
	(void)state;
	tree_put("run/crun/web/config.json",
		 "{\"annotations\":{\"a\":\"b\"}}"); /* then the cgroup */
	assert_int_equal(read_as("web", "/web"), -EAGAIN);
	assert_string_equal(identity_pairs_find(&identity.annotations, "a"), "b");
	assert_int_equal(identity.init_pid, 0); /* then init's exec, with `crun run` */
	tree_put("run/crun/web/status", "{\"pid\":42,\"process-start-time\":4200,"
					"\"cgroup-path\":\"/web\",\"bundle\":\"/gone\"}");
	assert_int_equal(read_as("web", "/web"), 0);
	assert_int_equal(identity.init_pid, 42);
	assert_int_equal(identity.init_start_ticks, 4200);
}

static void test_containerd_starts(void **state)
{
	(void)state;
	tree_put_folder(TASKS "k8s.io");
	assert_int_equal(read_as(ID, "/kubepods/pod" UID "/" ID), -ENOENT);
	tree_put_folder(TASKS "k8s.io/" ID);
	assert_int_equal(read_as(ID, "/kubepods/pod" UID "/" ID), -EAGAIN);
	tree_put(TASKS "k8s.io/" ID "/config.json",
		 "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-0\"}}");
	assert_int_equal(read_as(ID, "/kubepods/pod" UID "/" ID), -EAGAIN);
	assert_string_equal(identity.pod, "web-0");
	tree_put_folder("run/containerd/runc/k8s.io/" ID); /* then the cgroup */
	assert_int_equal(read_as(ID, "/kubepods/pod" UID "/" ID), -EAGAIN);
	tree_put("run/containerd/runc/k8s.io/" ID "/state.json",
		 RUNC_STATE("/kubepods/pod" UID "/" ID, "/b")); /* then init.pid, init's exec */
	assert_int_equal(read_as(ID, "/kubepods/pod" UID "/" ID), 0);
	assert_int_equal(identity.init_pid, 42);
	assert_int_equal(identity.runtime, RUNTIME_CONTAINERD);
}

/* Kata and gVisor keep other state; the shim's file names the process all the same. */
static void test_containerd_without_runc(void **state)
{
	(void)state;
	tree_put(TASKS "k8s.io/" ID "/config.json", "{}");
	tree_put(TASKS "k8s.io/" ID "/init.pid", "17");
	assert_int_equal(read_as(ID, "/k8s.io/" ID), 0);
	assert_int_equal(identity.init_pid, 17);
	assert_int_equal(identity.init_start_ticks, 0);
}

static void test_bad_pid_files(void **state)
{
	static const char *const texts[] = {"", "x", "0", "-1", "1x", "99999999999", "1 2", "\n"};

	(void)state;
	tree_put(TASKS "k8s.io/" ID "/config.json", "{}");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tree_put(TASKS "k8s.io/" ID "/init.pid", texts[i]);
		assert_int_equal(read_as(ID, "/k8s.io/" ID), -EAGAIN);
		assert_int_equal(identity.init_pid, 0);
	}
}

/* --- half written --- */

static void test_half_written(void **state)
{
	static const char *const files[] = {
		TASKS "moby/" ID "/config.json",
		"var/lib/docker/containers/" ID "/config.v2.json",
		"var/lib/containers/storage/overlay-containers/" ID "/userdata/config.json",
		"run/runc/" ID "/state.json",
		"run/crun/" ID "/status",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		print_message("%s\n", files[i]);
		tree_put(files[i], "{\"Name\":\"/web\",\"Conf");
		assert_int_equal(read_as(ID, "/x/" ID), -EAGAIN);
		assert_int_equal(end(state), 0);
		assert_int_equal(begin(state), 0);
	}
}

static void test_names_half_written(void **state)
{
#define STORE "var/lib/containers/storage/overlay-containers/"
	(void)state;
	tree_put(STORE ID "/userdata/config.json", "{}");
	tree_put(STORE "containers.json", "[{\"id\":\"" ID "\",\"names\":[\"w");
	assert_int_equal(read_as(ID, "/libpod_parent/libpod-" ID), -EAGAIN);
	tree_put(STORE "containers.json", "[{\"id\":\"" ID "\",\"names\":[\"web\"],"
					  "\"metadata\":\"{\\\"image-name\\\":\\\"i\\\"}\"}]");
	assert_int_equal(read_as(ID, "/libpod_parent/libpod-" ID), 0);
	assert_string_equal(identity.name, "web");
	assert_string_equal(identity.image, "i");
	assert_int_equal(identity.runtime, RUNTIME_PODMAN);
	assert_false(identity.is_sandbox);
}

/* A name is no proof: the pod has to be the one in the cgroup's path. */
static void test_infra_by_name_alone(void **state)
{
	(void)state;
	tree_put(STORE ID "/userdata/config.json", "{}");
	tree_put(STORE "containers.json",
		 "[{\"id\":\"" ID "\",\"names\":[\"aaaaaaaaaaaa-infra\"]}]");
	assert_int_equal(read_as(ID, "/libpod_parent/libpod-" ID), 0);
	assert_false(identity.is_sandbox);
	assert_int_equal(
		read_as(ID, "/machine-libpod_pod_aaaaaaaaaaaabbbb.slice/libpod-" ID ".scope"), 0);
	assert_true(identity.is_sandbox);
}

/* --- somebody else's configuration --- */

static void test_configured_directories(void **state)
{
	static const char *const docker[] = {"/data/docker", NULL};
	static const char *const runc[] = {"/data/none", "/data/runc", NULL};
	static const char *const none[] = {NULL};
	const struct runtime_roots roots = {
		.root = tree,
		.dirs = {[RUNTIME_DIR_DOCKER] = docker,
			 [RUNTIME_DIR_RUNC] = runc,
			 [RUNTIME_DIR_CRUN] = none},
	};
	struct cgroup_identity found;

	(void)state;
	tree_put("data/docker/containers/" ID "/config.v2.json",
		 "{\"Name\":\"/web\",\"Config\":{\"Image\":\"i\",\"Env\":[\"A=b\"]}}");
	(void)snprintf(identity.id, sizeof(identity.id), "%s", ID);
	assert_int_equal(runtime_state_read(&usual, "/docker/" ID, &identity), -ENOENT);
	assert_int_equal(runtime_state_read(&roots, "/docker/" ID, &identity), 0);
	assert_string_equal(identity.name, "web");
	assert_string_equal(identity_pairs_find(&identity.env, "A"), "b");
	tree_put_folder("data/runc/web");
	tree_put_folder("run/runc/job");
	tree_put_folder("run/crun/other");
	assert_true(runtime_state_identify(&roots, "/web", &found));
	assert_false(runtime_state_identify(&roots, "/job", &found));
	assert_false(runtime_state_identify(&roots, "/other", &found));
	assert_true(runtime_state_identify(&usual, "/other", &found));
}

/* `ctr run --cgroup`: the orders tell which of the namesakes it is. */
static void test_containerd_in_a_cgroup_of_ones_own(void **state)
{
	(void)state;
	tree_put(TASKS "default/web/config.json", "{\"linux\":{\"cgroupsPath\":\"/default/web\"}}");
	tree_put(TASKS "other/web/config.json", "{\"linux\":{\"cgroupsPath\":\"/own/box\"}}");
	tree_put(TASKS "default/web/init.pid", "17");
	tree_put(TASKS "other/web/init.pid", "18");
	assert_int_equal(read_as("web", "/own/box"), 0);
	assert_int_equal(identity.init_pid, 18);
	assert_string_equal(identity.name, "web");
	identity_done(&identity);
	assert_int_equal(read_as("web", "/x/default/web"), -ENOENT);
	assert_int_equal(read_as("web", "/default/web"), 0);
	assert_int_equal(identity.init_pid, 17);
}

/* Docker tells the shim where runc keeps its state; it follows its --exec-root. */
static void test_runc_root_of_the_shim(void **state)
{
	(void)state;
	tree_put(TASKS "moby/" ID "/config.json", "{}");
	tree_put(TASKS "moby/" ID "/options.json", "{\"root\":\"/data/exec/runtime-runc\"}");
	tree_put("data/exec/runtime-runc/moby/" ID "/state.json", RUNC_STATE("/docker/" ID, "/b"));
	assert_int_equal(read_as(ID, "/docker/" ID), 0);
	assert_int_equal(identity.runtime, RUNTIME_DOCKER);
	assert_int_equal(identity.init_pid, 42);
	assert_int_equal(identity.init_start_ticks, 4200);
}

/* --- hostile --- */

/* The name of a state directory does not make it this cgroup's. */
static void test_state_of_another_cgroup(void **state)
{
	struct cgroup_identity found;

	(void)state;
	tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/srv/web"));
	assert_int_equal(read_as("web", "/evil/web"), -ENOENT);
	assert_int_equal(identity.init_pid, 0);
	assert_false(runtime_state_identify(&usual, "/evil/web", &found));
	assert_true(runtime_state_identify(&usual, "/web", &found));
}

static void test_refused_ids(void **state)
{
	static const char *const ids[] = {"", ".", "..", "../crun/web", "a/b", ".web"};

	(void)state;
	tree_put("run/crun/web/status", "{\"pid\":42}");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_int_equal(read_as(ids[i], "/web"), -ENOENT);
}

/* What is there and no file is nothing to wait for; a FIFO must not hang the reader. */
static void test_no_files(void **state)
{
	(void)state;
	tree_put("secret", RUNC_STATE("/web", "/"));
	tree_put_folder("run/runc/web");
	assert_int_equal(symlink("../../../secret", tree_path("run/runc/web/state.json")), 0);
	assert_int_equal(read_as("web", "/web"), -EIO);
	assert_int_equal(identity.init_pid, 0);
	assert_int_equal(identity.unread.err, EBADMSG);
	assert_non_null(strstr(identity.unread.path, "/run/runc/web/state.json"));
	identity_done(&identity);
	tree_put_folder("run/crun/job");
	assert_int_equal(mkfifo(tree_path("run/crun/job/status"), 0600), 0);
	assert_int_equal(mkfifo(tree_path("run/crun/job/config.json"), 0600), 0);
	assert_int_equal(read_as("job", "/job"), -EIO);
	assert_int_equal(identity.init_pid, 0);
	assert_int_equal(identity.unread.err, EBADMSG);
}

static void test_huge_files(void **state)
{
	char *text = malloc((1 << 20) + 2);

	(void)state;
	memset(text, ' ', (1 << 20) + 1);
	text[(1 << 20) + 1] = '\0';
	tree_put("run/crun/web/config.json", text);
	tree_put("run/crun/web/status", text);
	free(text);
	assert_int_equal(read_as("web", "/web"), -EIO);
	assert_int_equal(identity.init_pid, 0);
	assert_int_equal(identity.unread.err, EFBIG);
}

/* --- "not there" and "could not be read" are different answers --- */

/* As a seccomp filter, a security module or a broken disk does. */
static void fail_openat2(int err)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		_exit(99);
}

/* Which step went wrong; 0: none. */
static int read_without_openat2(int err, const char *id, const char *path, bool is_held)
{
	struct runtime_roots roots = usual;
	struct cgroup_identity found;
	struct unread unread;

	fail_openat2(err);
	if (is_held)
		runtime_state_hold(&roots);
	for (int i = 0; i < 2; i++) { /* also for the second container of a held directory */
		(void)snprintf(identity.id, sizeof(identity.id), "%s", id);
		if (runtime_state_read(&roots, path, &identity) != -EIO)
			return 1;
		if (identity.unread.err != err || !identity.unread.path[0])
			return 2;
		if (runtime_state_identify(&roots, path, &found))
			return 3;
		if (!runtime_state_unread(&unread) || unread.err != err)
			return 4;
	}
	return 0;
}

static int in_child(int err, const char *id, const char *path, bool is_held)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(read_without_openat2(err, id, path, is_held));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_unreadable_is_not_absent(void **state)
{
	static const int errors[] = {ENOSYS, EPERM, EACCES, EIO, EMFILE, ENOMEM};
	static const char *const ids[] = {"web", ID};

	(void)state;
	tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/srv/web"));
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (int id = 0; id < 2; id++)
			for (int is_held = 0; is_held < 2; is_held++)
				assert_int_equal(in_child(errors[i], ids[id], "/web", is_held), 0);
	/* Nothing of the kind: known to be absent. */
	assert_int_equal(read_as("other", "/other"), -ENOENT);
	assert_int_equal(identity.unread.err, 0);
}

/* Each file that a reader takes names, labels or annotations from, unreadable alone. */
static void test_each_file_unreadable(void **state)
{
	static const struct {
		const char *id, *path, *bad;
	} cases[] = {
		{"web", "/web", "srv/web/config.json"},
		{"job", "/job", "run/crun/job/config.json"},
		{ID, "/k8s.io/" ID, TASKS "k8s.io/" ID "/config.json"},
		{ID, "/k8s.io/" ID, "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"},
		{ID, "/docker/" ID, "var/lib/docker/containers/" ID "/config.v2.json"},
		{ID, "/libpod_parent/libpod-" ID,
		 "var/lib/containers/storage/overlay-containers/" ID "/userdata/config.json"},
		{ID, "/libpod_parent/libpod-" ID,
		 "var/lib/containers/storage/overlay-containers/containers.json"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (i) {
			assert_int_equal(end(state), 0);
			assert_int_equal(begin(state), 0);
		}
		if (strcmp(cases[i].id, "web") == 0)
			tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/srv/web"));
		if (strcmp(cases[i].id, "job") == 0)
			tree_put("run/crun/job/status", "{\"pid\":42}");
		if (strstr(cases[i].path, "k8s.io")) {
			tree_put(TASKS "k8s.io/" ID "/config.json", "{}");
			tree_put(TASKS "k8s.io/" ID "/init.pid", "42");
		}
		if (strstr(cases[i].path, "libpod"))
			tree_put("var/lib/containers/storage/overlay-containers/" ID
				 "/userdata/config.json",
				 "{}");
		tree_put(cases[i].bad, "");
		(void)unlink(tree_path(cases[i].bad));
		assert_int_equal(mkfifo(tree_path(cases[i].bad), 0600), 0);
		if (read_as(cases[i].id, cases[i].path) != -EIO)
			fail_msg("%s: not said to be unreadable", cases[i].bad);
		assert_int_equal(identity.unread.err, EBADMSG);
		assert_non_null(strstr(identity.unread.path, cases[i].bad));
	}
}

/* A bundle's place is the state's word, taken below the root like all others. */
static void test_bundle_stays_below_the_root(void **state)
{
	(void)state;
	tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/../../../../srv/web"));
	tree_put("srv/web/config.json", "{\"annotations\":{\"a\":\"b\"}}");
	assert_int_equal(read_as("web", "/web"), 0);
	assert_string_equal(identity_pairs_find(&identity.annotations, "a"), "b");
}

static void test_own_name_that_claims_a_pod(void **state)
{
	(void)state;
	tree_put("run/crun/web/config.json",
		 "{\"annotations\":{\"io.kubernetes.cri.sandbox-namespace\":\"kube-system\","
		 "\"io.kubernetes.pod.namespace\":\"kube-system\"}}");
	tree_put("run/crun/web/status", "{\"pid\":42,\"cgroup-path\":\"/web\"}");
	tree_put("var/lib/docker/containers/" ID "/config.v2.json",
		 "{\"Config\":{\"Labels\":{\"io.kubernetes.pod.namespace\":\"kube-system\","
		 "\"io.kubernetes.docker.type\":\"podsandbox\"}}}");
	assert_int_equal(read_as("web", "/web"), 0);
	assert_null(identity.namespace);
	identity_done(&identity);
	assert_int_equal(read_as(ID, "/docker/" ID), 0);
	assert_null(identity.namespace);
	assert_false(identity.is_sandbox);
	identity_done(&identity);
	/* cri-dockerd's: the cgroup is a pod's */
	(void)snprintf(identity.pod_uid, sizeof(identity.pod_uid), "%s", UID);
	assert_int_equal(read_as(ID, "/kubepods/pod" UID "/" ID), 0);
	assert_string_equal(identity.namespace, "kube-system");
	assert_true(identity.is_sandbox);
}

/* --- many at once --- */

static int read_held(struct runtime_roots *roots, const char *id)
{
	identity_done(&identity);
	memset(&identity, 0, sizeof(identity));
	(void)snprintf(identity.id, sizeof(identity.id), "%s", id);
	return runtime_state_read(roots, "/web", &identity);
}

/* What is looked for once is the directory, not what is in it; and no longer than until the release. */
static void test_held_directories(void **state)
{
	struct runtime_roots roots = usual;

	(void)state;
	tree_put_folder("run/runc");
	runtime_state_hold(&roots);
	assert_int_equal(read_held(&roots, "web"), -ENOENT);
	tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/srv/web"));
	assert_int_equal(read_held(&roots, "web"), 0);
	assert_int_equal(identity.runtime, RUNTIME_RUNC);
	/* This one was not there when it was looked for. */
	tree_put("run/crun/web2/config.json", "{}");
	assert_int_equal(read_held(&roots, "web2"), -ENOENT);
	runtime_state_release(&roots);
	assert_int_equal(read_held(&roots, "web2"), -EAGAIN);
	assert_int_equal(identity.runtime, RUNTIME_CRUN);
}

/* One that has the other's place by now is not it. */
static void test_held_directory_is_removed(void **state)
{
	struct runtime_roots roots = usual;

	(void)state;
	tree_put("run/runc/web/state.json", RUNC_STATE("/web", "/srv/web"));
	runtime_state_hold(&roots);
	runtime_state_hold(&roots); /* held already */
	assert_int_equal(read_held(&roots, "web"), 0);
	assert_int_equal(remove(tree_path("run/runc/web/state.json")), 0);
	assert_int_equal(rmdir(tree_path("run/runc/web")), 0);
	assert_int_equal(rmdir(tree_path("run/runc")), 0);
	tree_put("run/runc/new/state.json", RUNC_STATE("/web", "/srv/web"));
	assert_int_equal(read_held(&roots, "new"), -ENOENT);
	runtime_state_release(&roots);
	assert_int_equal(read_held(&roots, "new"), 0);
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(test_runc_starts),
		tree_test(test_crun_starts),
		tree_test(test_containerd_starts),
		tree_test(test_containerd_without_runc),
		tree_test(test_bad_pid_files),
		tree_test(test_half_written),
		tree_test(test_names_half_written),
		tree_test(test_infra_by_name_alone),
		tree_test(test_configured_directories),
		tree_test(test_containerd_in_a_cgroup_of_ones_own),
		tree_test(test_runc_root_of_the_shim),
		tree_test(test_state_of_another_cgroup),
		tree_test(test_refused_ids),
		tree_test(test_no_files),
		tree_test(test_huge_files),
		tree_test(test_unreadable_is_not_absent),
		tree_test(test_each_file_unreadable),
		tree_test(test_bundle_stays_below_the_root),
		tree_test(test_own_name_that_claims_a_pod),
		tree_test(test_held_directories),
		tree_test(test_held_directory_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
