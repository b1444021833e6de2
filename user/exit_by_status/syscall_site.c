// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/syscall_site.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { SITE_CHUNK_SIZE = 16 * 1024 };

struct search {
	const struct syscall_instruction *instruction;
	uint64_t deadline_ns;
	int memory;
	unsigned char chunk[SITE_CHUNK_SIZE];
};

static bool find_in_chunk(const struct search *search, size_t len, size_t *ret_offset)
{
	const struct syscall_instruction *instruction = search->instruction;

	for (size_t i = 0; i + instruction->len <= len; i += instruction->align) {
		if (memcmp(search->chunk + i, instruction->bytes, instruction->len) == 0) {
			*ret_offset = i;
			return true;
		}
	}
	return false;
}

/* A gap in it (a file that was cut) ends the search there; one instruction is enough. */
static int find_in_mapping(struct search *search, uint64_t from, uint64_t to, uint64_t *ret_address)
{
	size_t offset;

	while (from < to) {
		size_t want = to - from < SITE_CHUNK_SIZE ? (size_t)(to - from) : SITE_CHUNK_SIZE;
		ssize_t got = pread(search->memory, search->chunk, want, (off_t)from);

		if (got < (ssize_t)search->instruction->len)
			return -ENOENT;
		if (find_in_chunk(search, (size_t)got, &offset)) {
			*ret_address = from + offset;
			return 0;
		}
		if (clock_boot_ns() > search->deadline_ns)
			return -ETIME;
		from += (uint64_t)got;
	}
	return -ENOENT;
}

/* The kernel only reads [vsyscall], and answers a jump into its middle with SIGSEGV. */
static int find_in_line(struct search *search, const char *line, bool in_vdso,
			uint64_t *ret_address)
{
	uint64_t from, to;
	char access[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, access) != 3 ||
	    access[2] != 'x' || strstr(line, " [vsyscall]"))
		return -ENOENT;
	if (in_vdso != (strstr(line, " [vdso]") != NULL))
		return -ENOENT;
	return find_in_mapping(search, from, to, ret_address);
}

static int find_in_maps(struct search *search, FILE *maps, bool in_vdso, uint64_t *ret_address)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int err = -ENOENT;

	rewind(maps);
	while (err == -ENOENT && getline(&line, &size, maps) > 0)
		err = find_in_line(search, line, in_vdso, ret_address);
	return err;
}

int syscall_site_find(const char *proc, pid_t pid, const struct syscall_instruction *instruction,
		      uint64_t deadline_ns, uint64_t *ret_address)
{
	_cleanup_fclose_ FILE *maps = NULL;
	_cleanup_close_ int memory = -1;
	struct search search = {.instruction = instruction, .deadline_ns = deadline_ns};
	char path[256];
	int err;

	(void)snprintf(path, sizeof(path), "%s/%d/maps", proc, pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s/%d/mem", proc, pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return -errno;
	search.memory = memory;
	err = find_in_maps(&search, maps, true, ret_address);
	return err == -ENOENT ? find_in_maps(&search, maps, false, ret_address) : err;
}
