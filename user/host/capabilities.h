/* SPDX-License-Identifier: Apache-2.0 */
/* What root may do, by kinds: capabilities(7). A set is a word with the bit of each. */
#pragma once

#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>

#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

/* As long as the names of all of them together. */
enum { CAPABILITIES_TEXT_SIZE = 1024 };

/* Those that this process has or could take. */
uint64_t capabilities_read(void);

/*
 * Gives up for good all but `kept`, of those that this process has, and takes `used` of them into
 * use. With CAP_SETPCAP also of the bounding set. 0 or a negative errno.
 */
int capabilities_keep(uint64_t kept, uint64_t used);

/* From now on exec gives no rights that were not there before: no_new_privs. 0 or a negative errno. */
int capabilities_gain_none(void);

/* `kill,sys_ptrace`, in the order of their numbers; `none`. */
void capabilities_put(uint64_t set, char *ret_text, size_t size);
