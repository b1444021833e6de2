/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the BPF source share, and nobody else includes. */
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* First what the skeleton needs. */
#include "kernel/bpf.h"

#include "lastout.skel.h"

enum {
	SOURCE_RING_BYTES = 1 << 20,
	SOURCE_PROGRAMS_MAX = 16,
	SOURCE_PROCESSES = 65536,
	SOURCE_CONTAINERS = 8192,
};

struct bpf_source {
	struct lastout_bpf *skeleton;
	struct ring_buffer *ring;
	void *ring_pages;	 /* its two counters, see ring.c; NULL: not mapped */
	uint64_t drain_to;	 /* the drain that is going on ends at this position, */
	uint64_t drain_until_ns; /* or at this time */
	struct bpf_source_options options;
	struct abi_version version; /* of what is loaded */
	unsigned cpus;
	char pins[256];	    /* our set of pins; "": none */
	char old_pins[256]; /* the one that it replaces, until ours is settled; "": none */
	int old_containers; /* its maps, while the layout differs; -1: none */
	int old_history;
	int programs[SOURCE_PROGRAMS_MAX]; /* attached ones; owned, with links, if taken over */
	int links[SOURCE_PROGRAMS_MAX];
	unsigned program_count;
	int pin_lock;	    /* on the directory of pins; -1: none */
	bool is_taken_over; /* maps and programs are those of an agent before us */
	bool has_counts;    /* the maps are */
	bool is_preempted;  /* BTF hooks can be, so that the kernel skips some of their runs */
	struct error lack;  /* why the hooks are not of the better variant; no text: they are */
	bool has_history;   /* there may be an entry in that map */
};

/* --- kernel.c: what differs between kernels, and must be known before programs are loaded --- */

/* *ret_is_preempted: as bpf_preempt_reaches_hooks. */
int bpf_kernel_look_up(const char *controller, struct abi_settings *settings,
		       bool *ret_is_preempted, struct error *error);

/* --- preempt.c --- */

/*
 * Can a process be preempted in a BTF hook? Then the kernel skips the hook for the next process on that
 * CPU. Needs the capabilities that loading the hooks needs; without them it goes by the version.
 */
bool bpf_preempt_reaches_hooks(const struct btf *btf);

/* --- ring.c --- */

int bpf_ring_open(struct bpf_source *source, struct error *error);
void bpf_ring_close(struct bpf_source *source);

/* --- load.c --- */

/* Fills source->skeleton and source->version: programs new, maps new or `shared`. */
int bpf_load(struct bpf_source *source, struct error *error);

/* Keeps libbpf's own words for the one line that an error becomes. */
void bpf_load_keep_words(void);

/*
 * Is this one of the programs that are attached, in that variant of the hooks? The iterators are not:
 * they run when they are read.
 */
bool bpf_load_is_hook(const struct lastout_bpf *skeleton, const struct bpf_program *program,
		      bool is_classic);

/* --- holders.c --- */

/* Where each process of ours has its question: an address for the program. */
uint64_t bpf_holders_question(void);

/* --- history.c --- */

/* Adds what is known of a container's past to what its counts say. */
void bpf_history_apply(const struct bpf_source *source, uint64_t cgroup,
		       struct abi_container *container);

/* From the maps that ours replace: all that is over, now that ours count. */
void bpf_history_take(struct bpf_source *source);
void bpf_history_drop(struct bpf_source *source);

/* --- pin.c: one set of pins --- */

struct bpf_pin_set {
	char path[256];
	struct abi_version version;
	bool is_whole;
};

/* Has the maps of an opened, not yet loaded skeleton be those of the set. */
int bpf_pin_share_maps(const struct bpf_pin_set *set, struct lastout_bpf *skeleton);

/*
 * Holds the links and the programs of a set, into `source`, whose skeleton says which there must
 * be. A negative errno: one is missing; those before it are in `source` all the same.
 */
int bpf_pin_open_links(const struct bpf_pin_set *set, struct bpf_source *source);

/* A descriptor of one of the set's maps, or a negative errno. */
int bpf_pin_open_map(const struct bpf_pin_set *set, const char *name);

/* Pins all maps and links as a new set below the directory; source->version last. */
int bpf_pin_make(struct bpf_source *source, struct error *error);

/* What was made is settled: from now on it is what is found. */
int bpf_pin_settle(struct bpf_source *source);

void bpf_pin_remove(const char *set_path);

/* -ENOENT and others: the set is not whole. */
int bpf_pin_read_version(const char *set_path, struct abi_version *ret_version);

/* folder/prefixname; -ENAMETOOLONG. */
int bpf_pin_join(char *ret_path, size_t size, const char *folder, const char *prefix,
		 const char *name);

/* --- pin_dir.c: the directory of sets --- */

/*
 * Finds the set of pins to go on with: whole, settled, of any layout. -ENOENT if there is none;
 * another negative errno, with the reason, if the directory cannot be used. Removes broken sets.
 */
int bpf_pin_find(const char *directory, struct bpf_pin_set *ret_set, struct error *error);

/*
 * Makes the directory, if it is missing and its parent is in bpffs, and locks it: one agent uses it
 * at a time. -EOPNOTSUPP if there is no bpffs, -EWOULDBLOCK if another has it.
 */
int bpf_pin_lock(const char *directory, int *ret_fd, struct error *error);

/* The number of a set to be made. */
int bpf_pin_next_number(const char *directory, unsigned *ret_number);
