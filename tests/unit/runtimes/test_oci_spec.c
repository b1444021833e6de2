// SPDX-License-Identifier: Apache-2.0
/* config.json as it should not be, and words in it that are not the runtime's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "runtimes/oci_spec.h"

#define UID "0f5e7a9c-1d2b-4c3d-8e4f-5a6b7c8d9e0f"

static struct identity identity;

static int begin(void **state)
{
	(void)state;
	memset(&identity, 0, sizeof(identity));
	return 0;
}

static int end(void **state)
{
	(void)state;
	identity_done(&identity);
	return 0;
}

static int take(const char *text, enum oci_pod pod)
{
	return oci_spec_take(text, strlen(text), pod, &identity);
}

static void test_not_whole(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"1",
		"{\"annotations\":{\"a\":\"b\"",
		"{} {}",
		"\"text\"",
		/* two of a name: which one would the runtime take? */
		"{\"annotations\":{\"a\":\"b\",\"a\":\"c\"}}",
		/* NUL in a string */
		"{\"annotations\":{\"a\":\"b\\u0000c\"}}",
		/* no UTF-8 */
		"{\"annotations\":{\"a\":\"\xff\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (take(texts[i], OCI_POD_CRI) != -EAGAIN)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(identity.annotations.count, 0);
}

static void test_wrong_types(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"annotations\":[],\"process\":[],\"mounts\":{}}",
		"{\"annotations\":1,\"process\":\"x\",\"mounts\":null}",
		"{\"annotations\":{\"a\":1,\"b\":null,\"c\":{}},\"process\":{\"env\":{}}}",
		"{\"process\":{\"env\":[1,null,{},\"\",\"=x\",\"NOTHING\"]},\"mounts\":[1,null,[]]}",
		"{\"mounts\":[{\"destination\":1,\"source\":2},{\"destination\":"
		"\"/dev/termination-log\"}]}",
		"{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":7}}",
	};

	(void)state;
	(void)snprintf(identity.pod_uid, sizeof(identity.pod_uid), "%s", UID);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(take(texts[i], OCI_POD_CRI), 0);
	assert_int_equal(identity.annotations.count, 0);
	assert_int_equal(identity.env.count, 0);
	assert_null(identity.pod);
	assert_null(identity.termination_log);
}

static void test_deep(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_puts(&text, "{\"annotations\":");
	for (unsigned i = 0; i < 100000; i++)
		buf_putc(&text, '[');
	for (unsigned i = 0; i < 100000; i++)
		buf_putc(&text, ']');
	buf_putc(&text, '}');
	assert_int_equal(oci_spec_take(text.data, text.len, OCI_POD_NONE, &identity), -EAGAIN);
	buf_done(&text);
}

static void test_long_and_many(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_puts(&text, "{\"annotations\":{\"long\":\"");
	for (unsigned i = 0; i < 4096; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\",\"longest\":\"");
	for (unsigned i = 0; i < 4095; i++)
		buf_putc(&text, 'x');
	buf_putc(&text, '"');
	for (unsigned i = 0; i < 2000; i++)
		buf_printf(&text, ",\"k%u\":\"v\"", i);
	buf_puts(&text, "}}");
	assert_int_equal(oci_spec_take(text.data, text.len, OCI_POD_NONE, &identity), 0);
	assert_null(identity_pairs_find(&identity.annotations, "long"));
	assert_non_null(identity_pairs_find(&identity.annotations, "longest"));
	assert_int_equal(identity.annotations.count, 1024);
	buf_done(&text);
}

static void test_env(void **state)
{
	(void)state;
	assert_int_equal(
		take("{\"process\":{\"env\":[\"A=b=c\",\"EMPTY=\",\"A=last\"]}}", OCI_POD_NONE), 0);
	assert_string_equal(identity_pairs_find(&identity.env, "A"), "last");
	assert_string_equal(identity_pairs_find(&identity.env, "EMPTY"), "");
	assert_int_equal(identity.env.count, 2);
}

/* Whoever starts a container may write any annotation; only its runtime's own are believed. */
#define CRI_WORDS                                                                           \
	"\"io.kubernetes.cri.sandbox-name\":\"p\",\"io.kubernetes.cri.sandbox-namespace\":" \
	"\"kube-system\",\"io.kubernetes.cri.sandbox-uid\":\"" UID "\","                    \
	"\"io.kubernetes.cri.container-name\":\"c\",\"io.kubernetes.cri.container-type\":"  \
	"\"sandbox\",\"io.kubernetes.cri.image-name\":\"i\""
#define CRIO_WORDS                                                                          \
	"\"io.kubernetes.pod.name\":\"p\",\"io.kubernetes.pod.namespace\":\"kube-system\"," \
	"\"io.kubernetes.pod.uid\":\"" UID "\",\"io.kubernetes.container.name\":\"c\","     \
	"\"io.kubernetes.cri-o.ContainerType\":\"sandbox\",\"io.kubernetes.cri-o.Image\":\"i\""
#define MOUNT(source) \
	"\"mounts\":[{\"destination\":\"/dev/termination-log\",\"source\":\"" source "\"}]"
#define KUBELET "/var/lib/kubelet/pods/" UID "/containers/"

static void test_words_that_are_not_the_runtimes(void **state)
{
	static const struct {
		const char *text;
		enum oci_pod pod;
	} cases[] = {
		{"{\"annotations\":{" CRI_WORDS "}," MOUNT(KUBELET "c/1") "}", OCI_POD_NONE},
		{"{\"annotations\":{" CRIO_WORDS "}," MOUNT(KUBELET "c/1") "}", OCI_POD_NONE},
		{"{\"annotations\":{" CRI_WORDS "}," MOUNT(KUBELET "c/1") "}", OCI_POD_CRIO},
		{"{\"annotations\":{" CRIO_WORDS "}," MOUNT(KUBELET "c/1") "}", OCI_POD_CRI},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(cases[i].text, cases[i].pod), 0);
		assert_null(identity.name);
		assert_null(identity.image);
		assert_null(identity.pod);
		assert_null(identity.namespace);
		assert_null(identity.termination_log);
		assert_string_equal(identity.pod_uid, "");
		assert_false(identity.is_sandbox);
	}
}

