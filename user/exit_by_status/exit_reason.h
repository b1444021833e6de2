/* SPDX-License-Identifier: Apache-2.0 */
/* Why a thread could not be made to exit, as far as procfs tells. */
#pragma once

#include <sys/types.h>

#include "exit_by_status/exit_by_status.h"

/* The kernel has refused to let us trace it. Its tracer, if it has one, is in *ret_tracer, else 0. */
enum exit_by_status_result exit_reason_refused(const struct exit_by_status_request *request,
					       pid_t tid, pid_t *ret_tracer);

/* We trace it, but it does not stop, or reaches no system call. */
enum exit_by_status_result exit_reason_silent(const struct exit_by_status_request *request,
					      pid_t tid);
