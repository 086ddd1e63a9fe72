/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Command lines of programs with a handful of options: one table per program. --help and
 * --version need no row. vexctl and vexstress have tables of their own, since theirs are also
 * the source of man pages and completion.
 */
#ifndef TEXTIO_CMDLINE_H
#define TEXTIO_CMDLINE_H

#include <stdbool.h>
#include <stdint.h>

enum cmdline_kind {
	CMDLINE_SET = 1,	/* no value: *to.flag becomes true */
	CMDLINE_CLEAR,		/* no value: *to.flag becomes false */
	CMDLINE_TEXT,		/* *to.text */
	CMDLINE_COUNT,		/* an integer from @min to @max, *to.count */
	CMDLINE_NUMBER,		/* any number from @min to @max, *to.number */
};

/**
 * struct cmdline_row - an option
 * @name: without the dashes; NULL ends a table
 * @letter: short form, or 0
 * @kind: enum cmdline_kind
 * @to: where its value goes
 * @min: smallest number
 * @max: largest number
 */
struct cmdline_row {
	const char *name;
	char letter;
	enum cmdline_kind kind;
	union {
		bool *flag;
		const char **text;
		uint64_t *count;
		double *number;
	} to;
	double min, max;
};

#define CMDLINE_ROWS	20

/*
 * Reads the options; optind is then the first argument. Returns -1 to go on, or the exit code:
 * 0 after --help or --version, 2 after a message. @usage: the whole text of --help.
 */
int cmdline_read(int argc, char **argv, const char *program, const char *usage,
		 const struct cmdline_row *rows);

/* "PROGRAM: MESSAGE" on stderr; returns 2, the exit code of a wrong command line. */
__attribute__((format(printf, 2, 3)))
int cmdline_refuse(const char *program, const char *fmt, ...);

#endif
