/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy does: the keys that `defaults` and each policy have in common. */
#pragma once

#include "config/keys.h"

/* Each takes its value into a struct policy; for tables of keys. */
int setting_settle(const struct report *report, const struct tree *value, int index, void *policy);
int setting_signal(const struct report *report, const struct tree *value, int index, void *policy);
int setting_grace(const struct report *report, const struct tree *value, int index, void *policy);
int setting_status(const struct report *report, const struct tree *value, int index, void *policy);
int setting_injected(const struct report *report, const struct tree *value, int index,
		     void *policy);
int setting_host_pid(const struct report *report, const struct tree *value, int index,
		     void *policy);
int setting_limit(const struct report *report, const struct tree *value, int index, void *policy);
int setting_restart_codes(const struct report *report, const struct tree *value, int index,
			  void *policy);
int setting_restart_settle(const struct report *report, const struct tree *value, int index,
			   void *policy);
