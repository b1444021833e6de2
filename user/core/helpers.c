// SPDX-License-Identifier: Apache-2.0
#include "core/helpers.h"

#include <errno.h>
#include <string.h>

#include "abi.h"
#include "core/managers.h"

void helper_names_built_in(const char *ret_names[HELPER_NAMES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < manager_count; i++) {
		const char *const *name = managers[i].helpers;

		for (; name && *name && count < HELPER_NAMES_MAX - 1; name++)
			ret_names[count++] = *name;
	}
	ret_names[count] = NULL;
}

int helper_name_check(const char *name, struct error *error)
{
	size_t len = strlen(name), fixed = strcspn(name, "*?[");

	if (fixed == 0 || fixed + 1 < len || (fixed < len && name[fixed] != '*'))
		return error_set(error, -EINVAL, "write NAME, or PREFIX* for all that begin so");
	if (fixed >= ABI_COMM_SIZE)
		return error_set(error, -EINVAL, "the kernel cuts command names at %d characters",
				 ABI_COMM_SIZE - 1);
	return 0;
}
