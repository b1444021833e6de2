/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a bolt database (a file with one B+ tree of buckets) while its owner writes it. bolt never
 * writes over pages that its newest state can reach, and says which state is the newest in two pages
 * with a checksum: what was read counts if that is still the newest one afterwards.
 * Own code because bolt is written in Go, and only reading is wanted, without its lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One state of the database. */
struct bolt {
	int fd; /* the caller's */
	uint32_t page_size;
	uint64_t root, page_count, transaction;
};

/* 0, or -EAGAIN if there is no state to be read: it is being made, or no database of this kind. */
int bolt_begin(int fd, struct bolt *ret_bolt);

/* Whether what was read meanwhile is whole. */
bool bolt_is_current(const struct bolt *bolt);

/* Called for each pair of a bucket that is no bucket itself; what it returns but 0 ends it. */
typedef int (*bolt_visit_fn)(void *context, const char *key, size_t key_len, const char *value,
			     size_t value_len);

/*
 * Visits the bucket at `path`, names ended by NULL. 0, -ENOENT if there is none, what `visit`
 * returned, -EAGAIN if the tree is torn or larger than anything expected, -ENOMEM.
 */
int bolt_visit(const struct bolt *bolt, const char *const *path, bolt_visit_fn visit,
	       void *context);