static void test_words_of_the_runtime(void **state)
{
	static const char *const texts[] = {
		[OCI_POD_CRI] = "{\"annotations\":{" CRI_WORDS "}," MOUNT(KUBELET "c/1") "}",
		[OCI_POD_CRIO] = "{\"annotations\":{" CRIO_WORDS "}," MOUNT(KUBELET "c/1") "}",
	};

	(void)state;
	for (enum oci_pod pod = OCI_POD_CRI; pod <= OCI_POD_CRIO; pod++) {
		assert_int_equal(take(texts[pod], pod), 0);
		assert_string_equal(identity.name, "c");
		assert_string_equal(identity.image, "i");
		assert_string_equal(identity.pod, "p");
		assert_string_equal(identity.namespace, "kube-system");
		assert_string_equal(identity.termination_log, KUBELET "c/1");
		assert_string_equal(identity.pod_uid, UID);
		assert_true(identity.is_sandbox);
		identity_done(&identity);
	}
}

/* lastout will write there as root: only the kubelet's own file for this pod will do. */
static void test_termination_log_of_a_pods_choice(void **state)
{
	static const char *const texts[] = {
		MOUNT("/etc/passwd"),
		MOUNT("var/lib/kubelet/pods/" UID "/containers/c/1"),
		MOUNT("/var/lib/kubelet/pods/" UID "/volumes/kubernetes.io~empty-dir/v/1"),
		MOUNT("/var/lib/kubelet/pods/11111111-1111-1111-1111-111111111111/containers/c/1"),
		MOUNT("/x/pods/" UID "/containers/../../../etc/passwd"),
		MOUNT("/x/pods/" UID "/containers/../passwd"),
		MOUNT(KUBELET "c/../x"),
		MOUNT(KUBELET "c/.."),
		MOUNT(KUBELET "c/."),
		MOUNT(KUBELET "c/"),
		MOUNT(KUBELET "c"),
		MOUNT(KUBELET "/x"),
		MOUNT(KUBELET "c/1/2"),
	};
	char text[1024];

	(void)state;
	(void)snprintf(identity.pod_uid, sizeof(identity.pod_uid), "%s", UID);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)snprintf(text, sizeof(text), "{%s}", texts[i]);
		assert_int_equal(take(text, OCI_POD_CRI), 0);
		if (identity.termination_log)
			fail_msg("taken: %s", texts[i]);
	}
}

static void test_pod_uid_is_plain(void **state)
{
	static const char *const uids[] = {
		"../../../../../../../../../etc/passwd",
		"0f5e7a9c-1d2b-4c3d-8e4f-5a6b7c8d9e0",
		"0F5E7A9C-1D2B-4C3D-8E4F-5A6B7C8D9E0F",
		"",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"annotations\":{\"io.kubernetes.cri.sandbox-uid\":\"%s\"}}",
			       uids[i]);
		assert_int_equal(take(text, OCI_POD_CRI), 0);
		assert_string_equal(identity.pod_uid, "");
	}
}

static void assert_shares(const char *cpu, uint64_t expected)
{
	char text[128];

	(void)end(NULL);
	(void)snprintf(text, sizeof(text), "{\"linux\":{\"resources\":{\"cpu\":%s}}}", cpu);
	assert_int_equal(take(text, OCI_POD_NONE), 0);
	assert_int_equal(identity.cpu_shares, expected);
}

static void test_cpu_shares(void **state)
{
	(void)state;
	assert_shares("{\"shares\":512}", 512);
	assert_shares("{\"shares\":2,\"quota\":-1}", 2);
	assert_shares("{\"shares\":262144}", 262144);
	assert_shares("{\"shares\":262145}", 0);
	assert_shares("{\"shares\":-5}", 0);
	assert_shares("{\"shares\":\"512\"}", 0);
	assert_shares("{\"shares\":512.5}", 0);
	assert_shares("[512]", 0);
	assert_shares("null", 0);
}

static void test_names_cgroup(void **state)
{
	static const char text[] = "{\"linux\":{\"cgroupsPath\":\"/own/box\"}}";
	static const char slice[] = "{\"linux\":{\"cgroupsPath\":\"a.slice:runc:box\"}}";

	(void)state;
	assert_int_equal(oci_spec_compare_cgroup(text, strlen(text), "/own/box"), OCI_CGROUP_SAME);
	assert_int_equal(oci_spec_compare_cgroup(text, strlen(text), "/box"), OCI_CGROUP_OTHER);
	assert_int_equal(oci_spec_compare_cgroup(slice, strlen(slice), "/box"), OCI_CGROUP_UNTOLD);
	assert_int_equal(oci_spec_compare_cgroup("{}", 2, "/box"), OCI_CGROUP_UNTOLD);
	assert_int_equal(oci_spec_compare_cgroup("", 0, "/box"), OCI_CGROUP_UNTOLD);
}

#define spec_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		spec_test(test_not_whole),
		spec_test(test_wrong_types),
		spec_test(test_deep),
		spec_test(test_long_and_many),
		spec_test(test_env),
		spec_test(test_words_that_are_not_the_runtimes),
		spec_test(test_words_of_the_runtime),
		spec_test(test_termination_log_of_a_pods_choice),
		spec_test(test_pod_uid_is_plain),
		spec_test(test_cpu_shares),
		spec_test(test_names_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
