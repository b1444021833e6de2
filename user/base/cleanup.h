/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound cleanup: a variable marked with one of these is released when it goes out of scope.
 * Ownership leaves the scope through STEAL_PTR or STEAL_FD, and nowhere else.
 * Own code because there is nothing to link: it is five one-line functions.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls fn(&variable) when the variable goes out of scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* free()s the pointer; NULL is fine. */
#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
/* Closes the descriptor; negative means none. Keeps errno. */
#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
/* Closes the FILE; NULL is fine. Keeps errno. A writer who must know of a failure calls fclose(). */
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))
/* Closes the DIR; NULL is fine. Keeps errno. */
#define _cleanup_closedir_ __attribute__((cleanup(cleanup_closedir)))

/* Both give the value and leave the variable empty (NULL, -1), so that its cleanup does nothing. */
#define STEAL_PTR(p)                            \
	(__extension__({                        \
		__typeof__(p) *steal_ = &(p);   \
		__typeof__(p) value_ = *steal_; \
		*steal_ = NULL;                 \
		value_;                         \
	}))
#define STEAL_FD(fd) cleanup_steal_fd(&(fd))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	int saved_errno = errno;

	if (*fd >= 0)
		(void)close(*fd); /* nothing sensible is left to do about it here */
	errno = saved_errno;
}

static inline void cleanup_fclose(FILE **file)
{
	int saved_errno = errno;

	if (*file)
		(void)fclose(*file);
	errno = saved_errno;
}

static inline void cleanup_closedir(DIR **dir)
{
	int saved_errno = errno;

	if (*dir)
		(void)closedir(*dir);
	errno = saved_errno;
}

/* Gives *fd and sets it to -1. Use it as STEAL_FD(fd). */
static inline int cleanup_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
