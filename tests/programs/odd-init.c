/*
 * odd-init KIND
 *
 * A PID 1 in one state: blocked in a system call of that name, busy, with threads, or behind a
 * filter. Says `r` on its standard output once it is about to be there, and stays. For the tests of
 * exit_by_status/exit_by_status, which end it from outside.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void ready(void)
{
	if (write(1, "r", 1) != 1)
		_exit(99);
}

/* A helper that outlives us: in a PID namespace it is killed with its PID 1. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "odd-helper");
		for (;;)
			pause();
	}
	return pid;
}

static void in_wait4(void)
{
	start_child();
	ready();
	for (;;)
		waitpid(-1, NULL, 0);
}

static void in_waitid(void)
{
	siginfo_t info;

	start_child();
	ready();
	for (;;)
		waitid(P_ALL, 0, &info, WEXITED);
}

static void in_poll(void)
{
	ready();
	for (;;)
		poll(NULL, 0, 3600 * 1000);
}

static void in_ppoll(void)
{
	sigset_t set;

	sigemptyset(&set);
	ready();
	for (;;)
		ppoll(NULL, 0, NULL, &set);
}

static void in_select(void)
{
	ready();
	for (;;)
		select(0, NULL, NULL, NULL, NULL);
}

static void in_epoll(void)
{
	struct epoll_event event;
	int fd = epoll_create1(0);

	ready();
	for (;;)
		epoll_wait(fd, &event, 1, -1);
}

static void in_futex(void)
{
	uint32_t word = 0;

	ready();
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void in_futex_timed(void)
{
	struct timespec hour = {.tv_sec = 3600};
	uint32_t word = 0;

	ready();
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &hour, NULL, 0);
}

/* Ends with 98 if its sleep was cut short: then whoever let it go has harmed it. */
static void in_nanosleep(void)
{
	struct timespec hour = {.tv_sec = 3600};

	ready();
	nanosleep(&hour, NULL);
	_exit(98);
}

static void in_read(void)
{
	char byte;
	int fds[2];

	if (pipe(fds) < 0)
		_exit(99);
	ready();
	_exit(read(fds[0], &byte, 1) < 0 ? 97 : 98);
}

static void in_recv(void)
{
	char byte;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		_exit(99);
	ready();
	_exit(recv(fds[0], &byte, 1, 0) < 0 ? 97 : 98);
}

static void in_msgrcv(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	char message[32];

	msgctl(queue, IPC_RMID, NULL);
	queue = msgget(IPC_PRIVATE, 0600);
	ready();
	for (;;)
		if (msgrcv(queue, message, sizeof(message) - sizeof(long), 0, 0) < 0 &&
		    errno != EINTR)
			_exit(97);
}

static void in_sigsuspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	ready();
	for (;;)
		sigsuspend(&set);
}

static void in_sigwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ready();
	for (;;)
		sigwaitinfo(&set, NULL);
}

/* An open of a fifo without a reader, which has lost its name already. */
static void in_open(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/odd-init-%d-%ld", getpid(), (long)time(NULL));
	unlink(path);
	if (mkfifo(path, 0600) < 0)
		_exit(99);
	fd = open(path, O_PATH | O_CLOEXEC);
	unlink(path);
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	ready();
	for (;;)
		close(open(path, O_WRONLY | O_CLOEXEC));
}

static void spin(void)
{
	for (volatile unsigned long count = 0;; count++)
		;
}

static void in_user_mode(void)
{
	ready();
	spin();
}

static void *spin_in_thread(void *unused)
{
	spin();
	return unused;
}

/* The vDSO is gone: a system call instruction has to be found elsewhere. */
static void without_vdso(void)
{
	char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);

	if (munmap(vdso, 4096) < 0 && munmap(vdso, 8192) < 0)
		_exit(99);
	ready();
	spin();
}

static void in_many_calls(void)
{
	ready();
	for (;;)
		syscall(SYS_getppid);
}

static void forking(void)
{
	ready();
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void on_alarm(int unused)
{
	(void)unused;
}

/* A signal handler runs every 50 microseconds. */
static void with_signals(void)
{
	struct itimerval timer = {{0, 50}, {0, 50}};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
	ready();
	for (;;)
		pause();
}

static void *sleep_in_thread(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void start_threads(void *(*run)(void *), int count)
{
	pthread_t thread;

	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, run, NULL) != 0)
			_exit(99);
}

