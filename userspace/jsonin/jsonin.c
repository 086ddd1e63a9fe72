// SPDX-License-Identifier: GPL-2.0
/* Reading JSON with jansson. */
#include "jsonin.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static jsonin *said(json_t *v, const json_error_t *e, const char *what, char *why, size_t size)
{
	if (!v)
		snprintf(why, size, "%s: line %d: %s", what, e->line, e->text);
	return v;
}

jsonin *jsonin_file(const char *path, char *why, size_t size)
{
	FILE *f = fopen(path, "re");
	json_error_t e;
	json_t *v;

	if (!f) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return NULL;
	}
	v = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
	fclose(f);
	return said(v, &e, path, why, size);
}

jsonin *jsonin_next(FILE *f, char *why, size_t size)
{
	json_error_t e;
	int c;

	while ((c = getc(f)) == ' ' || c == '\n' || c == '\t' || c == '\r')
		;
	if (c == EOF) {
		*why = '\0';
		return NULL;
	}
	ungetc(c, f);
	return said(json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &e), &e, "JSON",
		    why, size);
}

jsonin *jsonin_parse(const char *text, size_t len, char *why, size_t size)
{
	json_error_t e;

	return said(json_loadb(text, len, JSON_REJECT_DUPLICATES, &e), &e, "JSON", why, size);
}

void jsonin_free(jsonin *doc)
{
	json_decref(doc);
}

const jsonin *jsonin_get(const jsonin *v, const char *key)
{
	return json_object_get(v, key);
}

size_t jsonin_count(const jsonin *v)
{
	return json_array_size(v);
}

const jsonin *jsonin_at(const jsonin *v, size_t i)
{
	return json_array_get(v, i);
}

bool jsonin_is_object(const jsonin *v)
{
	return json_is_object((const json_t *)v);
}

bool jsonin_is_integer(const jsonin *v)
{
	return json_is_integer((const json_t *)v);
}

bool jsonin_true(const jsonin *v)
{
	return json_is_true((const json_t *)v);
}

const char *jsonin_text(const jsonin *v)
{
	return json_string_value(v);
}

double jsonin_number(const jsonin *v)
{
	return json_is_number((const json_t *)v) ? json_number_value(v) : NAN;
}

int64_t jsonin_integer(const jsonin *v)
{
	return json_integer_value(v);
}

int jsonin_each(const jsonin *v, jsonin_fn fn, void *arg)
{
	json_t *object = (json_t *)v, *member;
	const char *key;
	int ret = 0;

	json_object_foreach(object, key, member)
		if (!ret)
			ret = fn(key, member, arg);
	return ret;
}
