/* SPDX-License-Identifier: Apache-2.0 */
/* Being quick on a host that has no time to spare. */
#pragma once

/*
 * Takes precedence over ordinary processes (nice; as a session's leader, that of its autogroup, too), and keeps
 * what is in memory there. What the host refuses stays as it was: it is no reason not to run.
 */
void scheduling_take_precedence(void);
