/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where gVisor sandboxes and their containers are found: a sandbox by its host process, containers by the
 * state files that runsc keeps for them. `prefix` is put before every path of the host's: "" on it.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/command_line.h"
#include "core/identity.h"

/* What the command line of a sandbox's process tells. */
struct gvisor_process {
	pid_t pid;
	char id[128];	     /* of the sandbox: its first container's */
	char root[PATH_MAX]; /* runsc's state directory, as it was given: absolute */
	bool is_pid_1; /* of a PID namespace of its own, as a container's process is: tells nothing alone */
};

/*
 * -ESRCH: no such process. -ENOENT: it is no sandbox. -EAGAIN: it has no command line, as in the middle of
 * its exec. For a process that somebody names: one's own command line may keep its reader waiting.
 */
int gvisor_process_read(const char *proc, pid_t pid, struct gvisor_process *ret_process);

/* All sandboxes that run now, but for those that are PID 1. -errno if /proc cannot be read. */
int gvisor_process_scan(const char *proc,
			void (*visit)(void *context, const struct gvisor_process *process),
			void *context);

enum gvisor_status {
	GVISOR_STATUS_UNKNOWN,
	GVISOR_STATUS_CREATING,
	GVISOR_STATUS_CREATED,
	GVISOR_STATUS_RUNNING,
	GVISOR_STATUS_PAUSED,
	GVISOR_STATUS_STOPPED,
};

/* A container, as its state file has it. */
struct gvisor_state {
	struct identity identity;
	char sandbox[128];
	pid_t sandbox_pid;  /* 0: none */
	char *control_path; /* of the sandbox's socket; NULL: it has an abstract name */
	char *cgroup;	    /* path; NULL: none */
	struct command_line init_args;
	enum gvisor_status status;
};

struct gvisor_states {
	struct gvisor_state *items;
	size_t count;
};

/* What the name of a state file tells: CONTAINER_sandbox:SANDBOX.state. */
struct gvisor_file_name {
	char id[128];
	char sandbox[128];
};
bool gvisor_state_parse_name(const char *name, struct gvisor_file_name *ret_name);

/*
 * The containers below a state directory: of one sandbox, or of all (`sandbox` NULL). Only what root
 * wrote is believed. A file that cannot be read or understood is left out, and counted in *ret_bad (may
 * be NULL). 0 or -errno: the directory could not be read.
 */
int gvisor_states_read(const char *prefix, const char *root, const char *sandbox,
		       struct gvisor_states *ret_states, unsigned *ret_bad);
void gvisor_states_done(struct gvisor_states *states);
