// SPDX-License-Identifier: Apache-2.0
/*
 * renamer
 *
 * Renames itself without end, each time to another name than before. Each of these is a record that wakes
 * the agent.
 */
#include <sys/prctl.h>

int main(void)
{
	static const char *const names[] = {"loud", "louder"};

	for (unsigned i = 0;; i++)
		(void)prctl(PR_SET_NAME, names[i % 2]);
}
