/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP for the tests of userspace: ok() counts and prints, done() prints the plan
 * and gives the exit status. The files of a program share the counts.
 */
#ifndef VEXFS_TESTS_TAP_H
#define VEXFS_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

__attribute__((weak)) unsigned int tap_run, tap_failed;

__attribute__((format(printf, 2, 3), unused))
static bool ok(bool good, const char *fmt, ...)
{
	va_list args;

	tap_failed += !good;
	printf("%sok %u - ", good ? "" : "not ", ++tap_run);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	return good;
}

__attribute__((unused))
static void skip(const char *what, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_run, what, why);
}

__attribute__((unused))
static int done(void)
{
	printf("1..%u\n", tap_run);
	return tap_failed ? 1 : 0;
}

#endif
