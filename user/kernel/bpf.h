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
	/* subsystem is set by bpf_source_open itself, and ring_bytes if it is 0; else a power of 2. */
	struct abi_settings settings;
	const char *controller; /* v1 hierarchy to look at, by one of its controllers; "": v2 */
	const char *pin; /* directory in bpffs, for a count that goes on without us; NULL: none */
	unsigned max_processes;	 /* entries of the maps; 0: 65536 */
	unsigned max_containers; /* 0: 8192 */
	bpf_source_fn on_record;
	/*
	 * Optional. Called before anything is loaded: does this kernel skip runs of BTF hooks? If not, the
	 * capability that classic ones need is of no use any more.
	 */
	void (*on_probed)(void *context, bool skips_btf);
	void *context;
};

/*
 * Loads and attaches everything: from here on exits are counted for whatever is in `containers`.
 * The hooks' variant is probed: BTF ones, or classic tracepoints where the kernel skips runs of BTF
 * hooks; the other where the better one cannot be had. On failure `error` says why and what to do; nothing stays behind.
 */
int bpf_source_open(const struct bpf_source_options *options, struct bpf_source **ret_source,
		    struct error *error);

/* What is pinned stays, and counts on. */
void bpf_source_close(struct bpf_source *source);

/*
 * Everybody has been found and counted. Pins that ours replace go now: until here both have counted.
 * 0, or a negative errno: whoever comes next will not go on with our pins.
 */
int bpf_source_settle(struct bpf_source *source);

/* Removes our pins: then all ends with bpf_source_close. */
void bpf_source_remove_pins(struct bpf_source *source);

/* Our set of pins, NULL if there are none. */
const char *bpf_source_pins(const struct bpf_source *source);

/* The counts are those of an agent before us: everybody should be counted already. */
bool bpf_source_has_counts(const struct bpf_source *source);

/*
 * Removes all sets of pins below a directory, whoever made them, and the directory if nothing else is
 * in it. No such directory: none. -EWOULDBLOCK: an agent is using it.
 */
int bpf_source_unpin(const char *directory, unsigned *ret_count, struct error *error);

/*
 * What is pinned below a directory, if anything is, in words. A negative errno: nothing can be, and
 * the words say why.
 */
int bpf_source_describe_pins(const char *directory, struct error *ret_text);

/* "classic" or "btf". */
const char *bpf_source_variant(const struct bpf_source *source);

/* Why the hooks are not of the variant that is better on this kernel, with the remedy; NULL: they are. */
const char *bpf_source_lack(const struct bpf_source *source);

/* Does this kernel skip runs of BTF hooks? Then classic ones are the better ones. */
bool bpf_source_skips_btf(const struct bpf_source *source);

/*
 * May the kernel skip a run of a hook? That wakes nobody: BTF ones where they can be preempted, classic
 * ones while somebody writes to any map on that CPU.
 */
bool bpf_source_may_skip(const struct bpf_source *source);

/* Readable (epoll) when the kernel side wants to be read. Owned by the source. */
int bpf_source_fd(const struct bpf_source *source);

/*
 * Hands the records to on_record that have been written until now, for about so long at most. True: all of
 * them. What is left, or is written meanwhile, keeps bpf_source_fd readable.
 */
bool bpf_source_drain(struct bpf_source *source, uint64_t budget_ms);

/* A position in the stream of records: the end of what has been written so far. */
uint64_t bpf_source_written(const struct bpf_source *source);
/* Have all records up to that position been read? */
bool bpf_source_has_read(const struct bpf_source *source, uint64_t written);

/*
 * Command names that helpers go by: NAME, or PREFIX*; those of both lists, which NULL ends, and no
 * others. Whoever takes one from now on is a helper.
 */
int bpf_source_set_helpers(struct bpf_source *source, const char *const *names,
			   const char *const *more, struct error *error);

/*
 * A new cgroup is counted from its making on, until it is forgotten. This one is a container's: it
 * stays, and what is nested in it belongs to it. Not *ret_is_counted: it is counted from now on, and
 * who is already inside needs bpf_source_adopt.
 */
int bpf_source_add_container(struct bpf_source *source, uint64_t cgroup, bool *ret_is_counted);
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

/* The last count met processes that were just ending: whether their ends are seen, the next one shows. */
bool bpf_source_met_ending(const struct bpf_source *source);

/*
 * Tells whom the last count has met that may be a gVisor sandbox, by its name alone. False: there are
 * more than anybody has noted, and nobody is told of.
 */
typedef void (*bpf_source_pid_fn)(void *context, pid_t pid);
bool bpf_source_tell_suspects(const struct bpf_source *source, bpf_source_pid_fn tell,
			      void *context);

/*
 * Between begin and end: counts all members of all containers again. Who lives and was not counted,
 * and who was and is dead, is counted as a loss, and made good.
 */
int bpf_source_recount(struct bpf_source *source);

/*
 * Lists the processes that hold a container, as the kernel has them now: at most `max` rows of the first
 * four kinds. With `max` 1 it stops at the first. Also right in a fork of the process that opened the
 * source. -EIO if the kernel could not answer.
 */
int bpf_source_find_holders(const struct bpf_source *source, const struct abi_question *question,
			    struct abi_holder *ret_holders, size_t max, size_t *ret_count);

/* All cgroups that the kernel side counts, also on suspicion; *ret_cgroups is the caller's to free. */
int bpf_source_list_containers(struct bpf_source *source, uint64_t **ret_cgroups,
			       size_t *ret_count);

/* -ENOENT if the container is not counted. */
int bpf_source_read_container(struct bpf_source *source, uint64_t cgroup,
			      struct abi_container *ret_container);

/* Adds to what is known of a container's past; negative errno if there is no room. */
int bpf_source_add_history(struct bpf_source *source, uint64_t cgroup,
			   const struct abi_history *more);

/* What the process is to the container; ROLE_HOST if it is not known there. */
enum role bpf_source_role(struct bpf_source *source, pid_t pid, uint64_t cgroup);

/* What was lost since the maps were made, by enum loss, and program runs that the kernel skipped. */
enum { BPF_SOURCE_SKIPPED = LOSS_COUNT, BPF_SOURCE_LOSS_KINDS };
struct bpf_source_losses {
	uint64_t by_kind[BPF_SOURCE_LOSS_KINDS];
};
void bpf_source_read_losses(const struct bpf_source *source, struct bpf_source_losses *ret_losses);
/* `ring_full`, `skipped`; for logs and metrics. */
const char *bpf_source_loss_name(unsigned kind);

/* Exits of members since the maps were made: ret_exits[role * RESULT_COUNT + result]. */
void bpf_source_read_exits(const struct bpf_source *source, uint64_t ret_exits[EXITS_COUNT]);

/* Whether the kernel answers to bpf(2) about what is loaded, with the capabilities in use now. */
bool bpf_source_answers(const struct bpf_source *source);

/* libbpf's version, as "1.1". */
const char *bpf_source_library(void);
