/*
 * hog
 *
 * Takes memory and touches it until the kernel's out-of-memory killer ends it, for a container
 * with a memory limit. Stops with status 99 at 1 GiB: a limit that does not hold must fail the
 * test, not the machine.
 */
#include <stdlib.h>
#include <string.h>

enum { STEP_BYTES = 1 << 20, STEPS = 1024 };

int main(void)
{
	for (int i = 0; i < STEPS; i++) {
		char *step = malloc(STEP_BYTES);

		if (!step)
			return 98;
		memset(step, 1, STEP_BYTES);
		/* The compiler may not drop memory that somebody might read. */
		__asm__ volatile("" : : "r"(step) : "memory");
	}
	return 99;
}
