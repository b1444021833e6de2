// SPDX-License-Identifier: Apache-2.0
/*
 * Can a BTF hook be preempted? Then another process that exits on the same CPU meets a program that is
 * already running, and the kernel skips its run. Until 6.19 each tracepoint disabled preemption around
 * its programs; since 7.0 the classic ones do so themselves, and BTF ones run without.
 *
 * Measured: a program on task_rename reads the CPU's preemption count while this process renames
 * itself (0 on 7.3; 1 on 6.18 and 2 on 6.1). The kernel's version is wrong where a distribution has
 * carried the change back; it decides only where the count cannot be read: x86 without KALLSYMS_ALL.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/private.h"

static struct bpf_insn insn(uint8_t code, uint8_t to, uint8_t from, int16_t offset, uint32_t value)
{
	return (struct bpf_insn){
		.code = code, .dst_reg = to, .src_reg = from, .off = offset, .imm = (int32_t)value};
}

static struct bpf_insn call(uint32_t function)
{
	return insn(BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

static struct bpf_insn move(uint8_t to, uint8_t from)
{
	return insn(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

/* `operation`: BPF_ADD and its kind, with a constant. */
static struct bpf_insn compute(uint8_t operation, uint8_t reg, uint32_t value)
{
	return insn(BPF_ALU64 | BPF_K | operation, reg, 0, 0, value);
}

enum {
	PREEMPT_DISABLED = 0xff, /* PREEMPT_MASK: how often preemption was disabled */
	PREEMPT_SEEN = 0x100,
	PROBE_INSNS_MAX = 32,
	KERNEL_PREEMPTS = 7, /* the first major version that does, where nothing can be measured */
};

/* Where the count is: in a per-CPU variable (x86), or in the task's thread_info. */
struct place {
	uint32_t variable; /* its BTF id; 0: thread_info, which is first in task_struct */
	uint32_t offset;
};

struct program {
	struct bpf_insn insns[PROBE_INSNS_MAX];
	size_t count;
};

/* Also within structs and unions without a name. */
static bool find_member(const struct btf *btf, uint32_t type_id, const char *name,
			uint32_t *ret_offset)
{
	const struct btf_type *type = btf__type_by_id(btf, type_id);
	const struct btf_member *member;

	if (!type || !btf_is_composite(type))
		return false;
	member = btf_members(type);
	for (uint32_t i = 0; i < btf_vlen(type); i++, member++) {
		const char *its_name = btf__name_by_offset(btf, member->name_off);
		uint32_t offset = btf_member_bit_offset(type, i) / 8, inner;

		if (strcmp(its_name, name) == 0) {
			*ret_offset = offset;
			return true;
		}
		if (!its_name[0] && find_member(btf, member->type, name, &inner)) {
			*ret_offset = offset + inner;
			return true;
		}
	}
	return false;
}

static bool find_place(const struct btf *btf, struct place *ret_place)
{
	int32_t id = btf__find_by_name_kind(btf, "__preempt_count", BTF_KIND_VAR);

	*ret_place = (struct place){0};
	if (id > 0) {
		ret_place->variable = (uint32_t)id;
		return true;
	}
	id = btf__find_by_name_kind(btf, "pcpu_hot", BTF_KIND_VAR); /* x86 from 6.2 to 6.14 */
	if (id > 0) {
		ret_place->variable = (uint32_t)id;
		return find_member(btf, btf__type_by_id(btf, (uint32_t)id)->type, "preempt_count",
				   &ret_place->offset);
	}
	id = btf__find_by_name_kind(btf, "thread_info", BTF_KIND_STRUCT);
	return id > 0 && find_member(btf, (uint32_t)id, "preempt_count", &ret_place->offset);
}

static void put(struct program *program, struct bpf_insn insn)
{
	program->insns[program->count++] = insn;
}

/* A 64 bit constant, which takes two instructions: what it is, is in `kind`. */
static void put_constant(struct program *program, uint8_t reg, uint8_t kind, uint32_t value)
{
	put(program, insn(BPF_LD | BPF_DW | BPF_IMM, reg, kind, 0, value));
	put(program, insn(0, 0, 0, 0, 0));
}

