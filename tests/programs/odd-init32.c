/*
 * odd-init32 pause|spin
 *
 * The 32-bit PID 1 of x86-64; without a libc, so that no other compiler has to be installed. See
 * odd-init.
 */
static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

enum { IA32_EXIT = 1, IA32_WRITE = 4, IA32_PAUSE = 29 };

__attribute__((used)) static void run(long *stack)
{
	const char *kind = stack[0] == 2 ? ((const char **)stack)[2] : "";

	if (kind[0] != 'p' && kind[0] != 's')
		call(IA32_EXIT, 99, 0, 0);
	call(IA32_WRITE, 1, (long)"r", 1);
	if (kind[0] == 's')
		for (volatile unsigned long count = 0;; count++)
			;
	for (;;)
		call(IA32_PAUSE, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tpush %eax\n\tcall run\n");
