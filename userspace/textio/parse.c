// SPDX-License-Identifier: GPL-2.0
#include "parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool parse_u64(const char *text, uint64_t *v)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	if (!(*text >= '0' && *text <= '9'))
		return false;
	errno = 0;
	*v = strtoull(text, &end, hex ? 16 : 10);
	return !errno && !*end && end > text + (hex ? 2 : 0);
}

bool parse_number(const char *text, double *v)
{
	char *end;

	/* No blanks, no "nan", no "infinity", no hexadecimal. */
	if (!*text || text[strspn(text, "0123456789+-.eE")])
		return false;
	*v = strtod(text, &end);
	return end > text && !*end && isfinite(*v);
}
