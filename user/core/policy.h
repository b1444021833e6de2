/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator wants done, and for which containers. Pure. A set of policies is ordered:
 * the first that matches counts. All strings and arrays are owned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/command_line.h"
#include "core/container.h"
#include "core/identity.h"
#include "core/lifecycle.h"
#include "core/managers.h"
#include "core/program.h"

enum policy_action {
	POLICY_FINISH,
	POLICY_WATCH,  /* follow it and report, but never end its init */
	POLICY_IGNORE, /* have nothing to do with it, whatever it says itself */
};

/* How init is made to end. */
enum policy_status {
	POLICY_STATUS_SIGNAL, /* by the signal, with the status that this gives */
	POLICY_STATUS_TASK,   /* with the status of the last task */
	POLICY_STATUS_WORST,  /* with that of the first task that failed; else as TASK */
};

/* One must match. Count 0: the key was not given, and anything fits. */
struct policy_globs {
	char **globs;
	size_t count;
};

struct policy_pair {
	char *key;
	struct policy_globs values;
};

/* Each key must be there, with a value that one of its globs matches. */
struct policy_pairs {
	struct policy_pair *pairs;
	size_t count;
};

/* The keys of `match`, in two kinds. What a container does not have matches no glob, not even `*`. */
enum policy_key {
	POLICY_INIT, /* init's command name, the base name of its argv[0], its script or module */
	POLICY_MANAGER, /* row of the table of managers; a glob for all names means supervisors only */
	POLICY_CONTAINER, /* its name, or its id */
	POLICY_IMAGE,
	POLICY_RUNTIME, /* as runtime_name has it */
	POLICY_CGROUP,	/* its path */
	POLICY_NAMESPACE,
	POLICY_POD,
	POLICY_KEY_COUNT,
};

enum policy_pair_key {
	POLICY_LABEL,
	POLICY_ANNOTATION,
	POLICY_ENV,
	POLICY_PAIR_KEY_COUNT,
};

/* At most so many finishes of one workload in each window. Count 0: no limit. */
struct policy_limit {
	unsigned count;
	uint64_t window_ns;
};

struct policy {
	char *name;
	struct policy_globs match[POLICY_KEY_COUNT];
	struct policy_pairs pairs[POLICY_PAIR_KEY_COUNT];
	bool has_match;	    /* false: only by the container's own choice */
	bool is_selectable; /* containers may choose it */
	bool is_for_choice; /* only so: its `match` says which containers may choose it */
	enum policy_action action;
	struct lifecycle_timing timing;
	uint64_t restart_settle_ns; /* the settle after an end that a restart may follow */
	bool has_settle; /* its own, this and the next: the table of managers is passed over */
	bool has_restart_settle;
	int signal; /* asked with */
	enum policy_status status;
	bool injected_holds;   /* docker exec and the like keep the container alive */
	bool host_pid_allowed; /* init may be in the host's PID namespace */
	struct policy_limit limit;
};

struct policy_set {
	struct policy defaults; /* named "defaults", matches nothing: for containers without policy */
	struct policy *policies;
	size_t count;
};

/* --- making them --- */

/* A set without policies and with the built-in defaults. 0 or -ENOMEM. */
int policy_set_init(struct policy_set *set);
/* Zeroed is fine. */
void policy_set_done(struct policy_set *set);

/*
 * Adds a policy at the end that has the settings of set->defaults as they are now, matches nothing
 * and is not selectable. The set owns it; the next one added may move it. 0 or -ENOMEM.
 */
int policy_set_add(struct policy_set *set, const char *name, struct policy **ret_policy);

/* NULL: there is none of that name; the defaults have no name here. */
const struct policy *policy_set_find(const struct policy_set *set, const char *name);

/* Each adds a copy. 0 or -ENOMEM. The first glob for a key does not set has_match. */
int policy_globs_add(struct policy_globs *globs, const char *glob);
int policy_pairs_add(struct policy_pairs *pairs, const char *key, struct policy_pair **ret_pair);

/*
 * Whether a policy is no choice, because every key that it gives matches about everything that every
 * container has: `init: "*"`. A glob for what not every container has (pod, namespace, label,
 * annotation, env) is a choice. False without has_match.
 */
