// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "jsonin.h"
#include "prom.h"

#define PATIENCE_S	30

const char *prom_label(const struct prom_sample *s, const char *name)
{
	for (unsigned int i = 0; i < s->labels; i++)
		if (!strcmp(s->label[i].name, name))
			return s->label[i].text;
	return "";
}

static int take_label(const char *name, const jsonin *v, void *arg)
{
	const char *text = jsonin_text(v);
	struct prom_sample *s = arg;

	if (!text || s->labels == PROM_LABELS)
		return 0;
	s->label[s->labels].name = name;
	s->label[s->labels++].text = text;
	return 0;
}

static bool read_sample(const jsonin *one, struct prom_sample *s)
{
	const char *text = jsonin_text(jsonin_at(jsonin_get(one, "value"), 1));
	const jsonin *labels = jsonin_get(one, "metric");
	char *end;

	memset(s, 0, sizeof(*s));
	if (!text || !jsonin_is_object(labels))
		return false;
	s->value = strtod(text, &end);
	if (end == text || *end)
		return false;
	jsonin_each(labels, take_label, s);
	return true;
}

/* Parses a response whose results have that type; NULL with a sentence in @why. */
static jsonin *parse_response(const char *text, size_t len, const char *type, const jsonin **result,
			 char *why, size_t size)
{
	jsonin *root = jsonin_parse(text, len, why, size);
	const char *status, *what, *is;
	const jsonin *data;

	if (!root)
		return NULL;
	data = jsonin_get(root, "data");
	status = jsonin_text(jsonin_get(root, "status"));
	what = jsonin_text(jsonin_get(root, "error"));
	is = jsonin_text(jsonin_get(data, "resultType"));
	*result = jsonin_get(data, "result");
	if (!status || strcmp(status, "success"))
		snprintf(why, size, "the server refuses: %s", what ? what : "without a reason");
	else if (!is || strcmp(is, type) || !*result)
		snprintf(why, size, "the response is not one of Prometheus");
	else
		return root;
	jsonin_free(root);
	return NULL;
}

int prom_parse(const char *text, size_t len, prom_fn fn, void *arg, char *why, size_t size)
{
	const jsonin *result;
	jsonin *root = parse_response(text, len, "vector", &result, why, size);
	struct prom_sample s;
	int ret = 0;

	if (!root)
		return -EPROTO;
	for (size_t i = 0; i < jsonin_count(result) && !ret; i++) {
		if (read_sample(jsonin_at(result, i), &s)) {
			ret = fn(&s, arg);
		} else {
			snprintf(why, size, "cannot parse sample %zu of the response", i);
			ret = -EPROTO;
		}
	}
	jsonin_free(root);
	return ret;
}

/* [ seconds, "value" ] */
static bool read_point(const jsonin *one, int64_t *t_ms, double *value)
{
	const char *text = jsonin_text(jsonin_at(one, 1));
	double t = jsonin_number(jsonin_at(one, 0));
	char *end;

	if (!text || !(t >= 0 && t < 1e12))
		return false;
	*t_ms = (int64_t)(t * 1000);
	*value = strtod(text, &end);
	return end != text && !*end;
}

static int parse_range(const char *text, size_t len, prom_point_fn fn, void *arg, char *why,
		       size_t size)
{
	const jsonin *result, *values;
	jsonin *root = parse_response(text, len, "matrix", &result, why, size);
	int ret = 0;

	if (!root)
		return -EPROTO;
	if (jsonin_count(result) > 1) {
		snprintf(why, size, "the response has %zu series, one was asked for",
			 jsonin_count(result));
		ret = -E2BIG;
	}
	values = jsonin_get(jsonin_at(result, 0), "values");
	for (size_t i = 0; i < jsonin_count(values) && !ret; i++) {
		int64_t t;
		double v;

		if (!read_point(jsonin_at(values, i), &t, &v)) {
			snprintf(why, size, "cannot parse value %zu of the response", i);
			ret = -EPROTO;
		} else if (isfinite(v)) {
			ret = fn(t, v, arg);
		}
	}
	jsonin_free(root);
	return ret;
}

/* @url without slashes at its end, the path and the arguments; NULL without memory. */
__attribute__((format(printf, 2, 3)))
static char *address(const char *url, const char *fmt, ...)
{
	char *rest = NULL, *whole = NULL;
	size_t len = strlen(url);
	va_list args;

	while (len && url[len - 1] == '/')
		len--;
	va_start(args, fmt);
	if (vasprintf(&rest, fmt, args) < 0)
		rest = NULL;
	va_end(args);
	if (rest && asprintf(&whole, "%.*s%s", (int)len, url, rest) < 0)
		whole = NULL;
	free(rest);
	return whole;
}

/* Takes @whole over. */
static int ask(char *whole, struct http_answer *answer, char *why, size_t size)
{
	int ret = -ENOMEM;

	if (whole)
		ret = http_request(whole, NULL, PATIENCE_S, answer, why, size);
	else
		snprintf(why, size, "no memory");
	free(whole);
	return ret;
}

int prom_query(const char *url, const char *expr, double ago_s, prom_fn fn, void *arg,
	       char *why, size_t size)
{
	char *escaped = http_escape(expr);
	struct http_answer answer = { 0 };
	int ret;

	ret = ask(escaped ? address(url, "/api/v1/query?query=%s&time=%.3f", escaped,
				    (double)time(NULL) - ago_s) : NULL, &answer, why, size);
	free(escaped);
	if (!ret)
		ret = prom_parse(answer.text, answer.len, fn, arg, why, size);
	free(answer.text);
	return ret;
}

int prom_range(const char *url, const char *expr, int64_t from_ms, int64_t to_ms, int64_t step_ms,
	       prom_point_fn fn, void *arg, char *why, size_t size)
{
	char *escaped = http_escape(expr);
	struct http_answer answer = { 0 };
	int ret;

	ret = ask(escaped ? address(url, "/api/v1/query_range?query=%s&start=%.3f&end=%.3f&step=%.3f",
				    escaped, (double)from_ms / 1e3, (double)to_ms / 1e3,
				    (double)step_ms / 1e3) : NULL, &answer, why, size);
	free(escaped);
	if (!ret)
		ret = parse_range(answer.text, answer.len, fn, arg, why, size);
	free(answer.text);
	return ret;
}
