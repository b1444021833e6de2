// SPDX-License-Identifier: Apache-2.0
#include "agent/privileges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "host/syscall_filter.h"

enum { RIGHTS_KINDS = 64 }; /* so many refused calls are told of, each once */

struct rights {
	uint64_t capabilities;
	struct syscall_filter *filter; /* NULL: none */
	struct event *readable;
	uint64_t refused;
	char told[RIGHTS_KINDS][SYSCALL_NAME_SIZE];
};

/* CAP_SYS_ADMIN includes the first two, for kernels and tools that do not know them. */
static const struct {
	uint64_t capability;
	const char *without;
	bool is_kept;
	bool is_vital;
} wanted[] = {
	{CAPABILITY(BPF), "programs cannot be loaded", false, true},
	{CAPABILITY(PERFMON), "programs cannot be attached", false, true},
	{CAPABILITY(SYS_PTRACE),
	 "the PID namespace of an init with other capabilities cannot be read, so it is not "
	 "finished; no status: task",
	 true, false},
	{CAPABILITY(KILL), "inits of other users are not signalled", true, false},
	{CAPABILITY(DAC_READ_SEARCH), "containers of rootless runtimes have no names", true, false},
};

enum { WANTED_COUNT = sizeof(wanted) / sizeof(wanted[0]) };

/* Of no use where the kernel does not skip runs of BTF hooks; the last one empties the bounding set. */
static const uint64_t needed_once = CAPABILITY(SYS_ADMIN) | CAPABILITY(SETPCAP);

static uint64_t kept_capabilities(void)
{
	uint64_t kept = 0;

	for (size_t i = 0; i < WANTED_COUNT; i++)
		kept |= wanted[i].is_kept ? wanted[i].capability : 0;
	return kept;
}

/*
 * To use maps that are open takes no capability, but where unprivileged_bpf_disabled is set kernels
 * before 5.19 refuse bpf(2) as a whole to whoever has not CAP_BPF. So that is tried.
 */
static int keep_capabilities(const struct bpf_source *source, uint64_t *ret_kept)
{
	const uint64_t bpf = CAPABILITY(BPF) | CAPABILITY(SYS_ADMIN);
	const uint64_t to_give_up = CAPABILITY(SETPCAP); /* the bounding set's */
	uint64_t kept = kept_capabilities();
	int err = capabilities_keep(kept | bpf | to_give_up, kept | to_give_up);

	if (err)
		return err;
	if (!bpf_source_answers(source)) {
		bool has_bpf = capabilities_read() & CAPABILITY(BPF);

		kept |= has_bpf ? CAPABILITY(BPF) : CAPABILITY(SYS_ADMIN);
	}
	err = capabilities_keep(kept, kept);
	*ret_kept = capabilities_read();
	return err;
}

void rights_give_up_classic(void)
{
	const uint64_t loading = CAPABILITY(BPF) | CAPABILITY(PERFMON);
	const uint64_t others = ~CAPABILITY(SYS_ADMIN);

	/* If it fails, rights_give_up fails as well, and says so. */
	if ((capabilities_read() & loading) == loading)
		(void)capabilities_keep(others, others);
}

int rights_take_services(void)
{
	/* The unit's LimitMEMLOCK: kernels before 5.11 charge BPF maps to it, and refuse the programs. */
	static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	uint64_t services = needed_once;
	int err;

	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited); /* later kernels have no need of it */
	for (size_t i = 0; i < WANTED_COUNT; i++)
		services |= wanted[i].capability;
	err = capabilities_keep(services, services);
	return err ? err : capabilities_gain_none();
}

/* --- refused calls --- */

/* False: told of already, or of too many others. */
static bool is_new(struct rights *rights, const char *name)
{
	size_t i = 0;

	for (; i < RIGHTS_KINDS && rights->told[i][0]; i++)
		if (strcmp(rights->told[i], name) == 0)
			return false;
	if (i == RIGHTS_KINDS)
		return false;
	memcpy(rights->told[i], name, SYSCALL_NAME_SIZE);
	return true;
}

static void on_refused(evutil_socket_t fd, short what, void *context)
{
	struct rights *rights = context;
	struct syscall_refused refused = {.name = ""};
	struct log_line line;

	(void)fd;
	(void)what;
	while (syscall_filter_read(rights->filter, &refused) == 0) {
		rights->refused++;
		if (!is_new(rights, refused.name))
			continue;
		log_begin(&line, LOG_LEVEL_ERROR, "refused_call",
			  "a system call that lastout does not make was refused: a fault in "
			  "lastout, or somebody else's code in it");
		log_string(&line, "call", refused.name);
		log_uint(&line, "pid", (uint64_t)refused.pid);
		log_end(&line);
	}
}

static int add_filter(struct rights *rights, struct event_base *base, struct error *error)
{
	struct log_line line;
	int err = syscall_filter_install(&rights->filter, error);

	if (err == -ENOSYS) {
		log_begin(&line, LOG_LEVEL_WARN, "rights", "system calls are not filtered");
		log_string(&line, "reason", error->text);
		log_end(&line);
		return 0;
	}
	if (err)
		return err;
	rights->readable = event_new(base, syscall_filter_fd(rights->filter), EV_READ | EV_PERSIST,
				     on_refused, rights);
	if (!rights->readable || event_add(rights->readable, NULL) < 0)
		return error_set(error, -ENOMEM, "cannot set up the event loop");
	return 0;
}

/* --- */

int rights_give_up(struct event_base *base, const struct bpf_source *source,
		   struct rights **ret_rights, struct error *error)
{
	struct rights *rights = calloc(1, sizeof(*rights));
	int err;

	if (!rights)
		return error_set(error, -ENOMEM, "out of memory");
	err = keep_capabilities(source, &rights->capabilities);
	if (!err)
		err = capabilities_gain_none();
	if (err)
		(void)error_set(error, err, "cannot give up capabilities: %s", strerror(-err));
	else
		err = add_filter(rights, base, error);
	if (err) {
		rights_free(rights);
		return err;
	}
	*ret_rights = rights;
	return 0;
}

void rights_free(struct rights *rights)
{
	if (!rights)
		return;
	if (rights->readable) {
		on_refused(-1, 0, rights);
		event_free(rights->readable);
	}
	syscall_filter_free(rights->filter);
	free(rights);
}

uint64_t rights_capabilities(const struct rights *rights)
{
	return rights->capabilities;
}

bool rights_has_filter(const struct rights *rights)
{
	return rights->filter != NULL;
}

uint64_t rights_refused_calls(const struct rights *rights)
{
	return rights->refused;
}

enum rights_lack rights_describe(struct error *ret_text)
{
	uint64_t has = capabilities_read();
	char names[CAPABILITIES_TEXT_SIZE];

	if (has & CAPABILITY(SYS_ADMIN))
		has |= CAPABILITY(BPF) | CAPABILITY(PERFMON);
	for (size_t i = 0; i < WANTED_COUNT; i++) {
		if (has & wanted[i].capability)
			continue;
		capabilities_put(wanted[i].capability, names, sizeof(names));
		(void)error_set(ret_text, 0, "no %s: %s", names, wanted[i].without);
		return wanted[i].is_vital ? RIGHTS_TOO_FEW : RIGHTS_LESS;
	}
	capabilities_put(kept_capabilities(), names, sizeof(names));
	(void)error_set(ret_text, 0, "all that are needed; `lastout run` keeps %s", names);
	return RIGHTS_COMPLETE;
}
