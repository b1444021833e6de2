// SPDX-License-Identifier: Apache-2.0
/* Paths of cgroups: whoever may make cgroups in a container chooses their names. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cgroup_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* An identity is whole and plain: its id stands in the path, and holds no slash. */
static void check_identity(const struct cgroup_identity *identity, const char *path)
{
	size_t len = strnlen(identity->id, sizeof(identity->id));

	require(len > 0 && len < sizeof(identity->id));
	require(strstr(path, identity->id) && !strchr(identity->id, '/'));
	require(strnlen(identity->pod_uid, sizeof(identity->pod_uid)) < sizeof(identity->pod_uid));
	require(runtime_name(identity->runtime));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cgroup_identity identity = {0};
	char *path = malloc(size + 2);

	require(path);
	path[0] = '/';
	memcpy(path + 1, data, size);
	path[size + 1] = '\0';
	if (cgroup_path_identify(path, &identity))
		check_identity(&identity, path);
	free(path);
	return 0;
}
