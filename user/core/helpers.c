// SPDX-License-Identifier: Apache-2.0
#include "core/helpers.h"

#include <stddef.h>

/*
 * Under each init only what stands between it and the work. An init of these names is init all the
 * same: roles go by place first.
 */
const char *const helper_names[] = {
	"tini",	     "docker-init",  "dumb-init",     "catatonit", /* one below another */
	"s6-svscan", "s6-supervise", "s6-linux-init", "s6-ipcserverd", "s6-fdholderd", "s6-log",
	"runsvdir",  "runsv",	     "svlogd",	      "supervisord",   "goproc",       "PM2 v*",
	NULL,
};
