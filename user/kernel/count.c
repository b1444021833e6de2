// SPDX-License-Identifier: Apache-2.0
/* Counts who is inside the containers, by BPF iterators: read to their end, they run their program. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/private.h"

/* Of `processes`, read a part at a time. A bucket of the kernel's table always fits. */
enum { BATCH_SIZE = 1024 };

struct batch {
	uint32_t at; /* where the next part begins */
	uint32_t count;
	uint32_t tgids[BATCH_SIZE];
	struct abi_process processes[BATCH_SIZE];
};

void bpf_source_adopt_begin(struct bpf_source *source)
{
	__atomic_store_n(&source->skeleton->bss->adoption.is_active, 1, __ATOMIC_SEQ_CST);
}

void bpf_source_adopt_end(struct bpf_source *source)
{
	__atomic_store_n(&source->skeleton->bss->adoption.is_active, 0, __ATOMIC_SEQ_CST);
}

/* Runs the program once a task. It prints nothing. */
static int run_iterator(const struct bpf_link *link)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, nothing, sizeof(nothing));
	} while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return got < 0 ? -errno : 0;
}

int bpf_source_adopt(struct bpf_source *source, const struct bpf_source_named *named)
{
	struct abi_adopt *adoption = &source->skeleton->bss->adoption;
	const struct bpf_link *everybody = source->skeleton->links.adopt;
	int err;

	adoption->ending = 0;
	adoption->named_container = named ? named->cgroup : 0;
	adoption->named_pid = named ? (uint32_t)named->pid : 0;
	adoption->pass = ADOPT_FIND_INIT;
	err = run_iterator(everybody);
	if (err)
		return err;
	adoption->pass = ADOPT_COUNT;
	source->skeleton->bss->suspected.count = 0;
	return run_iterator(everybody);
}

bool bpf_source_tell_suspects(const struct bpf_source *source, bpf_source_pid_fn tell,
			      void *context)
{
	const struct abi_suspects *suspected = &source->skeleton->bss->suspected;

	if (suspected->count > ABI_SUSPECTS_MAX)
		return false;
	for (uint32_t i = 0; i < suspected->count; i++)
		tell(context, (pid_t)suspected->pids[i]);
	return true;
}

bool bpf_source_met_ending(const struct bpf_source *source)
{
	return source->skeleton->bss->adoption.ending;
}

/* --- who was not met --- */

/* Those listed in `sweeping`. Each run takes one of them for each task of the host. */
static int sweep_listed(struct bpf_source *source)
{
	struct abi_sweep *sweeping = &source->skeleton->bss->sweeping;

	sweeping->done = 0;
	while (sweeping->done < sweeping->count) {
		uint32_t before = sweeping->done;
		int err = run_iterator(source->skeleton->links.sweep);

		if (err)
			return err;
		if (sweeping->done == before)
			return -EIO; /* there is no task at all, not even ourselves */
	}
	return 0;
}

/* Of these processes, those that are of an older generation than the count just made. */
static int sweep_batch(struct bpf_source *source, const struct batch *batch)
{
	struct abi_sweep *sweeping = &source->skeleton->bss->sweeping;
	uint32_t generation = source->skeleton->bss->adoption.generation;
	int err = 0;

	for (uint32_t i = 0; i < batch->count && !err;) {
		for (sweeping->count = 0; i < batch->count && sweeping->count < ABI_SWEEP_MAX; i++)
			if (batch->processes[i].generation != generation)
				sweeping->tgids[sweeping->count++] = batch->tgids[i];
		err = sweep_listed(source);
	}
	return err;
}

/* One more part of the table; -ENOENT with what was left, at its end. */
static int read_batch(int map, bool is_first, struct batch *batch)
{
	int err;

	batch->count = BATCH_SIZE;
	err = bpf_map_lookup_batch(map, is_first ? NULL : &batch->at, &batch->at, batch->tgids,
				   batch->processes, &batch->count, NULL);
	return err < 0 ? -errno : 0;
}

static int sweep(struct bpf_source *source)
{
	int map = bpf_map__fd(source->skeleton->maps.processes), err, end;
	_cleanup_free_ struct batch *batch = malloc(sizeof(*batch));
	bool is_first = true;

	if (!batch)
		return -ENOMEM;
	do {
		end = read_batch(map, is_first, batch);
		if (end && end != -ENOENT)
			return end;
		err = sweep_batch(source, batch);
		is_first = false;
	} while (!err && !end);
	return err;
}

int bpf_source_recount(struct bpf_source *source)
{
	struct abi_adopt *adoption = &source->skeleton->bss->adoption;
	int err;

	/* First, so that who is in doubt stays so until the count is over. */
	__atomic_store_n(&adoption->is_recount, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&adoption->generation, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&adoption->recounts, 1, __ATOMIC_SEQ_CST);
	err = bpf_source_adopt(source, NULL);
	if (!err)
		err = sweep(source);
	__atomic_store_n(&adoption->is_recount, 0, __ATOMIC_SEQ_CST);
	return err;
}
