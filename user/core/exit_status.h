/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process ended, and the names of signals. A status here is the one that wait4 gives for a
 * process that has ended, which is also the kernel's task->exit_code; never one of a stopped process.
 * Own code because strsignal gives sentences, sigabbrev_np needs glibc 2.32, and both name real-time
 * signals in their own way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The exit code that stands for an end that was not seen; containerd has the same. */
enum { EXIT_STATUS_UNKNOWN = 255 };

/* Enough for every text of exit_status_text and signal_name. */
#define EXIT_STATUS_TEXT_SIZE 32

/* The exit code, 0 to 255; -1 if a signal killed the process. */
int exit_status_code(int status);

/* The number of the signal that killed the process; 0 if it exited by itself. */
int exit_status_signal(int status);

/* Whether the kernel says that it dumped core; only after a signal. */
bool exit_status_core(int status);

/* Writes `0`, `code 1`, `SIGKILL`, `SIGSEGV (core)`; always NUL-terminated, cut to size. */
void exit_status_text(int status, char *buf, size_t size);

/*
 * Writes `SIGTERM`, for real-time signals `SIGRTMIN` and `SIGRTMIN+3`, and `SIG32` for a number
 * without a name; always NUL-terminated, cut to size. SIGRTMIN is 34, as users of glibc see it,
 * whatever libc this is linked with.
 */
void signal_name(int sig, char *buf, size_t size);

/*
 * Reads a signal's name in any case, with or without SIG (`TERM`, `sigterm`, `RTMIN+3`, `RTMAX-1`,
 * the aliases IOT, CLD, POLL), or its number (`15`, `SIG32`). Returns 1 to 64, or -EINVAL.
 */
int signal_parse(const char *text);
