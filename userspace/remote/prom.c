// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
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

static int read_result(const jsonin *root, prom_fn fn, void *arg, char *why, size_t size)
{
	const jsonin *data = jsonin_get(root, "data"), *result = jsonin_get(data, "result");
	const char *type = jsonin_text(jsonin_get(data, "resultType"));
	struct prom_sample s;
	int ret = 0;

	if (!type || strcmp(type, "vector") || !result) {
		snprintf(why, size, "the response is not one of Prometheus");
		return -EPROTO;
	}
	for (size_t i = 0; i < jsonin_count(result) && !ret; i++) {
		if (!read_sample(jsonin_at(result, i), &s)) {
			snprintf(why, size, "cannot parse sample %zu of the response", i);
			return -EPROTO;
		}
		ret = fn(&s, arg);
	}
	return ret;
}

int prom_parse(const char *text, size_t len, prom_fn fn, void *arg, char *why, size_t size)
{
	jsonin *root = jsonin_parse(text, len, why, size);
	const char *status, *what;
	int ret = -EPROTO;

	if (!root)
		return -EPROTO;
	status = jsonin_text(jsonin_get(root, "status"));
	what = jsonin_text(jsonin_get(root, "error"));
	if (status && !strcmp(status, "success"))
		ret = read_result(root, fn, arg, why, size);
	else
		snprintf(why, size, "the server refuses: %s", what ? what : "without a reason");
	jsonin_free(root);
	return ret;
}

int prom_query(const char *url, const char *expr, double ago_s, prom_fn fn, void *arg,
	       char *why, size_t size)
{
	char *escaped = http_escape(expr), *whole = NULL;
	struct http_answer answer = { 0 };
	size_t len = strlen(url);
	int ret;

	while (len && url[len - 1] == '/')
		len--;
	if (!escaped || asprintf(&whole, "%.*s/api/v1/query?query=%s&time=%.3f", (int)len, url,
				 escaped, (double)time(NULL) - ago_s) < 0) {
		free(escaped);
		snprintf(why, size, "no memory");
		return -ENOMEM;
	}
	free(escaped);
	ret = http_request(whole, NULL, PATIENCE_S, &answer, why, size);
	if (!ret)
		ret = prom_parse(answer.text, answer.len, fn, arg, why, size);
	free(answer.text);
	free(whole);
	return ret;
}
