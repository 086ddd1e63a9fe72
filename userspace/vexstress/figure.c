// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers in tables for people: as many digits as are significant, groups of three, no
 * exponent. Programs read the JSON.
 */
#include "vexstress.h"

#include <math.h>
#include <string.h>

/* No measured value is larger. */
#define DECIMALS_MAX	9

/* 1234567 becomes 1,234,567; @from begins with digits. */
static void group(char *to, size_t size, const char *from)
{
	size_t digits = strspn(from, "0123456789"), at = 0, i;

	for (i = 0; i < digits && at + 2 < size; i++) {
		if (i && !((digits - i) % 3))
			to[at++] = ',';
		to[at++] = from[i];
	}
	snprintf(to + at, size - at, "%s", from + digits);
}

const char *vx_figure(double v)
{
	static __thread char ring[16][48];
	static __thread unsigned int at;
	char *out = ring[at++ % 16], text[40];
	double a = fabs(v);
	int decimals;

	if (!isfinite(v) || a >= 1e18) {
		snprintf(out, sizeof(ring[0]), isnan(v) ? "?" : v < 0 ? "-infinite" : "infinite");
		return out;
	}
	decimals = a >= 1000 ? 0 : a >= 100 ? 1 : a >= 1 || a == 0 ? 3 : 3 - (int)floor(log10(a));
	snprintf(text, sizeof(text), "%.*f", decimals < DECIMALS_MAX ? decimals : DECIMALS_MAX, a);
	if (strchr(text, '.')) {
		char *end = text + strlen(text);

		while (end[-1] == '0')
			*--end = 0;
		if (end[-1] == '.')
			*--end = 0;
	}
	*out = '-';
	group(out + (v < 0), sizeof(ring[0]) - 1, text);
	return out;
}
