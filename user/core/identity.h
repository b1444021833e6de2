/* SPDX-License-Identifier: Apache-2.0 */
/* Whose container it is, as the runtimes' own state tells. Pure data; all strings are owned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/cgroup_path.h"

struct identity_pair {
	char *key;
	char *value;
};

struct identity_pairs {
	struct identity_pair *items;
	size_t count;
};

/* State that exists, or may exist, but could not be read. */
struct unread {
	int err;	/* errno, 0: everything was read */
	char path[256]; /* of the file or directory; "" if it is not known */
};

/* All zeroes is a valid one of which nothing is known. */
struct identity {
	enum runtime runtime;
	char id[128];	  /* the runtime's full id */
	char pod_uid[37]; /* as the Kubernetes API writes it; "" outside pods */
	char *name;	  /* what people call it; this and the next three: NULL while unknown */
	char *image;
	char *pod;
	char *namespace; /* Kubernetes' */
	struct identity_pairs labels;
	struct identity_pairs annotations;
	struct identity_pairs env; /* of PID 1, as configured */
	char *termination_log;	   /* host's path of a pod's termination message; NULL: none */
	pid_t init_pid;		   /* whom the runtime's state names as init; 0: nobody */
	uint64_t init_start_ticks; /* its start, in the unit of /proc/PID/stat; 0: not told */
	uint64_t cpu_shares;	   /* what its CPU weighs, 1024 a core; 0: not told */
	bool is_sandbox;	   /* a pod's pause container */
	struct unread unread;	   /* why fields may be missing although the runtime has them */
};

void identity_done(struct identity *identity);

/* Adds what `from` knows to an identity of which less is known. 0 or -ENOMEM: then only a part. */
int identity_add(struct identity *identity, const struct identity *from);

/* The value of `key`, NULL if there is none. */
const char *identity_pairs_find(const struct identity_pairs *pairs, const char *key);

/* Adds copies of both, or replaces the value. 0 or -ENOMEM. */
int identity_pairs_add(struct identity_pairs *pairs, const char *key, const char *value);
