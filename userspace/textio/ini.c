// SPDX-License-Identifier: GPL-2.0
/*
 * Reads files of [sections] with "key = value" lines. It never guesses: a line that it
 * cannot parse is refused with its number.
 */
#include "ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES	1024

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

static int read_line(char *s, char *section, ini_fn fn, void *arg, char *why, size_t size)
{
	char *value = NULL, *p;

	s = trim(s);
	if (!*s || *s == '#' || *s == ';')
		return 0;
	if (*s == '[') {
		p = strchr(s, ']');
		if (!p || p[1] || p == s + 1) {
			snprintf(why, size, "a section is written [name]");
			return -1;
		}
		*p = 0;
		strcpy(section, trim(s + 1));
		return fn(arg, section, NULL, NULL, why, size);
	}
	p = strchr(s, '=');
	if (p) {
		*p = 0;
		value = trim(p + 1);
		s = trim(s);
	}
	if (!*s) {
		snprintf(why, size, "there is nothing before the '='");
		return -1;
	}
	if (!*section) {
		snprintf(why, size, "a key before the first [section]");
		return -1;
	}
	return fn(arg, section, s, value, why, size);
}

int ini_read(const char *path, ini_fn fn, void *arg, char *why, size_t size)
{
	char buf[LINE_MAX_BYTES], section[LINE_MAX_BYTES] = "", reason[400] = "";
	FILE *f = fopen(path, "re");
	int line = 0, ret = 0;

	if (!f) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	while (!ret && fgets(buf, sizeof(buf), f)) {
		line++;
		if (!strchr(buf, '\n') && !feof(f)) {
			snprintf(reason, sizeof(reason), "the line is longer than %d bytes",
				 LINE_MAX_BYTES - 2);
			ret = -1;
		} else {
			ret = read_line(buf, section, fn, arg, reason, sizeof(reason));
		}
	}
	if (ret)
		snprintf(why, size, "%s:%d: %s", path, line, reason);
	else if (ferror(f)) {
		snprintf(why, size, "%s: cannot be read: %s", path, strerror(errno));
		ret = -1;
	}
	fclose(f);
	return ret ? -1 : 0;
}