static void with_threads(void)
{
	pthread_t thread;

	start_threads(sleep_in_thread, 6);
	pthread_create(&thread, NULL, spin_in_thread, NULL);
	ready();
	pthread_join(thread, NULL);
}

static void *be_ready_without_leader(void *leader)
{
	pthread_join(*(pthread_t *)leader, NULL);
	ready();
	return sleep_in_thread(NULL);
}

static void without_leader(void)
{
	static pthread_t leader;
	pthread_t thread;

	leader = pthread_self();
	pthread_create(&thread, NULL, be_ready_without_leader, &leader);
	start_threads(sleep_in_thread, 3);
	pthread_exit(NULL);
}

static void *vfork_and_stay(void *unused)
{
	if (vfork() == 0) {
		ready();
		for (;;)
			pause();
	}
	return unused;
}

/* Its only thread waits for its child, and cannot be interrupted. */
static void in_vfork(void)
{
	vfork_and_stay(NULL);
}

/* The leader cannot be interrupted, another thread can. */
static void leader_in_vfork(void)
{
	start_threads(sleep_in_thread, 1);
	vfork_and_stay(NULL);
}

/* exit_group is answered with `action`; whatever else is allowed. */
static int install_filter(uint32_t action, unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};
	long fd;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (fd < 0)
		_exit(99);
	return (int)fd;
}

static void behind_filter(void)
{
	install_filter(SECCOMP_RET_ALLOW, 0);
	in_read();
}

static void filter_refuses(void)
{
	install_filter(SECCOMP_RET_ERRNO | EPERM, 0);
	in_read();
}

static void filter_refuses_sleeper(void)
{
	install_filter(SECCOMP_RET_ERRNO | EPERM, 0);
	in_nanosleep();
}

static void filter_refuses_spinner(void)
{
	install_filter(SECCOMP_RET_ERRNO | EPERM, 0);
	ready();
	spin();
}

static void filter_traps(void)
{
	install_filter(SECCOMP_RET_TRAP, 0);
	in_read();
}

static void filter_kills(void)
{
	install_filter(SECCOMP_RET_KILL_PROCESS, 0);
	in_read();
}

static void filter_asks(void)
{
	install_filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	in_read();
}

#ifdef __x86_64__
/* pause() of i386, made by 64-bit code. */
static void by_int_0x80(void)
{
	ready();
	for (;;) {
		long result = 29;

		__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	}
}
#endif

static const struct {
	const char *name;
	void (*be)(void);
} kinds[] = {
	{"wait4", in_wait4},
	{"waitid", in_waitid},
	{"poll", in_poll},
	{"ppoll", in_ppoll},
	{"select", in_select},
	{"epoll", in_epoll},
	{"futex", in_futex},
	{"futex-timed", in_futex_timed},
	{"nanosleep", in_nanosleep},
	{"read", in_read},
	{"recv", in_recv},
	{"msgrcv", in_msgrcv},
	{"sigsuspend", in_sigsuspend},
	{"sigwait", in_sigwait},
	{"open", in_open},
	{"spin", in_user_mode},
	{"spin-without-vdso", without_vdso},
	{"calls", in_many_calls},
	{"forking", forking},
	{"signals", with_signals},
	{"threads", with_threads},
	{"leader-gone", without_leader},
	{"vfork", in_vfork},
	{"leader-in-vfork", leader_in_vfork},
	{"seccomp-allows", behind_filter},
	{"seccomp-refuses", filter_refuses},
	{"seccomp-refuses-sleeper", filter_refuses_sleeper},
	{"seccomp-refuses-spinner", filter_refuses_spinner},
	{"seccomp-traps", filter_traps},
	{"seccomp-kills", filter_kills},
	{"seccomp-asks", filter_asks},
#ifdef __x86_64__
	{"int-0x80", by_int_0x80},
#endif
};

static void start_task(const char *command)
{
	if (fork() == 0) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(99);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3)
		start_task(argv[2]);
	for (size_t i = 0; argc >= 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, argv[1]) == 0)
			kinds[i].be();
	errx(99, "usage: odd-init KIND [COMMAND OF A TASK]");
}
