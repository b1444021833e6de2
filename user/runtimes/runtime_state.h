/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtimes keep on disk about their containers, read below roots that are passed in. No
 * daemon is asked: one that hangs must not hold up a decision, and its socket is not needed.
 */
#pragma once

#include <stdbool.h>

#include "core/cgroup_path.h"
#include "core/identity.h"

enum runtime_dir {
	RUNTIME_DIR_RUNC,	/* --root */
	RUNTIME_DIR_CRUN,	/* --root */
	RUNTIME_DIR_CONTAINERD, /* `state` and `root` of its configuration */
	RUNTIME_DIR_DOCKER,	/* --data-root and --exec-root */
	RUNTIME_DIR_PODMAN,	/* --root and --runroot */
	RUNTIME_DIR_CRIO,	/* `root` and `runroot` */
	RUNTIME_DIR_RUNSC,	/* --root */
	RUNTIME_DIR_COUNT,
};

struct runtime_roots {
	/* Before every path: "" on the host itself, "/host" in a container, a made-up tree in a test. */
	const char *root;
	struct state_dirs_held *held; /* by runtime_state_hold; NULL: nothing is */
	/* NULL: the usual places; else the configured ones, ended by NULL, below root as they are. */
	const char *const *dirs[RUNTIME_DIR_COUNT];
};

/*
 * Until the release each state directory is looked for once, and is there or is not: for as long as
 * many containers are read one after the other, and no longer. Without memory it holds nothing.
 */
void runtime_state_hold(struct runtime_roots *roots);
void runtime_state_release(struct runtime_roots *roots);
/* If anything is held, it is looked for anew: something has been made since. */
void runtime_state_look_again(struct runtime_roots *roots);

/*
 * Is this cgroup a container's, though its path alone does not tell? True if a runtime keeps state
 * under the name of the path's last component (runc, crun) or its last two (containerd: namespace,
 * id), or if the state of a container by another name says that this is its cgroup. runc says so
 * only after it has made the cgroup (crun before). After false, runtime_state_unread says whether that
 * means "no", or that state could not be read.
 */
bool runtime_state_identify(const struct runtime_roots *roots, const char *cgroup_path,
			    struct cgroup_identity *ret_identity);

/*
 * Tries each place where state may be: 0 if it is there and can be listed, -ENOENT if it is not there, else
 * why it cannot be read. Returns 0, or why none of them can: openat2 does not work here.
 */
typedef void (*runtime_state_place_fn)(void *context, const char *dir, int err);
int runtime_state_probe(const struct runtime_roots *roots, runtime_state_place_fn visit,
			void *context);

/* What to do about openat2, in words, for an error of runtime_state_probe. */
extern const char runtime_state_remedy[];

/* What the last of these two calls could not read; true if there is anything. */
bool runtime_state_unread(struct unread *ret_unread);

/*
 * Fills what the state tells of the container at this cgroup. The caller has set identity->runtime,
 * id and pod_uid from the cgroup's path; they may be refined. Called again while incomplete: what is
 * known is kept. 0: complete. -EAGAIN: something is not written yet, worth another try. -ENOENT: no
 * runtime keeps state for it, and every place where it could be was read. -EIO: something could not be
 * read, and identity->unread says what; what was read is there, the rest is not known. -ENOMEM.
 */
int runtime_state_read(const struct runtime_roots *roots, const char *cgroup_path,
		       struct identity *identity);
