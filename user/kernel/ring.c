// SPDX-License-Identifier: Apache-2.0
/*
 * The ring buffer, read within a budget. ring_buffer__consume reads until the buffer is empty, so a
 * container that makes records faster than they are read would keep the agent from everything else. A
 * callback that fails ends it: libbpf counts that record as read and returns.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/private.h"

/* The kernel's header of each record, and how records are aligned; see kernel/bpf/ringbuf.c. */
enum { RECORD_HEADER = 8, RECORD_ALIGN = 8 };

static uint64_t position(const struct bpf_source *source, size_t page)
{
	const char *pages = source->ring_pages;
	size_t offset = page * (size_t)sysconf(_SC_PAGESIZE);

	return atomic_load_explicit((const _Atomic unsigned long *)(const void *)(pages + offset),
				    memory_order_acquire);
}

uint64_t bpf_source_written(const struct bpf_source *source)
{
	return position(source, 1);
}

bool bpf_source_has_read(const struct bpf_source *source, uint64_t written)
{
	return position(source, 0) >= written;
}

static int on_ring_record(void *context, void *data, size_t size)
{
	struct bpf_source *source = context;
	const struct record *record = data;
	uint64_t end = position(source, 0) + RECORD_HEADER +
		       (size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;

	if (size >= sizeof(*record) && record->size <= size)
		source->options.on_record(source->options.context, record);
	/* What is written meanwhile is read in the next turn. */
	return end >= source->drain_to || clock_boot_ns() >= source->drain_until_ns ? -EAGAIN : 0;
}

int bpf_ring_open(struct bpf_source *source, struct error *error)
{
	int fd = bpf_map__fd(source->skeleton->maps.ring);
	void *pages;

	source->ring = ring_buffer__new(fd, on_ring_record, source, NULL);
	if (!source->ring)
		return error_set(error, -errno, "cannot map the ring buffer: %s", strerror(errno));
	/* How far it is read, and how far it is written: libbpf 1.1 does not say. */
	pages = mmap(NULL, 2 * (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		return error_set(error, -errno, "cannot map the ring buffer: %s", strerror(errno));
	source->ring_pages = pages;
	return 0;
}

void bpf_ring_close(struct bpf_source *source)
{
	ring_buffer__free(source->ring);
	if (source->ring_pages)
		(void)munmap(source->ring_pages, 2 * (size_t)sysconf(_SC_PAGESIZE));
}

bool bpf_source_drain(struct bpf_source *source, uint64_t budget_ms)
{
	uint64_t to = bpf_source_written(source), outer_to = source->drain_to;
	uint64_t until_ns = clock_boot_ns() + budget_ms * NS_PER_MS;
	uint64_t outer_until_ns = source->drain_until_ns;

	if (bpf_source_has_read(source, to))
		return true;
	source->drain_to = to;
	source->drain_until_ns = until_ns;
	(void)ring_buffer__consume(source->ring); /* fails only if our own callback does */
	source->drain_to = outer_to;
	source->drain_until_ns = outer_until_ns;
	return bpf_source_has_read(source, to);
}
