/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of a stopped thread, as far as one system call is concerned: exit_group. x86-64 with
 * its 32-bit programs, and arm64 without.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__x86_64__)
#include <sys/user.h>
#elif defined(__aarch64__)
#include <asm/ptrace.h>
#else
#error "lastout knows the registers of x86-64 and arm64"
#endif

/* As the thread has them: what the kernel gives says whether it runs 32-bit code. */
struct registers {
	union {
#if defined(__x86_64__)
		struct user_regs_struct native;
		struct {
			uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip,
				cs, eflags, esp, ss;
		} compat;
#else
		struct user_pt_regs native;
		uint32_t compat[18];
#endif
	} set;
	size_t size;
};

/* The instruction that makes a system call. */
struct syscall_instruction {
	const unsigned char *bytes;
	size_t len;
	size_t align;
};

/* 0 or a negative errno; -ESRCH if the thread is not stopped, or dead. */
int registers_read(pid_t tid, struct registers *ret_registers);
int registers_write(pid_t tid, const struct registers *registers);

/*
 * For a thread that stands at the entry of a system call of the ABI `arch` (AUDIT_ARCH_…) with
 * these registers: makes it exit_group(code). -EOPNOTSUPP for an ABI that is not known.
 */
int registers_enter_exit(pid_t tid, const struct registers *registers, uint32_t arch, int code);

/* Turns registers that stand at the entry of a system call into those that make it again. */
void registers_rewind(struct registers *registers);

/*
 * Turns the registers of a thread in user mode into those that call exit_group(code) with the
 * instruction at `address`: all that is needed, so that the thread may be let go at any time.
 */
void registers_aim(struct registers *registers, uint64_t address, int code);

/* -EOPNOTSUPP for code that is not known. */
int registers_instruction(const struct registers *registers, struct syscall_instruction *ret);
