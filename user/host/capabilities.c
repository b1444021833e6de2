// SPDX-License-Identifier: Apache-2.0
#include "host/capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>

uint64_t capabilities_read(void)
{
	uint64_t set = 0;

	if (capng_get_caps_process() < 0)
		return 0;
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (capng_have_capability(CAPNG_PERMITTED, i))
			set |= UINT64_C(1) << i;
	return set;
}

static void update(capng_type_t type, uint64_t set)
{
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (set >> i & 1)
			(void)capng_update(CAPNG_ADD, type, i); /* fails for wrong numbers only */
}

int capabilities_keep(uint64_t kept, uint64_t used)
{
	bool can_bound;

	kept &= capabilities_read();
	can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_BOTH);
	/* First; without CAP_SETPCAP not at all, and libcap-ng sends the attempt to syslog as an error. */
	if (can_bound) {
		update(CAPNG_BOUNDING_SET, kept);
		(void)capng_apply(CAPNG_SELECT_BOUNDS);
	}
	update(CAPNG_PERMITTED, kept);
	update(CAPNG_EFFECTIVE, kept & used);
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

int capabilities_gain_none(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

void capabilities_put(uint64_t set, char *ret_text, size_t size)
{
	size_t len = 0;

	(void)snprintf(ret_text, size, "none");
	for (unsigned i = 0; i <= CAP_LAST_CAP && len < size; i++) {
		const char *name = set >> i & 1 ? capng_capability_to_name(i) : NULL;
		int put = name ? snprintf(ret_text + len, size - len, "%s%s", len ? "," : "",
					  name) :
				 0;

		len += put > 0 ? (size_t)put : 0;
	}
}
