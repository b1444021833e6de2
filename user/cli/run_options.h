/* SPDX-License-Identifier: Apache-2.0 */
/* What `lastout run` is told: by a configuration file, or by options in its place. */
#pragma once

#include "cli/options.h"
#include "config/config.h"

enum { RUN_NAMES_MAX = 64 };

struct run_options {
	const char *config_path; /* NULL: options alone */
	const char *socket;	 /* this and the next two: NULL: as configured */
	const char *pin;
	const char *metrics;
	const char *inits[RUN_NAMES_MAX];
	size_t init_count;
	const char *helpers[RUN_NAMES_MAX + 1]; /* ended by NULL */
	size_t helper_count;
	struct policy_set set; /* its defaults are the settings for --init */
	bool has_policy;       /* any option that a file would have */
	bool is_unpin;	       /* remove what is pinned, and nothing else */
	bool is_dry_run;
	bool keeps_rights; /* gives up none, to find out whether a fault is due to that */
	bool is_json;
	bool is_verbose;
};

/* 0 or -ENOMEM; run_options_done is due either way. */
int run_options_init(struct run_options *options);
void run_options_done(struct run_options *options);
extern const struct option_row run_option_rows[];

/*
 * Reads the file, or makes of the options what a file would say; then sets options->config_path to
 * the file that is in use. 0, or a negative errno with the reason in `error`.
 */
int run_options_load(struct run_options *options, struct config *ret_config, struct error *error);
