/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of a gVisor sandbox's trace session: one packet to one event. The sandbox is not
 * trusted: every length is looked at, and what does not fit is a fault with a name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"
#include "core/command_line.h"

enum {
	GVISOR_ID_SIZE = 128,
	/*
	 * Read so much of a packet. Arguments and environment, which come last and may be megabytes, are
	 * cut off; all that is read of a message lies before them.
	 */
	GVISOR_PACKET_SIZE = 32768,
	/* Enough for gvisor_wire_answer. */
	GVISOR_HANDSHAKE_SIZE = 16,
};

enum gvisor_kind {
	GVISOR_OTHER, /* a message that nobody asked for, or of a release to come */
	GVISOR_START, /* a container's init starts; the process is init */
	GVISOR_CLONE, /* the process made another one, or a thread */
	GVISOR_EXEC,  /* the process became another program */
	GVISOR_EXIT,  /* the process has ended. Sent again when a zombie gets another parent */
	/* A thread has ended. The leader's is no proof that the process has. */
	GVISOR_THREAD_EXIT,
};

/* Who did it, and what. Times are of the guest's CLOCK_REALTIME; pids of the sandbox's root namespace. */
struct gvisor_event {
	enum gvisor_kind kind;
	uint32_t dropped; /* messages lost so far in this session; wraps */
	uint64_t time_ns;
	char container[GVISOR_ID_SIZE];
	pid_t tid;
	pid_t pid;
	uint64_t start_ns;
	uint32_t uid;
	char comm[ABI_COMM_SIZE]; /* the thread's; before an exec the old one */
	/* GVISOR_EXEC: what it will be called, most likely. A script's own name is not told. */
	char new_comm[ABI_COMM_SIZE];
	struct command_line args; /* GVISOR_EXEC */
	pid_t child_pid;	  /* GVISOR_CLONE; the process itself if it is a thread */
	uint64_t child_start_ns;
	int status; /* GVISOR_EXIT, GVISOR_THREAD_EXIT: as wait4 gives it */
};

/* Why a message does not fit. */
enum gvisor_fault {
	GVISOR_FITS,
	GVISOR_FAULT_SHORT,	/* ends within its header */
	GVISOR_FAULT_HEADER,	/* says that its header is longer than it is, or too short */
	GVISOR_FAULT_PAYLOAD,	/* is no such protobuf message */
	GVISOR_FAULT_PROCESS,	/* names no process, or an impossible one */
	GVISOR_FAULT_CONTAINER, /* names no container, or one that is not this sandbox's */
	GVISOR_FAULT_COUNT,
};

/* A half sentence: "a message ...". */
const char *gvisor_fault_text(enum gvisor_fault fault);

/* `is_cut`: the packet was longer than what was read of it. Sets *ret_event if it fits. */
enum gvisor_fault gvisor_wire_decode(const uint8_t *packet, size_t len, bool is_cut,
				     struct gvisor_event *ret_event);

/*
 * The answer to a handshake, which must be given at once: the one who connects waits for it for ever.
 * Its length; -EBADMSG if the packet is no handshake of a version that is understood.
 */
int gvisor_wire_answer(const uint8_t *packet, size_t len,
		       uint8_t ret_answer[GVISOR_HANDSHAKE_SIZE]);
