// SPDX-License-Identifier: Apache-2.0
/* A database whose pages are anything; the metas are put in front, since no input guesses a checksum. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtimes/containerd_meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE = 1024, METAS = 2 * 4096 };

static void put(uint8_t *at, uint64_t value, size_t size)
{
	memcpy(at, &value, size);
}

/* Pages 2 to 7 are empty, so that the second meta, which is the machine's page away, is in none. */
static void put_meta(uint8_t *meta, uint64_t page_count)
{
	uint64_t hash = 14695981039346656037U;

	put(meta, 0xED0CDAED, 4);
	put(meta + 4, 2, 4);
	put(meta + 8, PAGE, 4);
	put(meta + 16, METAS / PAGE, 8);
	put(meta + 40, page_count, 8);
	put(meta + 48, 1, 8);
	for (size_t i = 0; i < 56; i++)
		hash = (hash ^ meta[i]) * 1099511628211U;
	put(meta + 56, hash, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint8_t metas[METAS] = {0};
	struct identity identity = {.id = "a"};

	if (fd < 0)
		fd = memfd_create("bolt", MFD_CLOEXEC);
	put_meta(metas + 16, METAS / PAGE + size / PAGE + 1);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, metas, METAS, 0) != METAS ||
	    pwrite(fd, data, size, METAS) != (ssize_t)size ||
	    ftruncate(fd, (off_t)(METAS + (size / PAGE + 1) * PAGE)) < 0)
		abort();
	(void)identity_pairs_add(&identity.annotations, "io.kubernetes.cri.sandbox-id", "a");
	(void)containerd_meta_take(fd, "k8s.io", &identity);
	if (identity.labels.count > 1024 || identity.annotations.count > 1024)
		abort();
	identity_done(&identity);
	return 0;
}
