/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent may do once its programs are loaded, and before it reads a byte that a container had a
 * say in: few capabilities, no new ones, few system calls. docs/security.md says what each is for.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "host/capabilities.h"
#include "kernel/bpf.h"

struct rights;

/*
 * Gives up for good what is not needed any more. Calls that are refused from now on are logged by the
 * loop of `base`, each kind once. Without filters in the kernel: a warning in the log.
 */
int rights_give_up(struct event_base *base, const struct bpf_source *source,
		   struct rights **ret_rights, struct error *error);

/*
 * Gives up for good what only classic hooks need: CAP_SYS_ADMIN, which Debian's kernels ask of a tracepoint's
 * perf event (kernel.perf_event_paranoid 3). Kept where it stands in for CAP_BPF and CAP_PERFMON.
 */
void rights_give_up_classic(void);

/* As at the start of the service: no capability but those of its unit. 0 or a negative errno. */
int rights_take_services(void);

/* Logs what was refused and not yet told. NULL is fine. What was given up stays given up. */
void rights_free(struct rights *rights);

/* Capabilities that are kept. */
uint64_t rights_capabilities(const struct rights *rights);
/* Whether system calls are filtered. */
bool rights_has_filter(const struct rights *rights);
/* System calls that were refused, here and in children. */
uint64_t rights_refused_calls(const struct rights *rights);

enum rights_lack {
	RIGHTS_COMPLETE,
	RIGHTS_LESS, /* `run` works without, but less well */
	RIGHTS_TOO_FEW,
};

/* Whether this process could be `run`, in words: what it lacks, or else what it would keep. */
enum rights_lack rights_describe(struct error *ret_text);
