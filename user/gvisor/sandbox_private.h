/* SPDX-License-Identifier: Apache-2.0 */
/* Between the gvisor_sandbox*.c: the sandbox, and who does what about it. */
#pragma once

#include "gvisor/attach.h"
#include "gvisor/reading.h"
#include "gvisor/sandbox.h"
#include "gvisor/stream.h"

enum {
	SANDBOX_ATTACH_FIRST_MS = 10, /* a sandbox that starts does not listen yet; doubled */
	SANDBOX_ATTACH_MOST_MS = 5000,
	SANDBOX_BLIND_MS = 2000, /* not answering for so long: told */
	SANDBOX_ENDED_MS = 50,	 /* a session mostly ends with its sandbox, which is told by then */
	SANDBOX_POLL_MS = 1000,
	SANDBOX_CHECK_MS = 10000,
	SANDBOX_OWNED_MS = 30000, /* until another's session is looked for again */
	/* Doubts are answered after so long, all that came together. */
	SANDBOX_DOUBT_MS = 50,
	SANDBOX_NAMES_MS = 1000, /* after an exec, for the name that the process really has now */
	SANDBOX_STRANGERS = 16,	 /* looked up in one second, at most */
	SANDBOX_LIGHT_TURNS = 6,
	SANDBOX_REMOVED = 64, /* ids that are remembered: their last messages may come late */
};

struct verify_wait {
	struct container *container;
	gvisor_verify_fn on_verified;
	void *context;
	bool is_asked; /* by the reading that is under way */
	struct verify_wait *prev, *next;
};

struct signal_wait {
	struct gvisor_sandbox *sandbox;
	struct container *container; /* NULL: removed */
	struct gvisor_call *call;
	gvisor_signal_fn on_signalled;
	void *context;
	struct signal_wait *prev, *next;
};

struct gvisor_sandbox {
	struct event_base *base;
	struct gvisor_endpoint endpoint;
	struct gvisor_observer observer;
	unsigned poll_ms, check_ms;
	bool may_connect;
	struct gvisor_table *table;
	enum gvisor_mode mode;
	char reason[512];
	struct gvisor_stats stats;

	int pidfd;
	struct event *end;  /* of its host process */
	struct event *tick; /* what the mode does again and again */

	struct gvisor_attach *attach;
	unsigned attach_ms; /* until the next try */
	uint64_t attach_since_ns;
	uint64_t owned_since_ns;
	bool is_refused; /* it sent what does not fit: no events any more */

	struct gvisor_stream *stream;
	bool is_attached; /* the session is one that we created */
	uint32_t dropped;
	uint64_t stranger_since_ns;
	unsigned strangers;
	char (*removed)[GVISOR_ID_SIZE]; /* a ring */
	unsigned removed_count;

	struct gvisor_reading *reading;
	uint64_t mark;	    /* when the reading was begun */
	bool wants_reading; /* of all, as soon as there is none under way */
	bool wants_dump;    /* and thorough */
	unsigned light_count;
	struct event *soon;
	uint64_t soon_ns; /* when it is due */
	struct verify_wait *verifies;
	struct signal_wait *signals;
};

/* sandbox.c */
void sandbox_set_mode(struct gvisor_sandbox *sandbox, enum gvisor_mode mode, const char *reason);
void sandbox_tick_in(struct gvisor_sandbox *sandbox, unsigned ms);
/* The table's clock is that of now. */
void sandbox_set_time(struct gvisor_sandbox *sandbox);

/* sandbox_attach.c */
void sandbox_attach(struct gvisor_sandbox *sandbox);
/* After a stream has ended: tried again, unless it was refused. */
void sandbox_attach_again(struct gvisor_sandbox *sandbox);

/* sandbox_events.c */
int sandbox_open_stream(struct gvisor_sandbox *sandbox, int fd);
void sandbox_note_removed(struct gvisor_sandbox *sandbox, const char *id);

/* sandbox_read.c */
/* Reads all process lists after so long, unless it is to be done sooner. */
void sandbox_read_in(struct gvisor_sandbox *sandbox, unsigned ms);
/* The same, but the dump, which costs the sandbox most, is left out where many live. */
void sandbox_read_lightly_in(struct gvisor_sandbox *sandbox, unsigned ms);
void sandbox_on_soon(evutil_socket_t fd, short what, void *context);
/* As a matter of routine: at once, and with a dump every sixth time. */
void sandbox_read_again(struct gvisor_sandbox *sandbox);
void sandbox_forget_verify(struct gvisor_sandbox *sandbox, const struct container *container);
void sandbox_fail_verifies(struct gvisor_sandbox *sandbox, int err);
void sandbox_free_verifies(struct gvisor_sandbox *sandbox);

/* sandbox_signal.c */
void sandbox_forget_signals(struct gvisor_sandbox *sandbox, const struct container *container);
void sandbox_free_signals(struct gvisor_sandbox *sandbox);
