/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side as a source of events: loads the programs, hands out their records, and answers
 * what the maps hold. The only user of libbpf. Errors are negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"
#include "base/error.h"

struct bpf_source;

/* Called for each record, in the order they were written; `record` lives only for the call. */
typedef void (*bpf_source_fn)(void *context, const struct record *record);

struct bpf_source_options {
	/* subsystem and ring_bytes are set by bpf_source_open itself. */
	struct abi_settings settings;
	const char *controller; /* v1 hierarchy to look at, by one of its controllers; "": v2 */
	bpf_source_fn on_record;
	void *context;
};

/*
 * Loads and attaches everything: from here on exits are counted for whatever is in `containers`.
 * The hooks' variant is probed: classic tracepoints where the kernel gives them a link of their
 * own, else BTF ones. On failure `error` says why and what to do; nothing stays behind.
 */
int bpf_source_open(const struct bpf_source_options *options, struct bpf_source **ret_source,
		    struct error *error);
void bpf_source_close(struct bpf_source *source);

/* "classic" or "btf". */
const char *bpf_source_variant(const struct bpf_source *source);

/* Readable (epoll) when the kernel side wants to be read. Owned by the source. */
int bpf_source_fd(const struct bpf_source *source);

/* Hands all waiting records to on_record. */
int bpf_source_drain(struct bpf_source *source);

/* Command names that helpers go by: NAME, or PREFIX*. */
int bpf_source_add_helper(struct bpf_source *source, const char *pattern);

/*
 * A new cgroup is counted from its making on, until it is forgotten. This one is a container's: it
 * stays, and what is nested in it belongs to it. If it is older than the source, it is counted from
 * now on, and who is already inside needs bpf_source_adopt.
 */
int bpf_source_add_container(struct bpf_source *source, uint64_t cgroup);
void bpf_source_forget_container(struct bpf_source *source, uint64_t cgroup);

/*
 * Between begin and end, forks of processes that nobody has counted yet are counted, too. In
 * between: add containers, then adopt. `named` names init for one container that has no PID
 * namespace of its own; NULL: none.
 */
struct bpf_source_named {
	uint64_t cgroup;
	pid_t pid;
};
void bpf_source_adopt_begin(struct bpf_source *source);
int bpf_source_adopt(struct bpf_source *source, const struct bpf_source_named *named);
void bpf_source_adopt_end(struct bpf_source *source);

/* -ENOENT if the container is not counted. */
int bpf_source_read_container(struct bpf_source *source, uint64_t cgroup,
			      struct abi_container *ret_container);

/* What the process is to the container; ROLE_HOST if it is not known there. */
enum role bpf_source_role(struct bpf_source *source, pid_t pid, uint64_t cgroup);

/* Everything lost since the start, all kinds together, program runs skipped by the kernel included. */
uint64_t bpf_source_lost(struct bpf_source *source);

/* libbpf's version, as "1.1". */
const char *bpf_source_library(void);
