// SPDX-License-Identifier: GPL-2.0
#include "cmdline.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "escape.h"
#include "parse.h"

enum { FIRST = 256, HELP = 'h', VERSION = 'V' };

int cmdline_refuse(const char *program, const char *fmt, ...)
{
	char text[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s\n", program, shown(text));
	return 2;
}

static bool takes_value(const struct cmdline_row *row)
{
	return row->kind != CMDLINE_SET && row->kind != CMDLINE_CLEAR;
}

/* False if @value is not a number within the limits of @row. */
static bool store(const struct cmdline_row *row, const char *value)
{
	uint64_t n;
	double v;

	switch (row->kind) {
	case CMDLINE_SET:
	case CMDLINE_CLEAR:
		*row->to.flag = row->kind == CMDLINE_SET;
		return true;
	case CMDLINE_TEXT:
		*row->to.text = value;
		return true;
	case CMDLINE_COUNT:
		if (!parse_u64(value, &n) || (double)n < row->min || (double)n > row->max)
			return false;
		*row->to.count = n;
		return true;
	case CMDLINE_NUMBER:
		if (!parse_number(value, &v) || v < row->min || v > row->max)
			return false;
		*row->to.number = v;
		return true;
	}
	return false;
}

int cmdline_read(int argc, char **argv, const char *program, const char *usage,
		 const struct cmdline_row *rows)
{
	struct option list[CMDLINE_ROWS + 3] = { 0 };
	char letters[2 * CMDLINE_ROWS + 3] = "hV", *at = letters + 2;
	int n, c;

	for (n = 0; n < CMDLINE_ROWS && rows[n].name; n++) {
		list[n] = (struct option){ rows[n].name, takes_value(&rows[n]), NULL, FIRST + n };
		if (!rows[n].letter)
			continue;
		*at++ = rows[n].letter;
		if (takes_value(&rows[n]))
			*at++ = ':';
	}
	list[n] = (struct option){ "help", no_argument, NULL, HELP };
	list[n + 1] = (struct option){ "version", no_argument, NULL, VERSION };
	while ((c = getopt_long(argc, argv, letters, list, NULL)) != -1) {
		int i = c - FIRST;

		if (c == HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (c == VERSION) {
			printf("%s " VEXFS_VERSION "\n", program);
			return 0;
		}
		if (c == '?') {
			fputs(usage, stderr);
			return 2;
		}
		for (i = i < 0 ? 0 : i; c < FIRST && rows[i].letter != c; i++)
			;
		if (!store(&rows[i], optarg))
			return cmdline_refuse(program, "--%s '%s': a number from %.12g to %.12g expected",
					      rows[i].name, optarg, rows[i].min, rows[i].max);
	}
	return -1;
}
