/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "core/command_line.h"
#include "host/cgroupfs.h"

/*
 * Init of a container without a PID namespace of its own (host's or a pod's shared one), where no
 * PID 1 can be it: the oldest process. 0 if there is none, or if the container has its own.
 */
pid_t naming_find_init(const char *proc, const struct hierarchy *hierarchy, const char *path);

/*
 * The arguments of the supervisor that this process leads to, through small inits and shells only: a
 * process of the cgroup. False: to none.
 */
bool naming_find_led(const char *proc, const struct hierarchy *hierarchy, const char *path,
		     pid_t init, struct command_line *ret_args);
