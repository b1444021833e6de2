// SPDX-License-Identifier: Apache-2.0
/*
 * refused-calls
 *
 * Loads the programs and gives up rights as the agent does, then does what somebody would who had taken
 * it over. What the kernel said to each is a line of JSON on stdout; what the agent says, its log, on
 * stderr.
 */
#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/privileges.h"
#include "base/log.h"
#include "host/hierarchy.h"

static long execute(void)
{
	char *arguments[] = {NULL};

	return execve("/bin/true", arguments, arguments);
}

static long load_program(void)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static long open_map_by_number(void)
{
	union bpf_attr attr = {.map_id = 1};

	return syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
}

static long call_out(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long listen_to_packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long map_code(void)
{
	void *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return made == MAP_FAILED ? -1 : 0;
}

static long write_to_tracee(void)
{
	return ptrace(PTRACE_POKEDATA, getppid(), NULL, NULL);
}

static long signal_by_number(void)
{
	return kill(getppid(), SIGCONT);
}

static long new_namespace(void)
{
	return unshare(CLONE_NEWNS);
}

static long fork_into_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long mount_something(void)
{
	return syscall(SYS_mount, "none", "/", "tmpfs", MS_ASYNC, NULL);
}

static long load_module(void)
{
	return syscall(SYS_init_module, NULL, 0, "");
}

static long take_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	return syscall(SYS_capset, &header, data);
}

static const struct {
	const char *call;
	long (*make)(void);
} calls[] = {
	{"execve", execute},	       {"bpf", load_program},
	{"bpf", open_map_by_number},   {"socket", call_out},
	{"socket", listen_to_packets}, {"mmap", map_code},
	{"ptrace", write_to_tracee},   {"kill", signal_by_number},
	{"unshare", new_namespace},    {"clone", fork_into_namespace},
	{"mount", mount_something},    {"init_module", load_module},
	{"capset", take_capabilities},
};

static void make_calls(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long result;

		errno = 0;
		result = calls[i].make();
		printf("{\"call\": \"%s\", \"result\": %ld, \"errno\": %d}\n", calls[i].call,
		       result, errno);
	}
	(void)fflush(stdout);
}

/* A child's are told by its parent. */
static void make_child_call(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(sethostname("x", 1) < 0 && errno == ENOSYS ? 0 : 1);
	if (child > 0 && waitpid(child, &(int){0}, 0) != child)
		err(1, "wait");
}

static void ignore_record(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

int main(void)
{
	struct event_base *base = event_base_new();
	struct bpf_source_options options = {.on_record = ignore_record};
	struct hierarchy hierarchy = {0};
	struct bpf_source *source;
	struct rights *rights;
	struct error error;

	log_setup(true, LOG_LEVEL_INFO);
	if (hierarchy_detect("/proc", &hierarchy, &error) < 0)
		errx(1, "%s", error.text);
	options.controller = hierarchy.controller;
	options.settings.hierarchy_id = hierarchy.id;
	if (bpf_source_open(&options, &source, &error) < 0 ||
	    rights_give_up(base, source, &rights, &error) < 0)
		errx(1, "%s", error.text);
	make_calls();
	make_child_call();
	(void)event_base_loop(base, EVLOOP_ONCE);
	printf("{\"refused\": %llu}\n", (unsigned long long)rights_refused_calls(rights));
	rights_free(rights);
	bpf_source_close(source);
	event_base_free(base);
	return 0;
}
