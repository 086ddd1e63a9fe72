// SPDX-License-Identifier: GPL-2.0
/*
 * The two text formats. They differ in the place of "_total", in "# UNIT", in what HELP
 * escapes, and in the end mark.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "exposition.h"

static bool make_room(struct expo *e, size_t more)
{
	size_t room = e->room ? e->room : 1 << 18;
	char *text;

	if (e->error)
		return false;
	if (more > e->limit || e->len > e->limit - more) {
		e->error = EFBIG;
		return false;
	}
	if (e->room - e->len >= more)
		return true;
	while (room - e->len < more)
		room *= 2;
	text = realloc(e->text, room);
	if (!text) {
		e->error = ENOMEM;
		return false;
	}
	e->text = text;
	e->room = room;
	return true;
}

/* A response has tens of thousands of pieces: those that fit are copied at once. */
static inline void put_n(struct expo *e, const char *s, size_t n)
{
	size_t end = e->len + n;

	if ((e->error || end > e->room || end > e->limit) && !make_room(e, n))
		return;
	memcpy(e->text + e->len, s, n);
	e->len = end;
}

static inline void put(struct expo *e, const char *s)
{
	put_n(e, s, strlen(s));
}

/* Once more what is in the text from @at on. */
static void put_again(struct expo *e, size_t at, size_t n)
{
	if (!make_room(e, n))
		return;
	memcpy(e->text + e->len, e->text + at, n);
	e->len += n;
}

/* How many bytes stand for themselves in both formats. */
static size_t plain(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~' && s[n] != '\\' && s[n] != '"')
		n++;
	return n;
}

/* Invalid UTF-8 would make the whole text unreadable. */
static void put_escaped(struct expo *e, const char *s, bool quotes)
{
	size_t left = strlen(s);

	while (left) {
		size_t n = plain(s);

		if (n) {
			put_n(e, s, n);
			s += n;
			left -= n;
			continue;
		}
		n = utf8_char(s, left);
		if (!n) {
			put(e, "\xef\xbf\xbd");
			n = 1;
		} else if (*s == '\\') {
			put(e, "\\\\");
		} else if (*s == '\n') {
			put(e, "\\n");
		} else if (*s == '"' && quotes) {
			put(e, "\\\"");
		} else {
			put_n(e, s, n);
		}
		s += n;
		left -= n;
	}
}

/* ---- which format ---- */

static size_t trim(const char **s, size_t n)
{
	while (n && (**s == ' ' || **s == '\t')) {
		(*s)++;
		n--;
	}
	while (n && ((*s)[n - 1] == ' ' || (*s)[n - 1] == '\t'))
		n--;
	return n;
}

static bool same(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && !strncasecmp(s, word, n);
}

/* In thousandths; an invalid weight counts as 0. */
static unsigned int weight(const char *s, size_t n)
{
	unsigned int v, scale = 100;

	if (!n || (*s != '0' && *s != '1'))
		return 0;
	v = *s == '1' ? 1000 : 0;
	if (n > 1 && s[1] != '.')
		return 0;
	for (size_t i = 2; i < n && scale; i++, scale /= 10) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		v += (unsigned int)(s[i] - '0') * scale;
	}
	return v > 1000 ? 1000 : v;
}

/* One media range: returns its weight; *@open: it means OpenMetrics. */
static unsigned int read_range(const char *s, size_t n, bool *open)
{
	const char *semi = memchr(s, ';', n), *part = s;
	size_t len = semi ? (size_t)(semi - s) : n;
	unsigned int q = 1000;
	bool known = true;

	len = trim(&part, len);
	*open = same(part, len, "application/openmetrics-text");
	while (semi) {
		const char *at = semi + 1, *eq;
		size_t left = n - (size_t)(at - s);

		semi = memchr(at, ';', left);
		left = semi ? (size_t)(semi - at) : left;
		left = trim(&at, left);
		eq = memchr(at, '=', left);
		if (!eq)
			continue;
		if (same(at, (size_t)(eq - at), "q"))
			q = weight(eq + 1, left - (size_t)(eq + 1 - at));
		else if (same(at, (size_t)(eq - at), "version") && *open)
			known = same(eq + 1, left - (size_t)(eq + 1 - at), "1.0.0") ||
				same(eq + 1, left - (size_t)(eq + 1 - at), "0.0.1");
	}
	return known ? q : 0;
}

enum expo_format expo_negotiate(const char *accept)
{
	unsigned int text = 0, open = 0;

	while (accept && *accept) {
		size_t n = strcspn(accept, ",");
		unsigned int q;
		bool is_open;

		q = read_range(accept, n, &is_open);
		if (is_open)
			open = q > open ? q : open;
		else
			text = q > text ? q : text;
		accept += n + (accept[n] == ',');
	}
	return open && open >= text ? EXPO_OPENMETRICS : EXPO_PROMETHEUS;
}

const char *expo_content_type(enum expo_format format)
{
	return format == EXPO_OPENMETRICS ? EXPO_OPEN_TYPE : EXPO_TEXT_TYPE;
}

/* ---- the text ---- */

void expo_begin(struct expo *e, enum expo_format format, size_t limit)
{
	*e = (struct expo){ .format = format, .limit = limit };
}

int expo_end(struct expo *e)
{
	if (e->format == EXPO_OPENMETRICS)
		put(e, "# EOF\n");
	return -e->error;
}

bool expo_cut(struct expo *e, size_t limit)
{
	if (e->error != EFBIG)
		return false;
	e->error = 0;
	e->limit = limit;
	e->len = e->family;
	e->series = e->family_series;
	return true;
}

