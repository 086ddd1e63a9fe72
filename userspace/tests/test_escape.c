// SPDX-License-Identifier: GPL-2.0
/*
 * Escaping of hostile text for each kind of output.
 */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "json.h"
#include "tap.h"

/* Window titles, colours, bells, C1 controls, bidirectional controls, line ends, invalid UTF-8. */
static const char *const hostile[] = {
	"\033]0;owned\007", "\033[31mred\033[0m", "two\nlines", "back\r\b\b", "\xc2\x9b" "31m", "\x9b" "31m",
	"\xe2\x80\xae" "gnp.exe", "\xe2\x81\xa6", "\xe2\x80\xa8", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x9f\x98",
	"<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "a,b\"c", "=cmd|' /C calc'!A0",
	"|x|`y`[z](javascript:1)", "\x7f", "\x01\x02\x1f", "</table>", "&lt;",
};

#define NHOSTILE	(sizeof(hostile) / sizeof(hostile[0]))

static char *text;
static size_t len;

static const char *written(FILE *f)
{
	fclose(f);
	return text;
}

/* Contains no control that moves the cursor, no line end, and no invalid UTF-8. */
static bool plain(const char *s)
{
	for (size_t left = strlen(s), n; left; s += n, left -= n) {
		n = utf8_char(s, left);
		if (!n || (unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
		if (n == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0)
			return false;
		if (n == 3 && (!memcmp(s, "\xe2\x80\xae", 3) || !memcmp(s, "\xe2\x80\xa8", 3) ||
			       !memcmp(s, "\xe2\x81\xa6", 3)))
			return false;
	}
	return true;
}

static void every_kind(const char *s)
{
	struct json j;
	const char *out;
	char *utf8;
	FILE *f;
	bool good;

	ok(plain(shown(s)), "terminal: %s", shown(s));
	ok(!strcmp(shown(shown(s)), shown(s)), "escaping twice changes nothing");
	f = open_memstream(&text, &len);
	escape_html(f, s);
	out = written(f);
	ok(plain(out) && !strpbrk(out, "<>\"'"), "HTML: %s", out);
	free(text);
	f = open_memstream(&text, &len);
	json_start(&j, f, false);
	json_string(&j, s);
	out = written(f);
	good = plain(out) && out[0] == '"' && out[strlen(out) - 1] == '"';
	for (const char *p = out + 1; good && p < out + strlen(out) - 1; p++) {
		if (*p == '\\')
			p++;
		else
			good = *p != '"';
	}
	ok(good, "JSON: %s", shown(out));
	free(text);
	f = open_memstream(&text, &len);
	escape_csv(f, s);
	out = written(f);
	good = plain(out) && !strchr("=+-@", *out);
	if (*out == '"')
		for (const char *p = out + 1; good && p < out + strlen(out) - 1; p++)
			good = *p != '"' || *++p == '"';
	else
		good = good && !strpbrk(out, ",\"");
	ok(good, "CSV: %s", out);
	free(text);
	out = shown_markdown(s);
	good = plain(out) && !strchr(out, '<') && *out != '|';
	for (const char *p = out; good && *p; p++)
		good = !strchr("|`[", *p) || (p > out && p[-1] == '\\');
	ok(good, "Markdown: %s", out);
	utf8 = escape_utf8(s);
	good = utf8;
	for (const char *p = utf8; good && *p;) {
		size_t n = utf8_char(p, strlen(p));

		good = n;
		p += n;
	}
	ok(good, "UTF-8");
	free(utf8);
}

int main(void)
{
	char small[8], long_text[5000];
	FILE *f;

	for (size_t i = 0; i < NHOSTILE; i++)
		every_kind(hostile[i]);
	ok(!strcmp(shown("\033[31m\xff\n\xc2\x9b"), "\\x1b[31m\\xff\\x0a\\xc2\\x9b"),
	   "control bytes become \\xHH");
	ok(!strcmp(shown("B\xc3\xbc" "cher \xe2\x82\xac \xf0\x9f\x98\x80 a\\b"),
		   "B\xc3\xbc" "cher \xe2\x82\xac \xf0\x9f\x98\x80 a\\b"), "printable text is unchanged");
	ok(!strcmp(shown_n("abc\033def", 4), "abc\\x1b"), "a field without a terminating zero");
	ok(!strcmp(escape_text(small, sizeof(small), "abcdef\033", 7), "abcdef"),
	   "text that is too long is cut in front of an escape, not within it");
	ok(!strcmp(escape_text(small, sizeof(small), "abcde\xe2\x82\xac", 8), "abcde"),
	   "text that is too long is cut in front of a multi-byte character");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	ok(strlen(shown(long_text)) == 1023 && strlen(shown_markdown(long_text)) < 1024,
	   "long text is cut to the size of the buffer");
	f = open_memstream(&text, &len);
	escape_lines(f, "one\n\ttwo\033[0m\r\n", 14);
	ok(!strcmp(written(f), "one\n\ttwo\\x1b[0m\\x0d\n"),
	   "line feeds and tabs are unchanged in text of several lines");
	free(text);
	return done();
}
