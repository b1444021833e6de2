/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runsc's state directories, watched: a container that comes, goes or changes is noticed at once, without
 * reading /proc. Own code because inotify(7) knows no patterns and no directories that are yet to come.
 */
#pragma once

#include <stdbool.h>

struct gvisor_roots;

/* A state file of this sandbox has changed, or (`sandbox` NULL) any in the directory may have. */
typedef void (*gvisor_root_fn)(void *context, const char *root, const char *sandbox);

/*
 * `patterns`: absolute, each component a glob, ended by NULL; NULL: the usual places. `prefix` is put
 * before each, and is not part of what is told. 0 or -errno.
 */
int gvisor_roots_new(const char *prefix, const char *const *patterns,
		     struct gvisor_roots **ret_roots);
void gvisor_roots_free(struct gvisor_roots *roots);

/* Also this one: where a sandbox was found. */
int gvisor_roots_add(struct gvisor_roots *roots, const char *pattern);

/* Is this one of those they were made with? Not of those added. */
bool gvisor_roots_has(const struct gvisor_roots *roots, const char *root);

/* Has the next read tell all directories that are there, as the first did. */
void gvisor_roots_look_again(struct gvisor_roots *roots);

/* Readable when gvisor_roots_read has something to tell. Owned by the roots. */
int gvisor_roots_fd(const struct gvisor_roots *roots);
/* Tells what has changed. The first call tells all directories that are there. */
int gvisor_roots_read(struct gvisor_roots *roots, gvisor_root_fn on_change, void *context);

/* Where runsc, Docker and containerd keep it, ended by NULL. */
extern const char *const gvisor_usual_roots[];
