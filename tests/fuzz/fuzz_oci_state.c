// SPDX-License-Identifier: Apache-2.0
/* The state of runc and crun. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtimes/oci_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int result, const struct oci_state *state)
{
	if (result == 0 && (state->init_pid <= 0 || (state->bundle[0] && state->bundle[0] != '/') ||
			    strnlen(state->bundle, sizeof(state->bundle)) == sizeof(state->bundle)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_state state;

	check(oci_state_parse_runc((const char *)data, size, "/web", &state), &state);
	check(oci_state_parse_crun((const char *)data, size, "/web", &state), &state);
	return 0;
}
