// SPDX-License-Identifier: Apache-2.0
/* Docker's record of a container: labels are the image's words. */
#include <stdint.h>
#include <stdlib.h>

#include "runtimes/state_docker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity identity = {0}, in_pod = {.pod_uid = "0f5e7a9c"};

	(void)state_docker_take((const char *)data, size, &identity);
	if (identity.pod || identity.namespace || identity.is_sandbox)
		abort();
	(void)state_docker_take((const char *)data, size, &in_pod);
	identity_done(&identity);
	identity_done(&in_pod);
	return 0;
}
