// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <string.h>

enum { NEAREST_LENGTH_MAX = 32 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: the table of all prefixes, of which three rows are needed. */
unsigned nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_LENGTH_MAX + 1];
	size_t len_a = strlen(a), len_b = strlen(b);

	if (len_a > NEAREST_LENGTH_MAX || len_b > NEAREST_LENGTH_MAX)
		return NEAREST_LENGTH_MAX;
	for (unsigned j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= len_a; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *over = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= len_b; j++) {
			row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]),
				       least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], over[j - 2] + 1);
		}
	}
	return rows[len_a % 3][len_b];
}

const char *nearest_word(const char *text, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	unsigned least_distance = NEAREST_LENGTH_MAX;

	for (size_t i = 0; i < count; i++) {
		unsigned distance = nearest_distance(text, words[i]);

		if (distance < least_distance && distance <= 1 + strlen(words[i]) / 3) {
			least_distance = distance;
			nearest = words[i];
		}
	}
	return nearest;
}
