// SPDX-License-Identifier: Apache-2.0
#include "exit_by_status/registers.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

int registers_read(pid_t tid, struct registers *ret_registers)
{
	struct registers registers = {0};
	struct iovec iov = {.iov_base = &registers.set, .iov_len = sizeof(registers.set)};

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return -errno;
	registers.size = iov.iov_len;
	*ret_registers = registers;
	return 0;
}

int registers_write(pid_t tid, const struct registers *registers)
{
	struct registers copy = *registers;
	struct iovec iov = {.iov_base = &copy.set, .iov_len = copy.size};

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

#if defined(__x86_64__)

enum {
	IA32_EXIT_GROUP = 252,
	INSTRUCTION_SIZE = 2, /* of syscall and of int $0x80; the kernel itself counts on it */
};

static bool is_compat(const struct registers *registers)
{
	return registers->size == sizeof(registers->set.compat);
}

int registers_enter_exit(pid_t tid, const struct registers *registers, uint32_t arch, int code)
{
	struct registers changed = *registers;

	if (is_compat(registers)) {
		changed.set.compat.orig_eax = IA32_EXIT_GROUP;
		changed.set.compat.ebx = (uint32_t)code;
	} else if (arch == AUDIT_ARCH_I386) { /* int $0x80 in 64-bit code */
		changed.set.native.orig_rax = IA32_EXIT_GROUP;
		changed.set.native.rbx = (uint64_t)code;
	} else if (arch == AUDIT_ARCH_X86_64) { /* also from x32: the number without its bit */
		changed.set.native.orig_rax = SYS_exit_group;
		changed.set.native.rdi = (uint64_t)code;
	} else {
		return -EOPNOTSUPP;
	}
	return registers_write(tid, &changed);
}

void registers_rewind(struct registers *registers)
{
	if (is_compat(registers)) {
		registers->set.compat.eax = registers->set.compat.orig_eax;
		registers->set.compat.eip -= INSTRUCTION_SIZE;
	} else {
		registers->set.native.rax = registers->set.native.orig_rax;
		registers->set.native.rip -= INSTRUCTION_SIZE;
	}
}

/* orig_rax -1: it comes from no system call that the kernel might want to restart. */
void registers_aim(struct registers *registers, uint64_t address, int code)
{
	if (is_compat(registers)) {
		registers->set.compat.eax = IA32_EXIT_GROUP;
		registers->set.compat.ebx = (uint32_t)code;
		registers->set.compat.eip = (uint32_t)address;
		registers->set.compat.orig_eax = UINT32_MAX;
	} else {
		registers->set.native.rax = SYS_exit_group;
		registers->set.native.rdi = (uint64_t)code;
		registers->set.native.rip = address;
		registers->set.native.orig_rax = UINT64_MAX;
	}
}

int registers_instruction(const struct registers *registers, struct syscall_instruction *ret)
{
	static const unsigned char syscall[] = {0x0f, 0x05}, int_0x80[] = {0xcd, 0x80};

	ret->bytes = is_compat(registers) ? int_0x80 : syscall;
	ret->len = INSTRUCTION_SIZE;
	ret->align = 1; /* any two bytes will do: it does not come back */
	return 0;
}

#else

enum { INSTRUCTION_SIZE = 4 };

/*
 * The number is not among the registers once the call has been entered. It is written first: killed
 * between the two, we leave a process that ends with a wrong code, not one that made its own call
 * with a wrong argument.
 */
int registers_enter_exit(pid_t tid, const struct registers *registers, uint32_t arch, int code)
{
	struct registers changed = *registers;
	int number = SYS_exit_group;
	struct iovec iov = {.iov_base = &number, .iov_len = sizeof(number)};

	if (arch != AUDIT_ARCH_AARCH64 || registers->size != sizeof(registers->set.native))
		return -EOPNOTSUPP;
	changed.set.native.regs[0] = (uint64_t)code;
	if (ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &iov) < 0)
		return -errno;
	return registers_write(tid, &changed);
}

/* x0 still has the argument, x8 the number: only the instruction has to be run again. */
void registers_rewind(struct registers *registers)
{
	registers->set.native.pc -= INSTRUCTION_SIZE;
}

void registers_aim(struct registers *registers, uint64_t address, int code)
{
	registers->set.native.regs[8] = SYS_exit_group;
	registers->set.native.regs[0] = (uint64_t)code;
	registers->set.native.pc = address;
}

int registers_instruction(const struct registers *registers, struct syscall_instruction *ret)
{
	static const unsigned char svc[] = {0x01, 0x00, 0x00, 0xd4};

	if (registers->size != sizeof(registers->set.native))
		return -EOPNOTSUPP;
	ret->bytes = svc;
	ret->len = INSTRUCTION_SIZE;
	ret->align = INSTRUCTION_SIZE;
	return 0;
}

#endif
