/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text that somebody else chose, made fit for where it is printed: names of
 * collections and files, layouts, events, results, lines of logs. For each kind of
 * output there is one function, and nothing of that text is printed without it.
 *
 * For a terminal and for logs every byte of a control character (ESC, C1, what turns
 * the direction of writing, line ends) or of what is no UTF-8 becomes \xHH. What is
 * printable stays, so text that was escaped already is not changed again.
 */
#ifndef VEXFS_COMMON_ESCAPE_H
#define VEXFS_COMMON_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* Bytes of the UTF-8 character at @s, 0 when it is none. */
size_t utf8_char(const char *s, size_t left);
/*
 * Its number, when that character of @n bytes (not 0) is a control: C0, DEL, C1, and
 * what breaks a line or turns its direction; 0 for all others.
 */
unsigned int utf8_control(const char *s, size_t n);

/* Terminal and logs: @len bytes of @from into @to, cut to fit between characters. */
char *escape_text(char *to, size_t size, const char *from, size_t len);

/* The same in one of a few buffers that are taken in turn, of at most 1023 bytes. */
const char *shown(const char *s);
/* Of a field of @max bytes that may lack its 0. */
const char *shown_n(const char *s, size_t max);

/* Several lines of text to a terminal: line ends and tabs stay. */
void escape_lines(FILE *to, const char *s, size_t len);

/* Within an element or a quoted attribute of HTML. */
void escape_html(FILE *to, const char *s);

/* A field of CSV. */
void escape_csv(FILE *to, const char *s);

/* A cell of a Markdown table, in a buffer as that of shown(). */
const char *shown_markdown(const char *s);

/* For libraries that take UTF-8 only: what is none becomes U+FFFD. To be freed. */
char *escape_utf8(const char *s);

#endif
