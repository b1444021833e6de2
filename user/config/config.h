/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: a YAML file to policies and the agent's settings. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "core/policy.h"

/* Where pins are, unless the file says otherwise. */
#define CONFIG_PIN "/sys/fs/bpf/lastout"

enum {
	CONFIG_SIZE_MAX = 1024 * 1024,
	CONFIG_PROCESSES_MIN = 1024,
	CONFIG_PROCESSES_MAX = 4 * 1024 * 1024, /* the kernel has no more pids */
	CONFIG_CONTAINERS_MIN = 16,
	CONFIG_CONTAINERS_MAX = 256 * 1024,
};

/* The runtimes whose state may be elsewhere. The agent hands them on as enum runtime_dir. */
enum config_runtime {
	CONFIG_RUNC,
	CONFIG_CRUN,
	CONFIG_CONTAINERD,
	CONFIG_DOCKER,
	CONFIG_PODMAN,
	CONFIG_CRIO,
	CONFIG_RUNSC,
	CONFIG_RUNTIME_COUNT,
};

/* All strings are owned; arrays of them end with NULL. */
struct config {
	char *metrics; /* "127.0.0.1:9871", "[::1]:9871"; NULL: off */
	char *socket;
	char *pin; /* a directory, or "none" */
	unsigned max_processes;
	unsigned max_containers;
	char **state_dirs[CONFIG_RUNTIME_COUNT]; /* NULL: the usual places */
	char **helpers;				 /* NAME or PREFIX*; NULL: none but the built-in */
	char **warnings; /* about the file, as `FILE:LINE:COLUMN: text`; NULL */
	struct policy_set policies;
};

/* What holds without a file. 0 or -ENOMEM. */
int config_init(struct config *ret_config);
/* Zeroed is fine. */
void config_done(struct config *config);

/*
 * Reads a file. 0; -ENOENT: there is none; -EINVAL: `error` says what is wrong, as
 * `FILE:LINE:COLUMN: reason`; other negative errno: it cannot be read. `error` is set for each.
 * Without success nothing is there to be freed.
 */
int config_load(const char *path, struct config *ret_config, struct error *error);

/* As config_load, from memory. `name` is what messages call it. */
int config_parse(const char *name, const char *text, size_t len, struct config *ret_config,
		 struct error *error);

/* Whether the text is ADDRESS:PORT with a numeric address, as in `agent: metrics:`. */
bool config_is_endpoint(const char *text);
