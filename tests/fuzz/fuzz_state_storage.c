// SPDX-License-Identifier: Apache-2.0
/* The names that Podman and CRI-O keep of all their containers. */
#include <stdint.h>
#include <stdlib.h>

#include "runtimes/state_storage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity identity = {.id = "a"};

	(void)state_storage_take_names((const char *)data, size, &identity);
	if (identity.name && !identity.name[0])
		abort();
	identity_done(&identity);
	return 0;
}
