// SPDX-License-Identifier: Apache-2.0
#include "host/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/syscall_rules.h"

enum { SIGSYS_BY_SECCOMP = 1 }; /* SYS_SECCOMP, which glibc does not name */

struct syscall_filter {
	int fd;
};

/* What the handler writes: less than a pipe takes in one piece. */
struct refusal {
	uint32_t arch;
	int number;
	int pid;
};

/* Of the handler, which is given nothing. */
static int refusals = -1;

static void set_result(ucontext_t *context, long value)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = value;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (unsigned long long)value;
#else
#error "where a system call's result goes is not known for this architecture"
#endif
}

/*
 * In place of a refused call. No more than has to be done here: the loop tells of it. A pipe that is
 * full has enough to tell.
 */
static void on_refused(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	struct refusal refusal = {.arch = info->si_arch, .number = info->si_syscall};

	(void)signal;
	if (info->si_code != SIGSYS_BY_SECCOMP)
		return; /* sent by somebody: it is about no call */
	refusal.pid = (int)syscall(SYS_getpid);
	if (write(refusals, &refusal, sizeof(refusal)) < 0)
		errno = saved_errno;
	set_result(context, -ENOSYS);
	errno = saved_errno;
}

static int handle_refusals(int fd)
{
	struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};

	refusals = fd;
	(void)sigfillset(&action.sa_mask);
	(void)sigdelset(&action.sa_mask, SIGSYS);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

static int set_up(scmp_filter_ctx context, struct error *error)
{
	const struct {
		enum scmp_filter_attr attribute;
		uint32_t value;
	} attributes[] = {
		/* Calls by another architecture's numbers (int $0x80) are refused alike. */
		{SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP},
		{SCMP_FLTATR_CTL_OPTIMIZE, 2}, /* looked up by halves, not one after the other */
		{SCMP_FLTATR_API_SYSRAWRC, 1}, /* the kernel's own errno */
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		int err = seccomp_attr_set(context, attributes[i].attribute, attributes[i].value);

		if (err)
			return error_set(error, err, "cannot set up a filter: %s", strerror(-err));
	}
	/* There is one thread. Another filter, systemd's, may keep from us whether this can be had. */
	(void)seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, 1);
	return syscall_rules_add(context, error);
}

static int load(struct error *error)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_TRAP);
	int err;

	if (!context)
		return error_set(error, -ENOMEM, "out of memory");
	err = set_up(context, error);
	if (!err) {
		err = seccomp_load(context);
		if (err == -EINVAL) /* that is how it says so */
			err = -ENOSYS;
		if (err)
			(void)error_set(error, err,
					"the kernel takes no filter of system calls: %s",
					strerror(-err));
	}
	seccomp_release(context);
	return err;
}

static int install(struct syscall_filter *filter, struct error *error)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
	filter->fd = fds[0];
	err = handle_refusals(fds[1]);
	if (err)
		return error_set(error, err, "cannot handle SIGSYS: %s", strerror(-err));
	return load(error);
}

int syscall_filter_install(struct syscall_filter **ret_filter, struct error *error)
{
	struct syscall_filter *filter;
	int err;

#ifdef __SANITIZE_ADDRESS__
	return error_set(error, -ENOSYS, "this is a build with sanitizers, which need other calls");
#endif
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return error_set(error, -ENOMEM, "out of memory");
	filter->fd = -1;
	err = install(filter, error);
	if (err) {
		syscall_filter_free(filter);
		return err;
	}
	*ret_filter = filter;
	return 0;
}

void syscall_filter_free(struct syscall_filter *filter)
{
	if (!filter)
		return;
	if (refusals >= 0)
		(void)close(refusals);
	refusals = -1; /* the handler's write fails, and that is all */
	if (filter->fd >= 0)
		(void)close(filter->fd);
	free(filter);
}

int syscall_filter_fd(const struct syscall_filter *filter)
{
	return filter->fd;
}

int syscall_filter_read(struct syscall_filter *filter, struct syscall_refused *ret_refused)
{
	struct refusal refusal;
	ssize_t got = read(filter->fd, &refusal, sizeof(refusal));
	char *name;

	if (got != (ssize_t)sizeof(refusal))
		return got < 0 ? -errno : -EAGAIN;
	name = seccomp_syscall_resolve_num_arch(refusal.arch, refusal.number);
	if (name)
		(void)snprintf(ret_refused->name, sizeof(ret_refused->name), "%s", name);
	else
		(void)snprintf(ret_refused->name, sizeof(ret_refused->name), "%d", refusal.number);
	free(name);
	ret_refused->pid = refusal.pid;
	return 0;
}
