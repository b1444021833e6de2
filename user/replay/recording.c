// SPDX-License-Identifier: Apache-2.0
#include "replay/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int recording_init(struct recording *recording, FILE *file)
{
	memset(recording, 0, sizeof(*recording));
	recording->file = file;
	recording->line = malloc(RECORDING_LINE_MAX + 1);
	return recording->line ? 0 : -ENOMEM;
}

void recording_done(struct recording *recording)
{
	free(recording->line);
	memset(recording, 0, sizeof(*recording));
}

/* Not getline, which would take a gigabyte without a newline into memory. */
int recording_next(struct recording *recording)
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(recording->file)) != EOF && c != '\n') {
		if (len < RECORDING_LINE_MAX)
			recording->line[len] = (char)c;
		len++;
	}
	if (ferror(recording->file))
		return errno ? -errno : -EIO;
	if (c == EOF && !len)
		return 0;
	recording->number++;
	recording->is_cut = c == EOF;
	if (len > RECORDING_LINE_MAX)
		return -EMSGSIZE;
	recording->line[len] = '\0';
	recording->len = len;
	return 1;
}
