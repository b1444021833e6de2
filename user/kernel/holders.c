// SPDX-License-Identifier: Apache-2.0
/* Asks the iterator `holders`: see bpf/holders.bpf.c. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/private.h"

/* At one address in this process and in its forks; in each with content of its own. */
static struct abi_question asked;

uint64_t bpf_holders_question(void)
{
	return (uint64_t)(uintptr_t)&asked;
}

/* By single rows: the kernel stops where the reader's buffer is full, so the first one may be all. */
static int read_row(int fd, struct abi_holder *ret_row)
{
	ssize_t got;

	do {
		got = read(fd, ret_row, sizeof(*ret_row));
	} while (got < 0 && (errno == EAGAIN || errno == EINTR));
	if (got < 0)
		return -errno;
	return got == sizeof(*ret_row) ? 0 : -EIO;
}

int bpf_source_find_holders(const struct bpf_source *source, const struct abi_question *question,
			    struct abi_holder *ret_holders, size_t max, size_t *ret_count)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(source->skeleton->links.holders));
	struct abi_holder row;
	size_t count = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	asked = *question;
	while (count < max) {
		err = read_row(fd, &row);
		if (err || row.kind == HOLDER_ALONE || row.kind == HOLDER_END)
			break;
		if (row.kind == HOLDER_UNREAD)
			return -EIO;
		ret_holders[count++] = row;
	}
	if (!err)
		*ret_count = count;
	return err;
}
