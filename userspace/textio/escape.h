/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes text from outside safe for where it is printed: names of collections and files,
 * layouts, events, results, log lines. There is one function for each kind of output, and
 * all such text goes through one of them.
 *
 * For terminals and logs, each byte of a control character (ESC, C1, direction changes,
 * line ends) or of invalid UTF-8 becomes \xHH. Printable text is unchanged, so escaping
 * twice does no harm.
 */
#ifndef VEXFS_COMMON_ESCAPE_H
#define VEXFS_COMMON_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* Bytes of the UTF-8 character at @s, 0 if it is invalid. */
size_t utf8_char(const char *s, size_t left);
/*
 * The code point of the character of @n bytes (not 0) if it is a control: C0, DEL, C1,
 * line breaks, direction changes; 0 for all others.
 */
unsigned int utf8_control(const char *s, size_t n);

/* For terminals and logs: @len bytes of @from into @to, cut to fit between characters. */
char *escape_text(char *to, size_t size, const char *from, size_t len);

/* The same in one of several static buffers, at most 1023 bytes. */
const char *shown(const char *s);
/* For a field of @max bytes that may lack its NUL. */
const char *shown_n(const char *s, size_t max);

/* Text of several lines for a terminal: newlines and tabs stay. */
void escape_lines(FILE *to, const char *s, size_t len);

/* Within an element or a quoted attribute of HTML. */
void escape_html(FILE *to, const char *s);

/* A field of CSV. */
void escape_csv(FILE *to, const char *s);

/* A cell of a Markdown table, in a buffer like that of shown(). */
const char *shown_markdown(const char *s);

/* For libraries that accept UTF-8 only: invalid bytes become U+FFFD. To be freed. */
char *escape_utf8(const char *s);

#endif
