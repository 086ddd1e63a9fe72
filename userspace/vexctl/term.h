/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Terminal output: colours, width, wrapped text, and tables that leave out columns which
 * do not fit. If the output is not a terminal nothing is coloured and nothing is left
 * out.
 */
#ifndef VEXCTL_TERM_H
#define VEXCTL_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum tint {
	TINT_PLAIN,
	TINT_STRONG,
	TINT_GOOD,
	TINT_WARN,
	TINT_BAD,
	TINT_HEAD,
};

/* True if standard output is a terminal with colours, and NO_COLOR is not set. */
bool term_colour(void);

/* Width of the terminal of @f; 0 if it is not a terminal. */
int term_width(FILE *f);

/* Escape sequences that begin and end a colour; empty without colours. */
const char *tint(enum tint t);
const char *untint(void);

/*
 * Writes @text, wrapped between words at @width, later lines indented by @indent.
 * @column: where the first line begins; negative to indent it as well. Empty lines
 * separate paragraphs.
 */
void wrap_text(FILE *to, const char *text, int column, int indent, int width);

/* One line on stdout; on a terminal it is wrapped with an indent. */
__attribute__((format(printf, 3, 4)))
void say(enum tint t, int indent, const char *fmt, ...);

/**
 * struct column - of a table
 * @title: its heading
 * @width: its width in columns
 * @left: left-aligned text
 */
struct column {
	const char *title;
	int width;
	bool left;
};

/*
 * A row of a table as text: @cells, or the titles if NULL. Columns that do not fit in
 * @width are left out from the right, 0 leaves out none; no number is ever cut.
 */
void table_format(char *buf, size_t size, const struct column *col, unsigned int n, int width,
		  const char *const *cells);

/* The same on standard output, with its width. */
void table_row(enum tint t, const struct column *col, unsigned int n, const char *const *cells);

/* Formats a cell like printf(), in one of several static buffers. */
__attribute__((format(printf, 1, 2)))
const char *cell(const char *fmt, ...);

#endif
