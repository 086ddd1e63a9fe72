// SPDX-License-Identifier: GPL-2.0
/* Escaping: see escape.h. JSON escapes are in json.c, which shares utf8_char(). */
#include "escape.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RING		16
#define RING_SIZE	1024

static const char not_utf8[] = "\xef\xbf\xbd";

size_t utf8_char(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	if (!left)
		return 0;
	n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, code points that are too large. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

unsigned int utf8_control(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int c = *s;

	if (n == 2)
		c = (s[0] & 31u) << 6 | (s[1] & 63u);
	else if (n == 3)
		c = (s[0] & 15u) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u);
	else if (n != 1)
		return 0;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ? c : 0;
}

/*
 * Writes the character at @s to @out as a terminal may receive it. Sets @taken to its
 * bytes and returns the bytes written. An invalid byte is taken by itself.
 */
static size_t one_char(const char *s, size_t left, char out[16], size_t *taken)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = utf8_char(s, left), at = 0;

	*taken = n ? n : 1;
	if (n && *s && !utf8_control(s, n)) {
		memcpy(out, s, n);
		return n;
	}
	for (size_t i = 0; i < *taken; i++) {
		out[at++] = '\\';
		out[at++] = 'x';
		out[at++] = hex[(unsigned char)s[i] >> 4];
		out[at++] = hex[(unsigned char)s[i] & 15];
	}
	return at;
}

char *escape_text(char *to, size_t size, const char *from, size_t len)
{
	size_t at = 0;

	while (len) {
		char out[16];
		size_t taken, n = one_char(from, len, out, &taken);

		if (at + n >= size)
			break;
		memcpy(to + at, out, n);
		at += n;
		from += taken;
		len -= taken;
	}
	to[at] = '\0';
	return to;
}

static char *next_buffer(void)
{
	static __thread char ring[RING][RING_SIZE];
	static __thread unsigned int at;

	return ring[at++ % RING];
}

const char *shown_n(const char *s, size_t max)
{
	return escape_text(next_buffer(), RING_SIZE, s, strnlen(s, max));
}

const char *shown(const char *s)
{
	return s ? shown_n(s, strlen(s)) : "";
}

void escape_lines(FILE *to, const char *s, size_t len)
{
	while (len) {
		char out[16];
		size_t taken, n;

		if (*s == '\n' || *s == '\t') {
			fputc(*s++, to);
			len--;
			continue;
		}
		n = one_char(s, len, out, &taken);
		fwrite(out, 1, n, to);
		s += taken;
		len -= taken;
	}
}

void escape_html(FILE *to, const char *s)
{
	size_t left = s ? strlen(s) : 0;

	while (left) {
		size_t n = utf8_char(s, left), taken = n ? n : 1;

		if (!n || utf8_control(s, n))
			fputs(not_utf8, to);
		else if (*s == '<')
			fputs("&lt;", to);
		else if (*s == '>')
			fputs("&gt;", to);
		else if (*s == '&')
			fputs("&amp;", to);
		else if (*s == '"')
			fputs("&quot;", to);
		else if (*s == '\'')
			fputs("&#39;", to);
		else
			fwrite(s, 1, n, to);
		s += taken;
		left -= taken;
	}
}

void escape_csv(FILE *to, const char *s)
{
	const char *text = shown(s);
	/* A spreadsheet takes text that begins with these for a formula. */
	bool formula = *text && strchr("=+-@", *text);

	if (!formula && !strpbrk(text, ",\"; ")) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	if (formula)
		fputc('\'', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

const char *shown_markdown(const char *s)
{
	const char *text = shown(s);
	char *to = next_buffer();
	size_t at = 0;

	for (; *text && at + 7 < RING_SIZE; text++) {
		if (*text == '<') {
			memcpy(to + at, "&lt;", 4);
			at += 4;
			continue;
		}
		if (strchr("|`[]\\", *text))
			to[at++] = '\\';
		to[at++] = *text;
	}
	to[at] = '\0';
	return to;
}

char *escape_utf8(const char *s)
{
	size_t left = strlen(s), at = 0;
	char *out = malloc(3 * left + 1);

	while (out && left) {
		size_t n = utf8_char(s, left), taken = n ? n : 1;

		memcpy(out + at, n ? s : not_utf8, n ? n : 3);
		at += n ? n : 3;
		s += taken;
		left -= taken;
	}
	if (out)
		out[at] = '\0';
	return out;
}
