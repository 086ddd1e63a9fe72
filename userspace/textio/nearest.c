// SPDX-License-Identifier: GPL-2.0
/* "Did you mean": the known name nearest to a misspelt one, or none if all are far. */
#include "nearest.h"

#include <limits.h>

#include <string.h>

/* Edit distance: insertions, deletions, substitutions, transpositions. */
static unsigned int edits(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i, j;
	unsigned int row[3][64];

	if (la >= 63 || lb >= 63)
		return UINT_MAX;
	for (j = 0; j <= lb; j++)
		row[0][j] = j;
	for (i = 1; i <= la; i++) {
		unsigned int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			unsigned int best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *nearest_name(const char *name, const char *const *names, size_t n)
{
	unsigned int best = UINT_MAX;
	const char *out = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned int d = edits(name, names[i]);

		if (!strncmp(name, names[i], strlen(name)) && strlen(name) > 1)
			d = 1;
		/* "dimension" for "dim" */
		if (strlen(names[i]) > 2 && !strncmp(name, names[i], strlen(names[i])))
			d = 1;
		if (d < best) {
			best = d;
			out = names[i];
		}
	}
	return best <= 1 + strlen(name) / 3 ? out : NULL;
}
