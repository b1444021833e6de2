// SPDX-License-Identifier: Apache-2.0
#include "host/scheduling.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Well before whoever computes, and behind what the administrator puts first. */
#define NICE	  (-10)
#define NICE_TEXT "-10"

/* Where sessions share the processor, nice counts within one's own only. A shell's stays as it is. */
static void lift_session(void)
{
	_cleanup_close_ int autogroup = -1;

	if (getsid(0) != getpid())
		return;
	autogroup = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (autogroup >= 0 && write(autogroup, NICE_TEXT, strlen(NICE_TEXT)) < 0)
		return; /* no right to */
}

void scheduling_take_precedence(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	lift_session();
	/* Not what is to come: without CAP_IPC_LOCK that would make allocations fail. */
	(void)mlockall(MCL_CURRENT | MCL_ONFAULT);
}