/* Of this process alone: *value = PREEMPT_SEEN | how often preemption is disabled. */
static void write_program(struct program *program, const struct place *place, int map)
{
	struct bpf_insn *skip;

	put(program, call(BPF_FUNC_get_current_pid_tgid));
	put(program, compute(BPF_RSH, BPF_REG_0, 32));
	skip = &program->insns[program->count];
	put(program, insn(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, (uint32_t)getpid()));
	if (place->variable) {
		put_constant(program, BPF_REG_1, BPF_PSEUDO_BTF_ID, place->variable);
		put(program, call(BPF_FUNC_this_cpu_ptr));
	} else {
		put(program, call(BPF_FUNC_get_current_task));
	}
	put(program, move(BPF_REG_3, BPF_REG_0));
	put(program, compute(BPF_ADD, BPF_REG_3, place->offset));
	put(program, move(BPF_REG_1, BPF_REG_10));
	put(program, compute(BPF_ADD, BPF_REG_1, (uint32_t)-8));
	put(program, compute(BPF_MOV, BPF_REG_2, sizeof(uint32_t)));
	put(program, call(BPF_FUNC_probe_read_kernel));
	put(program, insn(BPF_LDX | BPF_W | BPF_MEM, BPF_REG_1, BPF_REG_10, -8, 0));
	put(program, compute(BPF_AND, BPF_REG_1, PREEMPT_DISABLED));
	put(program, compute(BPF_OR, BPF_REG_1, PREEMPT_SEEN));
	put_constant(program, BPF_REG_2, BPF_PSEUDO_MAP_VALUE, (uint32_t)map);
	put(program, insn(BPF_STX | BPF_W | BPF_MEM, BPF_REG_2, BPF_REG_1, 0, 0));
	skip->off = (int16_t)(&program->insns[program->count] - skip - 1);
	put(program, compute(BPF_MOV, BPF_REG_0, 0));
	put(program, insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

static int load_program(const struct btf *btf, const struct place *place, int map)
{
	int32_t hook = btf__find_by_name_kind(btf, "btf_trace_task_rename", BTF_KIND_TYPEDEF);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = (uint32_t)hook);
	struct program program = {0};
	int fd;

	if (hook < 0)
		return hook;
	write_program(&program, place, map);
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "lastout_probe", "GPL", program.insns,
			   program.count, &options);
	return fd < 0 ? -errno : fd;
}

static void rename_self(void)
{
	char name[16]; /* TASK_COMM_LEN */

	if (prctl(PR_GET_NAME, name) == 0)
		(void)prctl(PR_SET_NAME, name);
}

/* How often preemption is disabled in a BTF hook; a negative errno: that cannot be measured. */
static int measure(const struct btf *btf)
{
	uint32_t zero = 0, value = 0;
	struct place place;
	_cleanup_close_ int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lastout_probe", sizeof(zero),
						 sizeof(value), 1, NULL);
	_cleanup_close_ int program = -1, link = -1;

	if (map < 0)
		return -errno;
	if (!find_place(btf, &place))
		return -ENOENT;
	program = load_program(btf, &place, map);
	if (program < 0)
		return program;
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link < 0)
		return -errno;
	rename_self();
	if (bpf_map_lookup_elem(map, &zero, &value) < 0)
		return -errno;
	return value & PREEMPT_SEEN ? (int)(value & PREEMPT_DISABLED) : -ENODATA;
}

static bool is_new_kernel(void)
{
	struct utsname kernel;
	unsigned major;

	return uname(&kernel) < 0 || sscanf(kernel.release, "%u", &major) != 1 ||
	       major >= KERNEL_PREEMPTS;
}

bool bpf_preempt_reaches_hooks(const struct btf *btf)
{
	int disabled;

	/* A kernel without preemption of its own does not count either. */
	if (btf__find_by_name_kind(btf, "preempt_schedule", BTF_KIND_FUNC) < 0)
		return false;
	disabled = measure(btf);
	return disabled < 0 ? is_new_kernel() : disabled == 0;
}
