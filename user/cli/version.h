/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the build was told about itself: `0.1.0`, and the commit. */
extern const char version_number[];
extern const char version_build[];
