// SPDX-License-Identifier: Apache-2.0
/*
 * Names of all architectures and of several C libraries: what one calls open is openat to another.
 * Where an argument tells the harmless from the rest, only the harmless is allowed.
 */
#include "host/syscall_rules.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* A process in the place of a child: nothing that a namespace is made by. */
#define CLONE_NAMESPACES                                                               \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | (unsigned)CLONE_NEWNET)

/* Of int arguments the kernel does not look at the register's upper half, which may be anything. */
#define IS(argument, value)	    SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value)
#define IS_NULL(argument)	    SCMP_CMP64(argument, SCMP_CMP_EQ, 0, 0)
#define HAS_NONE_OF(argument, mask) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, 0)

/* Whatever their arguments. */
static const char *const calls[] = {
	/* memory */
	"brk",
	"futex",
	"getrandom",
	"madvise",
	"mremap",
	"munmap",

	/* the loop, and waiting */
	"clock_gettime",
	"clock_nanosleep",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"gettimeofday",
	"nanosleep",
	"poll",
	"ppoll",
	"restart_syscall",
	"time",
	"timerfd_settime",

	/* signals to oneself; abort(3) takes tgkill */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"tgkill",

	/* files: which, a filter cannot see. Pins and sockets are removed at the end */
	"access",
	"close",
	"faccessat",
	"faccessat2",
	"fcntl",
	"fstat",
	"getdents64",
	"lseek",
	"lstat",
	"newfstatat",
	"open",
	"openat",
	"openat2",
	"pipe2",
	"pread64",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"rmdir",
	"stat",
	"statx",
	"unlink",
	"unlinkat",
	"write",
	"writev",

	/* runsc's state files, and the socket where sandboxes connect */
	"inotify_add_watch",
	"inotify_init1",
	"inotify_rm_watch",
	"bind",
	"fchmod",
	"listen",

	/* sockets that are open, or of the kinds below */
	"accept4",
	"connect",
	"getsockopt",
	"recvfrom",
	"recvmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",

	/* other processes: signals go through pidfds */
	"pidfd_open",
	"pidfd_send_signal",
	"wait4",
	"waitid",

	/* the tracer of an init that is ended by its status */
	"alarm",
	"exit",
	"exit_group",
	"fork",
	"set_robust_list",
	"setitimer",

	/* who and what we are */
	"geteuid",
	"getpid",
	"getppid",
	"getrlimit",
	"getrusage",
	"gettid",
	"sched_getaffinity",
	"sysinfo",
	"uname",
};

/* Where one argument, or two, are as is said here. A call that is there twice: either will do. */
static const struct {
	const char *name;
	unsigned count;
	struct scmp_arg_cmp conditions[2];
} bound_calls[] = {
	/* memory, but none to run */
	{"mmap", 1, {HAS_NONE_OF(2, PROT_EXEC)}},
	{"mprotect", 1, {HAS_NONE_OF(2, PROT_EXEC)}},

	/* is it a terminal? how much waits there? and at the end, for classic hooks: no more events */
	{"ioctl", 1, {IS(1, TCGETS)}},
	{"ioctl", 1, {IS(1, FIONREAD)}},
	{"ioctl", 1, {IS(1, PERF_EVENT_IOC_DISABLE)}},

	/* none that leads out of the machine: that of the metrics is open already */
	{"socket", 1, {IS(0, AF_UNIX)}},
	{"socket", 2, {IS(0, AF_NETLINK), IS(2, NETLINK_SOCK_DIAG)}},
	{"socketpair", 1, {IS(0, AF_UNIX)}},

	/* what is loaded is used; nothing is loaded, made, attached, or found by its number */
	{"bpf", 1, {IS(0, BPF_MAP_LOOKUP_ELEM)}},
	{"bpf", 1, {IS(0, BPF_MAP_LOOKUP_BATCH)}},
	{"bpf", 1, {IS(0, BPF_MAP_UPDATE_ELEM)}},
	{"bpf", 1, {IS(0, BPF_MAP_DELETE_ELEM)}},
	{"bpf", 1, {IS(0, BPF_MAP_GET_NEXT_KEY)}},
	{"bpf", 1, {IS(0, BPF_OBJ_GET_INFO_BY_FD)}},
	{"bpf", 1, {IS(0, BPF_ITER_CREATE)}},

	/* for our own children */
	{"kill", 1, {IS(1, SIGKILL)}},

	/* the tracer, which writes registers and no memory */
	{"clone", 1, {HAS_NONE_OF(0, CLONE_NAMESPACES)}},
	{"prctl", 1, {IS(0, PR_SET_PDEATHSIG)}},
	{"prctl", 1, {IS(0, PR_SET_NAME)}},
	{"ptrace", 1, {IS(0, PTRACE_SEIZE)}},
	{"ptrace", 1, {IS(0, PTRACE_INTERRUPT)}},
	{"ptrace", 1, {IS(0, PTRACE_SYSCALL)}},
	{"ptrace", 1, {IS(0, PTRACE_DETACH)}},
	{"ptrace", 1, {IS(0, PTRACE_GETREGSET)}},
	{"ptrace", 1, {IS(0, PTRACE_SETREGSET)}},
	{"ptrace", 1, {IS(0, PTRACE_GETSIGINFO)}},
	{"ptrace", 1, {IS(0, PTRACE_GETEVENTMSG)}},
	{"ptrace", 1, {IS(0, PTRACE_GET_SYSCALL_INFO)}},

	/* a limit is read, not set */
	{"prlimit64", 1, {IS_NULL(2)}},
};

static int allow(scmp_filter_ctx filter, const char *name, unsigned count,
		 const struct scmp_arg_cmp *conditions, struct error *error)
{
	int number = seccomp_syscall_resolve_name(name), err;

	if (number == __NR_SCMP_ERROR) /* the library is older than the call */
		return 0;
	err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, conditions);
	return err ? error_set(error, err, "cannot allow the system call %s: %s", name,
			       strerror(-err)) :
		     0;
}

int syscall_rules_add(scmp_filter_ctx filter, struct error *error)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !err; i++)
		err = allow(filter, calls[i], 0, NULL, error);
	for (size_t i = 0; i < sizeof(bound_calls) / sizeof(bound_calls[0]) && !err; i++)
		err = allow(filter, bound_calls[i].name, bound_calls[i].count,
			    bound_calls[i].conditions, error);
	return err;
}
