// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/cgroup_path.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Container ids, a pod's uid as the API and as systemd's unit names have it, a static pod's uid. */
#define ID	 "9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"
#define OTHER	 "e8c29da1a2f6c4bb032304f7dfbc5a767e026092c4a2fcbc830e58565f972f54"
#define UID	 "57e67067-89e4-4001-bdd4-8632d39ea02b"
#define UNIT_UID "57e67067_89e4_4001_bdd4_8632d39ea02b"
#define STATIC	 "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

#define USER "/user.slice/user-1000.slice/user@1000.service"
#define KUBE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UNIT_UID ".slice"
#define KIND                                                                         \
	"/system.slice/docker-" OTHER ".scope/kubelet.slice/kubelet-kubepods.slice/" \
	"kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" UNIT_UID ".slice"

static const struct {
	const char *path;
	enum runtime runtime;
	const char *id, *pod_uid;
} containers[] = {
	/* Docker */
	{"/docker/" ID, RUNTIME_DOCKER, ID, ""},
	{"/system.slice/docker-" ID ".scope", RUNTIME_DOCKER, ID, ""},
	{USER "/user.slice/docker-" ID ".scope", RUNTIME_DOCKER, ID, ""},
	{USER "/app.slice/docker.service/docker/" ID, RUNTIME_DOCKER, ID, ""},
	{"/ecstasks.slice/ecstasks-" STATIC ".slice/docker-" ID ".scope", RUNTIME_DOCKER, ID, ""},
	{"/docker/" OTHER "/docker/" ID, RUNTIME_DOCKER, ID, ""},
	{"/docker-" ID ".scope", RUNTIME_DOCKER, ID, ""},
	{"/system.slice:docker:" ID, RUNTIME_DOCKER, ID, ""},
	/* containerd: CRI, nerdctl, ctr */
	{"/system.slice/cri-containerd-" ID ".scope", RUNTIME_CONTAINERD, ID, ""},
	{"/k8s.io/" ID, RUNTIME_CONTAINERD, ID, ""},
	{"/default/" ID, RUNTIME_CONTAINERD, ID, ""},
	{"/system.slice/nerdctl-" ID ".scope", RUNTIME_CONTAINERD, ID, ""},
	{USER "/user.slice/nerdctl-" ID ".scope", RUNTIME_CONTAINERD, ID, ""},
	{"/system.slice/containerd.service/kubepods-burstable-pod" UNIT_UID
	 ".slice:cri-containerd:" ID,
	 RUNTIME_CONTAINERD, ID, UID},
	{"/kubepods-besteffort-pod" UNIT_UID ".slice:cri-containerd:" ID, RUNTIME_CONTAINERD, ID,
	 UID},
	/* CRI-O */
	{"/system.slice/crio-" ID ".scope", RUNTIME_CRIO, ID, ""},
	{"/kubepods/burstable/pod" UID "/crio-" ID, RUNTIME_CRIO, ID, UID},
	{"/kubepods/pod" UID "/crio-" ID, RUNTIME_CRIO, ID, UID},
	{KUBE "/crio-" ID ".scope", RUNTIME_CRIO, ID, UID},
	{"/kubepods.slice/kubepods-pod" UNIT_UID ".slice/crio-" ID ".scope", RUNTIME_CRIO, ID, UID},
	/* Podman */
	{"/machine.slice/libpod-" ID ".scope", RUNTIME_PODMAN, ID, ""},
	{"/machine.slice/machine-libpod_pod_" OTHER ".slice/libpod-" ID ".scope", RUNTIME_PODMAN,
	 ID, ""},
	{USER "/user.slice/libpod-" ID ".scope", RUNTIME_PODMAN, ID, ""},
	{USER "/user.slice/user-libpod_pod_" OTHER ".slice/libpod-" ID ".scope", RUNTIME_PODMAN, ID,
	 ""},
	{"/libpod_parent/libpod-" ID, RUNTIME_PODMAN, ID, ""},
	{"/libpod_parent/" OTHER "/libpod-" ID, RUNTIME_PODMAN, ID, ""},
	{"/system.slice/nginx.service/libpod-payload-" ID, RUNTIME_PODMAN, ID, ""},
	{USER "/app.slice/redis.service/libpod-payload-" ID, RUNTIME_PODMAN, ID, ""},
	/* Kubernetes, cgroupfs driver: cri-dockerd and containerd look alike */
	{"/kubepods/pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	{"/kubepods/burstable/pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	{"/kubepods/besteffort/pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	{"/kubepods/burstable/pod" STATIC "/" ID, RUNTIME_UNKNOWN, ID, STATIC},
	{"/mycluster/kubepods/burstable/pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	/* Kubernetes, systemd driver */
	{KUBE "/cri-containerd-" ID ".scope", RUNTIME_CONTAINERD, ID, UID},
	{KUBE "/docker-" ID ".scope", RUNTIME_DOCKER, ID, UID},
	{"/kubepods.slice/kubepods-pod" UNIT_UID ".slice/cri-containerd-" ID ".scope",
	 RUNTIME_CONTAINERD, ID, UID},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UNIT_UID
	 ".slice/cri-containerd-" ID ".scope",
	 RUNTIME_CONTAINERD, ID, UID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC
	 ".slice/cri-containerd-" ID ".scope",
	 RUNTIME_CONTAINERD, ID, STATIC},
	/* kind and k3s: a node that is a container itself */
	{"/docker/" OTHER "/kubelet/kubepods/burstable/pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	{KIND "/cri-containerd-" ID ".scope", RUNTIME_CONTAINERD, ID, UID},
	{"/system.slice/docker-" OTHER ".scope/kubelet/kubepods/pod" UID "/" ID, RUNTIME_UNKNOWN,
	 ID, UID},
	{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UNIT_UID
	 ".slice/cri-containerd-" ID ".scope",
	 RUNTIME_CONTAINERD, ID, UID},
	{"/system.slice/k3s.service/kubepods/burstable/pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	/* Docker in a pod: of the pod's container, not of the pod */
	{KUBE "/cri-containerd-" OTHER ".scope/docker/" ID, RUNTIME_DOCKER, ID, ""},
	/* seen from inside a cgroup namespace */
	{"/../../pod" UID "/" ID, RUNTIME_UNKNOWN, ID, UID},
	{"/../crio-" ID ".scope", RUNTIME_CRIO, ID, ""},
	/* runc and crun, systemd driver: ids that people choose */
	{"/system.slice/runc-web.scope", RUNTIME_RUNC, "web", ""},
	{"/system.slice/runc-a_b+c-D.1.scope", RUNTIME_RUNC, "a_b+c-D.1", ""},
	{"/system.slice/runc-" ID ".scope", RUNTIME_RUNC, ID, ""},
	{USER "/user.slice/runc-test.scope", RUNTIME_RUNC, "test", ""},
	{"/system.slice/runc-buildah-buildah3412571.scope", RUNTIME_RUNC, "buildah-buildah3412571",
	 ""},
	{"/system.slice/crun-web.scope", RUNTIME_CRUN, "web", ""},
	{USER "/user.slice/crun-job.7.scope", RUNTIME_CRUN, "job.7", ""},
	/* somebody's: a bare generated id below a parent that names nobody */
	{"/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/ecs/" STATIC "/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/actions_job/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/dockerx/" ID, RUNTIME_UNKNOWN, ID, ""},
	/* a parent that only resembles a pod */
	{"/tripod" UID "/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/pod" UID "0/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/pod57e67067-89e4-4001-bdd4-8632d39ea02X/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/pod57e6706789e4-4001-bdd4-8632-d39ea02b/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/poddeadbeef/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/pod" STATIC STATIC "/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/pod/" ID, RUNTIME_UNKNOWN, ID, ""},
	{"/po/" ID, RUNTIME_UNKNOWN, ID, ""},
	/* lastout demo */
	{"/lastout-demo-4711", RUNTIME_DEMO, "4711", ""},
	{"/system.slice/lastout-demo-a1b2.scope", RUNTIME_DEMO, "a1b2", ""},
};

static const char *const others[] = {
	"",
	"/",
	"//",
	"/docker",
	"/init.scope",
	"/system.slice",
	"/system.slice/docker.service",
	"/system.slice/containerd.service",
	"/system.slice/docker-compose.service",
	"/system.slice/ssh.service",
	"/user.slice/user-1000.slice/session-3.scope",
	USER "/app.slice/run-r1b2c3d4e5f6.scope",
	"docker/" ID, /* not below the root */
	ID,
	/* pods and what surrounds them */
	"/kubepods",
	"/kubepods/burstable",
	"/kubepods/burstable/pod" UID,
	"/kubepods/burstable/pod" STATIC,
	"/kubepods.slice",
	"/kubepods.slice/kubepods-burstable.slice",
	KUBE,
	KIND,
	"/system.slice/docker-" ID ".scope/kubelet.slice",
	"/machine.slice/machine-libpod_pod_" ID ".slice",
	USER "/user.slice/user-libpod_pod_" ID ".slice",
	"/libpod_parent",
	"/libpod_parent/" ID,
	USER "/libpod_parent/" ID,
	"/ecs/" STATIC,
	"/kubepods/burstable/pod" UID "/kata_" ID,
	/* runtimes' own processes */
	"/system.slice/crio-conmon-" ID ".scope",
	KUBE "/crio-conmon-" ID ".scope",
	"/kubepods/burstable/pod" UID "/crio-conmon-" ID,
	"/machine.slice/libpod-conmon-" ID ".scope",
	USER "/user.slice/libpod-conmon-" ID ".scope",
	"/libpod_parent/conmon",
	"/libpod_parent/" ID "/conmon",
	"/libpod_parent/libpod-conmon-" ID,
	"/system.slice/nginx.service/runtime",
	"/system.slice/nginx.service/supervisor",
	USER "/user.slice/podman-pause-7e3b0f6c.scope",
	/* nested inside a container */
	"/docker/" ID "/init.scope",
	"/docker/" ID "/docker",
	"/system.slice/docker-" ID ".scope/system.slice/nginx.service",
	"/machine.slice/libpod-" ID ".scope/container",
	"/machine.slice/libpod-" ID ".scope/supervisor",
	KUBE "/crio-" ID ".scope/container",
	KUBE "/cri-containerd-" ID ".scope/init",
	"/kubepods/burstable/pod" UID "/" ID "/sub",
	/* almost an id */
	"/docker/9687bac58d5c",
	"/docker/" ID "0",
	"/docker/9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f4286",
	"/docker/9687BAC58D5C4D1606AA46AF33D1A21C1D1652E0AC9FB3FC0FC86E3495F42869",
	"/docker/g687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869",
	"/docker/" ID "/",
	"/docker/" ID " (deleted)",
	"/system.slice/" ID "-7a1e5b.service", /* a health check of Podman's */
	"/system.slice/" ID ".service",
	"/system.slice/docker-" ID,
	"/system.slice/docker-" ID ".slice",
	"/system.slice/docker-" ID ".scope.scope",
	"/system.slice/docker" ID ".scope",
	"/system.slice/docker-web.scope",
	"/system.slice/mydocker-" ID ".scope",
	"/system.slice/cri-containerd-" ID,
	"/system.slice/nerdctl-" ID,
	"/system.slice/cri-containerd-.scope",
	"/system.slice/nginx.service/libpod-payload-",
	"/system.slice/containerd-" ID ".scope",
	"/system.slice/docker:" ID,
	"/system.slice/foo:docker:" ID,
	"/foo.slice:other:" ID,
	"/foo.slice:docker-" ID ".scope",
	"/foo.slice::" ID,
	"/foo.slice:" ID,
	"/foo.slice:cri-containerd:" ID ":",
	/* ids that runc refuses, or that a path cannot tell */
	"/foo",
	"/web-1",
	"/user.slice/web",
	"/system.slice/runc-.scope",
	"/system.slice/runc-..scope",
	"/system.slice/runc-...scope",
	"/system.slice/runc-a b.scope",
	"/system.slice/runc-a\nb.scope",
	"/system.slice/runc-a@b.scope",
	"/system.slice/runc-\xc3\xbc.scope",
	"/system.slice/runc-web",
	"/system.slice/runc-web.service",
	"/system.slice/crun-web",
	"/crun/web",
	"/system.slice/lastout-demo-",
	"/system.slice/lastout.service",
	/* other managers */
	"/lxc.payload.web",
	"/machine.slice/machine-web.scope",
	"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope",
};

static void test_containers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(containers); i++) {
		struct cgroup_identity identity;

		memset(&identity, 'z', sizeof(identity));
		if (!cgroup_path_identify(containers[i].path, &identity))
			fail_msg("not recognised: %s", containers[i].path);
		if (identity.runtime != containers[i].runtime)
			fail_msg("%s: %s", containers[i].path, runtime_name(identity.runtime));
		if (strcmp(identity.id, containers[i].id) != 0)
			fail_msg("%s: id %s", containers[i].path, identity.id);
		if (strcmp(identity.pod_uid, containers[i].pod_uid) != 0)
			fail_msg("%s: pod %s", containers[i].path, identity.pod_uid);
	}
}

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct cgroup_identity identity, before;

		memset(&identity, 'z', sizeof(identity));
		memset(&before, 'z', sizeof(before));
		if (cgroup_path_identify(others[i], &identity))
			fail_msg("not a container: %s", others[i]);
		assert_memory_equal(&identity, &before, sizeof(identity));
	}
}

