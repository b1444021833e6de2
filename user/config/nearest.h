/* SPDX-License-Identifier: Apache-2.0 */
/* The word that somebody meant who wrote another one. */
#pragma once

#include <stddef.h>

/*
 * How many letters must be put in, left out, replaced or swapped with their neighbour to make one
 * text of the other. At most 32: longer texts than that are as far away.
 */
unsigned nearest_distance(const char *a, const char *b);

/* The nearest of the words; NULL if none is near, with one and a third of its letters at most wrong. */
const char *nearest_word(const char *text, const char *const *words, size_t count);
