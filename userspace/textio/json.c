// SPDX-License-Identifier: GPL-2.0
/*
 * Writes JSON: see json.h. No tree and no allocation, so that millions of results stream
 * through it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "json.h"

void json_start(struct json *j, FILE *out, bool pretty)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
	j->pretty = pretty;
}

static void new_line(struct json *j)
{
	fputc('\n', j->out);
	for (unsigned int i = 0; i < j->depth; i++)
		fputs("  ", j->out);
}

/* Writes what separates the next key or value from the previous one. */
static void separate(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->members[j->depth]++)
		fputc(',', j->out);
	if (j->pretty && j->depth)
		new_line(j);
}

static void open_container(struct json *j, bool is_array)
{
	separate(j);
	fputc(is_array ? '[' : '{', j->out);
	if (j->depth == JSON_DEPTH_MAX)
		abort();
	j->depth++;
	j->members[j->depth] = 0;
	j->is_array[j->depth] = is_array;
	if (j->schema && j->depth == 1 && !is_array)
		json_kv_u64(j, "schema_version", j->schema);
}

static void close_container(struct json *j)
{
	bool empty = !j->members[j->depth];
	bool is_array = j->is_array[j->depth];

	if (!j->depth)
		abort();
	j->depth--;
	if (j->pretty && !empty)
		new_line(j);
	fputc(is_array ? ']' : '}', j->out);
}

void json_object_begin(struct json *j)
{
	open_container(j, false);
}

void json_object_end(struct json *j)
{
	close_container(j);
}

void json_array_begin(struct json *j)
{
	open_container(j, true);
}

void json_array_end(struct json *j)
{
	close_container(j);
}

void json_unwind(struct json *j)
{
	if (j->after_key)
		json_null(j);
	while (j->depth)
		close_container(j);
}

int json_finish(struct json *j)
{
	fputc('\n', j->out);
	return fflush(j->out) || ferror(j->out) ? -1 : 0;
}

char *json_finish_text(struct json *j, char **text)
{
	int err = json_finish(j);

	if (fclose(j->out) || err) {
		free(*text);
		*text = NULL;
	}
	return *text;
}

static void quoted(struct json *j, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0;

	fputc('"', j->out);
	while (i < len) {
		size_t n = utf8_char(text + i, len - i);

		if (!n) {
			fputs("\\ufffd", j->out);
			i++;
			continue;
		}
		if (s[i] == '"' || s[i] == '\\')
			fprintf(j->out, "\\%c", s[i]);
		else if (s[i] == '\n')
			fputs("\\n", j->out);
		else if (s[i] == '\t')
			fputs("\\t", j->out);
		else if (!s[i] || utf8_control(text + i, n))	/* a terminal would interpret it */
			fprintf(j->out, "\\u%04x", utf8_control(text + i, n));
		else
			fwrite(s + i, 1, n, j->out);
		i += n;
	}
	fputc('"', j->out);
}

void json_key(struct json *j, const char *key)
{
	separate(j);
	quoted(j, key, strlen(key));
	fputs(j->pretty ? ": " : ":", j->out);
	j->after_key = true;
}

void json_string_n(struct json *j, const char *s, size_t len)
{
	separate(j);
	quoted(j, s, len);
}

void json_string(struct json *j, const char *s)
{
	if (s)
		json_string_n(j, s, strlen(s));
	else
		json_null(j);
}

void json_u64(struct json *j, uint64_t v)
{
	separate(j);
	fprintf(j->out, "%" PRIu64, v);
}

void json_i64(struct json *j, int64_t v)
{
	separate(j);
	fprintf(j->out, "%" PRId64, v);
}

void json_double(struct json *j, double v)
{
	char text[40];

	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	separate(j);
	snprintf(text, sizeof(text), "%.15g", v);
	if (strtod(text, NULL) != v)
		snprintf(text, sizeof(text), "%.17g", v);
	fputs(text, j->out);
}

void json_float(struct json *j, float v)
{
	char text[40];

	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	separate(j);
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)v);
		if (strtof(text, NULL) == v)
			break;
	}
	fputs(text, j->out);
}

void json_bool(struct json *j, bool v)
{
	separate(j);
	fputs(v ? "true" : "false", j->out);
}

void json_null(struct json *j)
{
	separate(j);
	fputs("null", j->out);
}

void json_kv_string(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_string(j, s);
}

void json_kv_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

void json_kv_i64(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_i64(j, v);
}

void json_kv_double(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_double(j, v);
}

void json_kv_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}
