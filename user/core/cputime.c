// SPDX-License-Identifier: Apache-2.0
#include "core/cputime.h"

void cputime_split(uint64_t user_ticks_ns, uint64_t system_ticks_ns, uint64_t runtime_ns,
		   uint64_t *ret_user_ns, uint64_t *ret_system_ns)
{
	unsigned __int128 ticks = (unsigned __int128)user_ticks_ns + system_ticks_ns;
	uint64_t system_ns = 0;

	if (ticks)
		system_ns = (uint64_t)((unsigned __int128)runtime_ns * system_ticks_ns / ticks);
	*ret_system_ns = system_ns;
	*ret_user_ns = runtime_ns - system_ns;
}
