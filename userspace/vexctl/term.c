// SPDX-License-Identifier: GPL-2.0
/* Colours, wrapping and tables for a terminal. Without a terminal all output is plain. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "escape.h"
#include "term.h"

/* Longer lines are hard to read, however wide the terminal is. */
#define WIDTH_MAX	100

bool term_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && *term && strcmp(term, "dumb") && isatty(STDOUT_FILENO);
}

int term_width(FILE *f)
{
	struct winsize ws;

	return ioctl(fileno(f), TIOCGWINSZ, &ws) ? 0 : ws.ws_col;
}

const char *tint(enum tint t)
{
	static const char *const codes[] = {
		[TINT_PLAIN] = "", [TINT_STRONG] = "\033[1m", [TINT_GOOD] = "\033[32m",
		[TINT_WARN] = "\033[33m", [TINT_BAD] = "\033[31m", [TINT_HEAD] = "\033[7m",
	};

	return term_colour() ? codes[t] : "";
}

const char *untint(void)
{
	return term_colour() ? "\033[0m" : "";
}

void wrap_text(FILE *to, const char *text, int column, int indent, int width)
{
	bool fresh = column < 0, first = true;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (!fresh && !first && column + 1 + len > width) {
			fputc('\n', to);
			fresh = true;
		}
		if (fresh)
			column = fprintf(to, "%*s%.*s", indent, "", len, text);
		else
			column += fprintf(to, "%s%.*s", first ? "" : " ", len, text);
		fresh = false;
		first = false;
		text += len;
		if (text[0] == '\n' && text[1] == '\n') {
			fputs("\n\n", to);
			fresh = true;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', to);
}

void say(enum tint t, int indent, const char *fmt, ...)
{
	int width = term_width(stdout);
	char raw[1000], text[4000];
	va_list args;

	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	escape_text(text, sizeof(text), raw, strlen(raw));
	fputs(tint(t), stdout);
	if (width && (int)strlen(text) > width) {
		/* Leading spaces stay, so that lines are aligned. */
		int head = (int)strlen(text) < indent ? 0 : indent;

		printf("%.*s", head, text);
		wrap_text(stdout, text + head, head, indent, width < WIDTH_MAX ? width : WIDTH_MAX);
		fputs(untint(), stdout);
	} else {
		printf("%s%s\n", text, untint());
	}
}

void table_format(char *buf, size_t size, const struct column *col, unsigned int n, int width,
		  const char *const *cells)
{
	size_t used = 0;
	int total = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < n && used < size; i++) {
		const char *text = cells ? shown(cells[i]) : col[i].title;

		total += col[i].width + !!i;
		if (i && width && total > width)
			break;
		used += (size_t)snprintf(buf + used, size - used, col[i].left ? "%s%-*s" : "%s%*s",
					 i ? " " : "", col[i].width, text);
	}
	/* No blanks after the last column. */
	for (used = strlen(buf); used && buf[used - 1] == ' '; used--)
		buf[used - 1] = '\0';
}

void table_row(enum tint t, const struct column *col, unsigned int n, const char *const *cells)
{
	char text[512];

	table_format(text, sizeof(text), col, n, term_width(stdout), cells);
	printf("%s%s%s\n", tint(t), text, untint());
}

const char *cell(const char *fmt, ...)
{
	static char ring[16][80];
	static unsigned int at;
	char *to = ring[at++ % 16];
	va_list args;

	va_start(args, fmt);
	vsnprintf(to, sizeof(ring[0]), fmt, args);
	va_end(args);
	return to;
}
