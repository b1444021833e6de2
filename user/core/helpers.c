// SPDX-License-Identifier: Apache-2.0
#include "core/helpers.h"

#include <errno.h>
#include <string.h>

#include "abi.h"

/*
 * Under each init only what stands between it and the work. An init of these names is init all the
 * same: roles go by place first.
 */
const char *const helper_names[] = {
	"tini",	     "docker-init",  "dumb-init",	"catatonit", /* one below another */
	"s6-svscan", "s6-supervise", "s6-linux-init-s", "s6-ipcserverd", "s6-fdholderd", "s6-log",
	"runsvdir",  "runsv",	     "svlogd",		"supervisord",	 "goproc",	 "PM2 v*",
	NULL,
};

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
