// SPDX-License-Identifier: Apache-2.0
/* A container's orders: its image, and whoever starts it, have words in them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtimes/oci_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* Something will be written there: it is absolute and leads nowhere else. */
static void check_termination_log(const char *path)
{
	require(path[0] == '/' && !strstr(path, "/../") && strstr(path, "/containers/"));
	require(strcmp(strrchr(path, '/'), "/..") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum oci_pod pod = OCI_POD_NONE; pod <= OCI_POD_CRIO; pod++) {
		struct identity identity = {0};

		(void)oci_spec_take((const char *)data, size, pod, &identity);
		require(identity.annotations.count <= 1024 && identity.env.count <= 1024);
		require(pod != OCI_POD_NONE || !identity.namespace);
		require(!strpbrk(identity.pod_uid, "/."));
		if (identity.termination_log)
			check_termination_log(identity.termination_log);
		identity_done(&identity);
	}
	(void)oci_spec_compare_cgroup((const char *)data, size, "/web");
	return 0;
}
