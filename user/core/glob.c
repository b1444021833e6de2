// SPDX-License-Identifier: Apache-2.0
#include "core/glob.h"

#include <fnmatch.h>
#include <stddef.h>

/*
 * No two share their first or their last character, so that `[!x]*` and `*[!x]` miss one at most,
 * whatever x is; and one only is shorter than three characters, and one shorter than four.
 */
static const char *const improbable_names[] = {
	"~",
	"#Q4",
	"Zq-w0X",
	"8/:5.Jk@",
	"_vWz%97,+Y",
	"jxq0=ZK~.^81y",
	"\xc3\xb8Q_6!3|;KwzX9-x4$",
	"x7&W{q}0-J.5_Vz/9kQ@^3bR,t%=+8H*6?",
};

#define NAME_COUNT (sizeof(improbable_names) / sizeof(improbable_names[0]))

bool glob_matches(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

bool glob_matches_everything(const char *pattern)
{
	size_t missed = 0;

	for (size_t i = 0; i < NAME_COUNT; i++)
		missed += !glob_matches(pattern, improbable_names[i]);
	return missed <= 1;
}