void expo_free(struct expo *e)
{
	free(e->text);
	e->text = NULL;
	e->len = 0;
	e->room = 0;
}

static const char *kind_suffix(enum expo_kind kind)
{
	switch (kind) {
	case EXPO_COUNTER:
		return "_total";
	case EXPO_INFO:
		return "_info";
	default:
		return "";
	}
}

static const char *kind_name(const struct expo *e)
{
	switch (e->kind) {
	case EXPO_COUNTER:
		return "counter";
	case EXPO_HISTOGRAM:
		return "histogram";
	case EXPO_INFO:
		return e->format == EXPO_OPENMETRICS ? "info" : "gauge";
	default:
		return "gauge";
	}
}

static void put_meta(struct expo *e, const char *what)
{
	put(e, "# ");
	put(e, what);
	put(e, " ");
	put(e, e->name);
	/* In the older format a family has the name of its samples. */
	if (e->format == EXPO_PROMETHEUS)
		put(e, kind_suffix(e->kind));
	put(e, " ");
}

void expo_family(struct expo *e, const char *name, enum expo_kind kind, const char *unit,
		 const char *help)
{
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->kind = kind;
	if (!e->error) {
		e->family = e->len;
		e->family_series = e->series;
	}
	put_meta(e, "HELP");
	put_escaped(e, help, e->format == EXPO_OPENMETRICS);
	put(e, "\n");
	put_meta(e, "TYPE");
	put(e, kind_name(e));
	put(e, "\n");
	if (unit && e->format == EXPO_OPENMETRICS) {
		put_meta(e, "UNIT");
		put(e, unit);
		put(e, "\n");
	}
}

/* Leaves the braces open; returns what a further label begins with. */
static const char *put_labels(struct expo *e, const struct expo_label *labels, unsigned int n)
{
	const char *before = "{";

	for (unsigned int i = 0; i < n; i++) {
		if (!labels[i].value || !*labels[i].value)
			continue;
		put(e, before);
		put(e, labels[i].name);
		put(e, "=\"");
		put_escaped(e, labels[i].value, true);
		put(e, "\"");
		before = ",";
	}
	return before;
}

/* The value ends a line that began at @at. It is written completely or not at all. */
static void end_line(struct expo *e, size_t at, const char *value)
{
	put(e, value);
	put(e, "\n");
	if (e->error)
		e->len = at;
	else
		e->series++;
}

static void put_sample(struct expo *e, const char *suffix, const struct expo_label *labels,
		       unsigned int n, const char *value)
{
	size_t at = e->len;

	put(e, e->name);
	put(e, suffix);
	put(e, *put_labels(e, labels, n) == ',' ? "} " : " ");
	end_line(e, at, value);
}

/* The digits of @v at the end of @buf. */
static char *decimal(char buf[24], uint64_t v)
{
	char *at = buf + 23;

	*at = '\0';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	return at;
}

void expo_u64(struct expo *e, const struct expo_label *labels, unsigned int n, uint64_t v)
{
	char text[24];

	put_sample(e, kind_suffix(e->kind), labels, n, decimal(text, v));
}

void expo_fixed(struct expo *e, const struct expo_label *labels, unsigned int n, uint64_t v,
		unsigned int places)
{
	char text[24], out[48], *digits;
	uint64_t one = 1, part;
	size_t len;

	while (places--)
		one *= 10;
	digits = decimal(text, v / one);
	len = strlen(digits);
	memcpy(out, digits, len);
	part = v % one;
	if (part)
		out[len++] = '.';
	while (part) {
		one /= 10;
		out[len++] = (char)('0' + part / one);
		part %= one;
	}
	out[len] = '\0';
	put_sample(e, kind_suffix(e->kind), labels, n, out);
}

void expo_double(struct expo *e, const struct expo_label *labels, unsigned int n, double v)
{
	char text[32];

	put_sample(e, kind_suffix(e->kind), labels, n, expo_number(text, v));
}

void expo_edges(struct expo_edges *edges, const double *le, unsigned int n)
{
	edges->n = n < EXPO_EDGES ? n : EXPO_EDGES;
	for (unsigned int i = 0; i < edges->n; i++)
		expo_number(edges->text[i], le[i]);
}

void expo_histogram(struct expo *e, const struct expo_label *labels, unsigned int n,
		    const struct expo_buckets *b)
{
	size_t head = e->len, head_len;
	char text[32];
	uint64_t sum = 0;

	/* The lines of the buckets differ in edge and value. */
	put(e, e->name);
	put(e, "_bucket");
	put(e, put_labels(e, labels, n));
	put(e, "le=\"");
	head_len = e->len - head;
	for (unsigned int i = 0; i <= b->edges->n; i++) {
		size_t at = i ? e->len : head;
		bool last = i == b->edges->n;

		if (i)
			put_again(e, head, head_len);
		/* If values were added during the read, the buckets may exceed the total. */
		if (!last)
			sum += b->count[i];
		else if (sum < b->total)
			sum = b->total;
		put(e, last ? "+Inf" : b->edges->text[i]);
		put(e, "\"} ");
		end_line(e, at, decimal(text, sum));
	}
	put_sample(e, "_sum", labels, n, expo_number(text, b->sum));
	put_sample(e, "_count", labels, n, decimal(text, sum));
}

const char *expo_number(char buf[32], double v)
{
	if (isnan(v))
		return strcpy(buf, "NaN");
	if (isinf(v))
		return strcpy(buf, v > 0 ? "+Inf" : "-Inf");
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, 32, "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	return buf;
}

void expo_name(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from[i] && i + 1 < size; i++) {
		char c = from[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_';

		to[i] = good ? c : '_';
	}
	if (size)
		to[i] = '\0';
}
