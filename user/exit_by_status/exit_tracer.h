/* SPDX-License-Identifier: Apache-2.0 */
/* What the small process of exit_by_status does: one attempt, from the first look to the report. */
#pragma once

#include "exit_by_status/exit_by_status.h"

/* With SIGCHLD blocked, in a process that ends when this returns. */
void exit_tracer_run(const struct exit_by_status_request *request,
		     struct exit_by_status_report *ret_report);
