// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "escape.h"
#include "vexfsd.h"

/* The journal reads the level from the start of a line. */
void say(int level, const char *fmt, ...)
{
	char text[900], line[1000];
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = (size_t)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	escape_text(line, sizeof(line), text, n);
	fprintf(stderr, "<%d>vexfsd: %s\n", level, line);
}