/* The longest id that fits, and one more. */
static void test_long_ids(void **state)
{
	struct cgroup_identity identity;
	size_t longest = sizeof(identity.id) - 1;
	char id[sizeof(identity.id) + 1] = "", path[256];

	(void)state;
	memset(id, 'a', longest);
	(void)snprintf(path, sizeof(path), "/system.slice/runc-%s.scope", id);
	assert_true(cgroup_path_identify(path, &identity));
	assert_string_equal(identity.id, id);

	id[longest] = 'a';
	(void)snprintf(path, sizeof(path), "/system.slice/runc-%s.scope", id);
	assert_false(cgroup_path_identify(path, &identity));
}

static void test_runtime_names(void **state)
{
	(void)state;
	assert_string_equal(runtime_name(RUNTIME_UNKNOWN), "unknown");
	assert_string_equal(runtime_name(RUNTIME_RUNC), "runc");
	assert_string_equal(runtime_name(RUNTIME_CRUN), "crun");
	assert_string_equal(runtime_name(RUNTIME_DOCKER), "docker");
	assert_string_equal(runtime_name(RUNTIME_CONTAINERD), "containerd");
	assert_string_equal(runtime_name(RUNTIME_CRIO), "cri-o");
	assert_string_equal(runtime_name(RUNTIME_PODMAN), "podman");
	assert_string_equal(runtime_name(RUNTIME_DEMO), "lastout");
	for (enum runtime runtime = RUNTIME_UNKNOWN; runtime <= RUNTIME_DEMO; runtime++)
		assert_int_equal(runtime_parse(runtime_name(runtime)), runtime);
	assert_int_equal(runtime_parse("rkt"), RUNTIME_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_long_ids),
		cmocka_unit_test(test_runtime_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
