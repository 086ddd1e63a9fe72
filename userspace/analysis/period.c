// SPDX-License-Identifier: GPL-2.0
/* Parses periods such as "7d ago to 6d ago". */
#include "period.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* A sanity limit: a thousand years. */
#define LENGTH_MAX_S	31536000000ll

static const char *skip(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* Parses a number and its unit at @s; returns its end, or NULL. */
static const char *read_length(const char *s, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {
		{ "seconds", 1 }, { "second", 1 }, { "minutes", 60 }, { "minute", 60 },
		{ "hours", 3600 }, { "hour", 3600 }, { "days", 86400 }, { "day", 86400 },
		{ "weeks", 604800 }, { "week", 604800 }, { "min", 60 }, { "ms", 0 }, { "s", 1 },
		{ "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 },
	};
	char *end;
	double n;

	if (!isdigit((unsigned char)*s))
		return NULL;
	n = strtod(s, &end);
	s = skip(end);
	*ms = (int64_t)(n * 1000);
	if (!(n >= 0) || n > (double)LENGTH_MAX_S)
		return NULL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);

		if (strncasecmp(s, units[i].name, len) || isalpha((unsigned char)s[len]))
			continue;
		if (n * (double)units[i].seconds > (double)LENGTH_MAX_S)
			return NULL;
		*ms = units[i].seconds ? (int64_t)(n * 1000) * units[i].seconds : (int64_t)n;
		return s + len;
	}
	return isalpha((unsigned char)*s) ? NULL : s;
}

bool period_length(const char *text, int64_t *ms)
{
	const char *end = read_length(skip(text), ms);

	return end && !*skip(end) && *ms > 0;
}

static int64_t midnight(int64_t now_ms, int days)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	localtime_r(&now, &tm);
	tm.tm_sec = tm.tm_min = tm.tm_hour = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;	/* a day may have 23 hours or 25 */
	return (int64_t)mktime(&tm) * 1000;
}

/* A date with or without a time, in local time or with Z. */
static bool read_date(const char *s, int64_t *ms)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
		"%Y-%m-%d",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(s, forms[i], &tm);

		if (!end)
			continue;
		if (!*skip(end))
			*ms = (int64_t)mktime(&tm) * 1000;
		else if (*end == 'Z' && !*skip(end + 1))
			*ms = (int64_t)timegm(&tm) * 1000;
		else
			continue;
		return true;
	}
	return false;
}

/* "7d" or "7d ago". */
static bool read_back(const char *s, int64_t now, int64_t *ms)
{
	int64_t back;
	const char *end = read_length(s, &back);

	end = end ? skip(end) : NULL;
	if (!end || (*end && strcasecmp(end, "ago")))
		return false;
	*ms = now - back;
	return true;
}

static bool read_moment(const char *s, int64_t now, int64_t *ms)
{
	if (!strcasecmp(s, "now"))
		*ms = now;
	else if (!strcasecmp(s, "today"))
		*ms = midnight(now, 0);
	else if (!strcasecmp(s, "yesterday"))
		*ms = midnight(now, -1);
	else
		return read_back(s, now, ms) || read_date(s, ms);
	return true;
}

static int check(const struct period *p, int64_t now, const char *text, char *why, size_t size)
{
	if (p->from >= p->to) {
		snprintf(why, size, "the period '%.100s' is empty: it ends before it begins", text);
		return -1;
	}
	if (p->from >= now) {
		snprintf(why, size, "the period '%.100s' lies in the future", text);
		return -1;
	}
	return 0;
}

int period_parse(const char *text, int64_t now, struct period *p, char *why, size_t size)
{
	char from[80], to[80];
	const char *mid = NULL, *s = skip(text);
	size_t len = strlen(s);

	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	for (const char *q = s; *q; q++)
		if (!strncasecmp(q, " to ", 4))
			mid = q;
	p->to = now;
	if (len && len < sizeof(from) && !mid) {
		memcpy(from, s, len);
		from[len] = '\0';
		if (!strcasecmp(from, "yesterday"))
			p->to = midnight(now, 0);
		if (read_moment(from, now, &p->from))
			return check(p, now, text, why, size);
	} else if (mid && (size_t)(mid - s) < sizeof(from) && len - (size_t)(mid - s) - 4 < sizeof(to) &&
		   len >= (size_t)(mid - s) + 4) {
		const char *t = skip(mid + 4);

		while (mid > s && isspace((unsigned char)mid[-1]))
			mid--;
		snprintf(from, sizeof(from), "%.*s", (int)(mid - s), s);
		snprintf(to, sizeof(to), "%.*s", (int)(s + len - t), t);
		if (read_moment(from, now, &p->from) && read_moment(to, now, &p->to))
			return check(p, now, text, why, size);
	}
	snprintf(why, size, "'%.100s' is not a period; write \"1h\", \"7d ago to 6d ago\", \"yesterday\" "
		 "or \"2026-11-01 08:00 to 2026-11-01 09:30\"", text);
	return -1;
}

bool parse_share(const char *text, double *v)
{
	char *end;

	*v = strtod(text, &end);
	if (end == text || !isfinite(*v) || *v < 0)
		return false;
	end = (char *)skip(end);
	if (*end == '%') {
		*v /= 100;
		end = (char *)skip(end + 1);
	}
	return !*end;
}

#define TEXTS	8

static char *next_text(void)
{
	static char text[TEXTS][48];
	static unsigned int at;

	return text[at++ % TEXTS];
}

const char *time_text(int64_t ms)
{
	char *text = next_text();
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(text, 48, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, 48, "?");
	return text;
}

const char *length_text(int64_t ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 } };
	char *text = next_text();

	for (size_t i = 0; i < 4; i++) {
		int64_t n = ms / units[i].ms, rest = ms % units[i].ms;

		if (!n)
			continue;
		if (i < 3 && rest >= units[i + 1].ms)
			snprintf(text, 48, "%lld %s %lld %s", (long long)n, units[i].name,
				 (long long)(rest / units[i + 1].ms), units[i + 1].name);
		else
			snprintf(text, 48, "%lld %s", (long long)n, units[i].name);
		return text;
	}
	snprintf(text, 48, "%lld ms", (long long)ms);
	return text;
}
