/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a terminal can show: colours, its width, text wrapped to it, and tables
 * that leave out columns which do not fit. Where the output is no terminal
 * nothing is coloured and nothing is left out.
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

/* Standard output is a terminal that shows colours, and NO_COLOR is not set. */
bool term_colour(void);

/* Columns of the terminal behind @f; 0 when it is none. */
int term_width(FILE *f);

/* What begins a tint and ends it: nothing where there are no colours. */
const char *tint(enum tint t);
const char *untint(void);

/*
 * Writes @text, broken between words at @width, later lines indented by @indent.
 * @column: where the first line begins; negative to indent it as well. Empty
 * lines part paragraphs.
 */
void wrap_text(FILE *to, const char *text, int column, int indent, int width);

/* One line on stdout, its continuations indented, when a terminal makes it break. */
__attribute__((format(printf, 3, 4)))
void say(enum tint t, int indent, const char *fmt, ...);

/**
 * struct column - of a table
 * @title: its head
 * @width: columns of the terminal it takes
 * @left: text begins at the left
 */
struct column {
	const char *title;
	int width;
	bool left;
};

/*
 * A row of a table as text: @cells, or the titles when NULL. The columns that do
 * not fit in @width as a whole are left out from the right, 0 leaves out none, so
 * no number is ever cut.
 */
void table_format(char *buf, size_t size, const struct column *col, unsigned int n, int width,
		  const char *const *cells);

/* The same on standard output, as wide as that is. */
void table_row(enum tint t, const struct column *col, unsigned int n, const char *const *cells);

/* A cell as printf() would write it, in one of a few buffers taken in turn. */
__attribute__((format(printf, 1, 2)))
const char *cell(const char *fmt, ...);

#endif
