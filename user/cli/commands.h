/* SPDX-License-Identifier: Apache-2.0 */
/* One file a command; the table of them is in main.c. */
#pragma once

#include "cli/options.h"

extern const struct command command_run;
extern const struct command command_tail;
extern const struct command command_ps;
extern const struct command command_explain;
extern const struct command command_wait;
extern const struct command command_finish;
extern const struct command command_report;
extern const struct command command_replay;
extern const struct command command_check;
extern const struct command command_demo;
extern const struct command command_gvisor_config;
extern const struct command command_version;

/*
 * Not a command for people: the container of `lastout demo` runs lastout itself as its process
 * manager, by the name of goproc.
 */
int demo_init_main(void);
