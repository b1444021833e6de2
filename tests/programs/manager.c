/*
 * manager [-i | -t CODE] [-l] [-r COUNT] [-d MILLISECONDS] PROGRAM [ARG...]
 *
 * A process manager as PID 1: starts PROGRAM, reaps everything, and stays. It is the shape that
 * tini, s6 and supervisord share, for the tests where a shell script cannot play the part.
 *   -i        ignores SIGTERM
 *   -t CODE   on SIGTERM exits with CODE
 *   -l        leaves when PROGRAM has ended, with PROGRAM's exit code
 *   -r COUNT  starts PROGRAM again COUNT times, each time it has ended
 *   -d MS     waits that long before each restart, as supervisord's back-off does
 * With neither -i nor -t SIGTERM has no handler, and the kernel drops it, as it does for any PID 1.
 */
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int code_on_term;
static bool leaves;
static long restarts, delay_ms;

static void leave_on_term(int signal)
{
	(void)signal;
	_exit(code_on_term);
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+it:lr:d:")) != -1) {
		if (option == 'i') {
			signal(SIGTERM, SIG_IGN);
		} else if (option == 't') {
			code_on_term = atoi(optarg);
			signal(SIGTERM, leave_on_term);
		} else if (option == 'l') {
			leaves = true;
		} else if (option == 'r') {
			restarts = atol(optarg);
		} else if (option == 'd') {
			delay_ms = atol(optarg);
		}
	}
	if (optind == argc)
		errx(99, "no program given");
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		err(99, "fork");
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		execvp(argv[0], argv);
		err(99, "%s", argv[0]);
	}
	return pid;
}

static pid_t restart(char **argv)
{
	struct timespec delay = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000};

	restarts--;
	nanosleep(&delay, NULL);
	return start(argv);
}

int main(int argc, char **argv)
{
	pid_t program, ended;
	int status;

	read_options(argc, argv);
	program = start(argv + optind);
	for (;;) {
		ended = wait(&status);
		if (ended < 0)
			pause();
		else if (ended == program && restarts > 0)
			program = restart(argv + optind);
		else if (ended == program && leaves)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}
