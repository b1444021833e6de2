// SPDX-License-Identifier: Apache-2.0
/*
 * Init of the guest. The kernel's command line says what to do: guest=v2, v1, load, or shell. Ends
 * with the line `KERNELS-RESULT PASS|FAIL ...`; without it the machine died.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

static unsigned checks, failures;
static const char *place = "start";

bool check(bool is_true, const char *format, ...)
{
	va_list args;

	checks++;
	if (is_true)
		return true;
	failures++;
	printf("FAILED %s: ", place);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	printf("\n");
	return false;
}

bool has_failed(void)
{
	return failures;
}

int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With both variants of the hooks; the ground may differ between the two as well. */
static void test_both(const struct ground *with_tracefs, const struct ground *without)
{
	for (int has_tracefs = 1; has_tracefs >= 0; has_tracefs--) {
		const struct ground *ground = has_tracefs ? with_tracefs : without;
		static char name[64];

		(void)snprintf(name, sizeof(name), "%s, %s hooks", ground->name,
			       ground_hooks(has_tracefs));
		place = name;
		printf("%s\n", name);
		ground_mount(ground);
		ground_set_tracefs(has_tracefs);
		(void)unsetenv("LASTOUT_HOOKS");
		test_check(has_tracefs);
		/* Both variants have to work, whatever lastout would take. */
		(void)setenv("LASTOUT_HOOKS", ground_hooks(has_tracefs), 1);
		test_exits();
		/* Where many runs are left out, exact outcomes are no fair demand: see guest_load.c. */
		if (ground_is_lossless() || has_tracefs) {
			test_finish(ground);
			test_pins(ground);
		}
		ground_set_tracefs(false);
		ground_unmount(ground);
	}
}

static void test_under_load(void)
{
	place = "load, btf hooks";
	ground_mount(&ground_v2);
	test_load(&ground_v2);
	ground_unmount(&ground_v2);
}

static void run_shell(void)
{
	ground_mount(&ground_v2);
	ground_set_tracefs(true);
	if (fork() == 0) {
		(void)execl("/bin/busybox", "sh", "-l", (char *)NULL);
		_exit(127);
	}
	(void)wait(NULL);
}

static void power_off(void)
{
	(void)fflush(stdout);
	sync();
	(void)reboot(RB_POWER_OFF);
}

static void on_failure(void)
{
	printf("KERNELS-RESULT FAIL it could not go on after %u checks\n", checks);
	power_off();
}

/* From the kernel's command line, by way of the environment of init. */
static void run_guest(const char *what)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	setvbuf(stdout, NULL, _IOLBF, 0);
	ground_mount_basics();
	(void)setrlimit(RLIMIT_CORE, &limit);
	if (chdir("/tmp") < 0)
		err(1, "/tmp");
	if (what && strcmp(what, "v2") == 0)
		test_both(&ground_v2, &ground_v2);
	else if (what && strcmp(what, "v1") == 0)
		test_both(&ground_v1, &ground_hybrid);
	else if (what && strcmp(what, "load") == 0)
		test_under_load();
	else if (what && strcmp(what, "shell") == 0)
		run_shell();
	else
		errx(1, "guest=v2|v1|load|shell is missing from the command line");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "life") == 0)
		return life_main(argv[2]);
	if (getpid() != 1)
		errx(2, "this is the init of a virtual machine; see tests/kernels/README.md");
	(void)atexit(on_failure);
	run_guest(getenv("guest"));
	printf("KERNELS-RESULT %s %u checks, %u failed\n", failures ? "FAIL" : "PASS", checks,
	       failures);
	power_off();
}