bool policy_matches_everything(const struct policy *policy);

/* --- choosing one --- */

/* What a policy is held against. */
struct policy_subject {
	const struct identity *identity;
	const char *cgroup; /* path */
	const char *comm;   /* init's command name; "" unknown */
	const struct command_line *init_args;
	const struct program *formers; /* what init was before; `init` matches those, too */
	unsigned former_count;
	const struct command_line *led_args; /* of the supervisor that init leads to, if it does */
	/*
	 * Whether something may be missing in `identity` because it could not be read, or not yet. What
	 * is there is known in any case.
	 */
	bool is_unread;
};

/* How a policy, or a key of its `match`, fits. */
enum policy_fit {
	POLICY_DIFFERS,
	POLICY_UNREAD, /* it may: something it asks about is not readable, or not yet */
	POLICY_FITS,
};

/* Why a policy was chosen. */
enum policy_why {
	POLICY_NONE, /* none was: watch only */
	POLICY_MATCHED,
	POLICY_BY_ANNOTATION, /* by the container's own choice, this and the next two */
	POLICY_BY_LABEL,
	POLICY_BY_ENV,
};

struct policy_choice {
	const struct policy *policy; /* NULL: watch only */
	enum policy_why why;
	bool is_off; /* the container chose `off`; `why` tells where */
	/*
	 * What the container asked for in vain: no policy of this name is selectable, or there is none.
	 * Its own words, in the identity; NULL: nothing.
	 */
	const char *rejected;
	/*
	 * Nothing is chosen because something is not readable that comes first: this policy, or, if that
	 * is NULL, what the container itself says. The key of it that is not readable; NULL: all was.
	 */
	const struct policy *unread;
	const char *unread_key;
	bool may_finish; /* one of the policies that may be the one says `finish` */
};

/*
 * From strongest to weakest:
 *  1. the first policy that matches, if its action is `ignore`: nobody chooses a way out of that;
 *  2. the container's own choice: the name of a selectable policy, or `off`. Of annotation and label
 *     `lastout/policy` and environment LASTOUT_POLICY, in this order, the first that is there and not
 *     empty is heard. If what it says is not to be had, it is as if the container had said nothing;
 *  3. the first policy that matches;
 *  4. none.
 */
struct policy_choice policy_set_choose(const struct policy_set *set,
				       const struct policy_subject *subject);

/*
 * Whether all keys of `match` fit. If not, *ret_key is the name of the first that does not, or, if none
 * differs, that is not readable: "init", "label", …; "match" if the policy has none.
 */
enum policy_fit policy_fits(const struct policy *policy, const struct policy_subject *subject,
			    const char **ret_key);

/* The same key; NULL: all fit. */
const char *policy_mismatch(const struct policy *policy, const struct policy_subject *subject);

/* --- the safety check `manager` --- */

/*
 * Whether init may be ended when its tasks have: it is a supervisor of the table, or leads to one, or
 * the policy names it: by `manager`, or by `init` with an exact name or a pattern of three literal
 * characters or more. An interpreter is named by its script or module, a shell also by its own name. 0,
 * or -EPERM with the reason and the remedy in `error`.
 */
int policy_check_manager(const struct policy *policy, const struct policy_subject *subject,
			 struct error *error);

/* --- settle --- */

struct policy_settle {
	uint64_t ns;
	const char *key;  /* "settle" or "restart_settle" */
	const char *from; /* "policy", "manager" (its row of the table) or "defaults" */
	const char *why;  /* what the last task did, a half sentence */
};

/*
 * How long to settle after this last end: `settle` if it exited with 0 after a second or more, else
 * `restart_settle`, but never less than settle. A policy's own settings come before those of the
 * manager's row, and those before the defaults. `manager` may be NULL.
 */
struct policy_settle policy_settle(const struct policy *policy, const struct manager *manager,
				   const struct ended *last);

/* --- names, as in the configuration --- */

const char *policy_key_name(enum policy_key key);
const char *policy_pair_key_name(enum policy_pair_key key);
const char *policy_action_name(enum policy_action action);
const char *policy_status_name(enum policy_status status);
