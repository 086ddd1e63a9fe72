// SPDX-License-Identifier: GPL-2.0
/*
 * Output that verbs share: errors as text and as JSON, progress, and helpers that parse
 * arguments.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vexctl.h"

void ctl_json_start(struct ctl *c)
{
	json_start(&c->out, stdout, c->pretty);
	c->out.schema = CTL_SCHEMA;
}

/* A message on stderr. It may quote text from outside, and is one line. */
static void complain(const char *text)
{
	char line[4096];

	fprintf(stderr, "vexctl: %s\n", escape_text(line, sizeof(line), text, strlen(text)));
}

static void error_value(struct ctl *c, int code, const char *text)
{
	struct json *j = &c->out;
	const char *name = strerrorname_np(code);

	if (!c->json)
		return;
	/* Closes what is open down to the outermost object; begins one if there is none. */
	if (!j->depth) {
		json_object_begin(j);
	} else {
		if (j->after_key)
			json_null(j);
		while (j->depth > 1) {
			if (j->is_array[j->depth])
				json_array_end(j);
			else
				json_object_end(j);
		}
	}
	json_key(j, "error");
	json_object_begin(j);
	json_kv_string(j, "message", text);
	json_kv_string(j, "code", code && name ? name : "usage");
	json_kv_i64(j, "errno", code);
	json_object_end(j);
	json_object_end(j);
	json_finish(j);
}

int ctl_fail(struct ctl *c, const struct vexfs_error *err)
{
	ctl_progress_end(c);
	complain(err->text);
	error_value(c, err->code, err->text);
	switch (err->code) {
	case ENODEV:
		return EXIT_NO_MODULE;
	case EPERM:
	case EACCES:
		return EXIT_NO_PERMISSION;
	default:
		return EXIT_REFUSED;
	}
}

int ctl_usage(struct ctl *c, const char *fmt, ...)
{
	char text[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ctl_progress_end(c);
	complain(text);
	error_value(c, 0, text);
	return EXIT_USAGE;
}

int ctl_refuse(struct ctl *c, int code, const char *fmt, ...)
{
	struct vexfs_error err = { .code = code };
	va_list args;

	va_start(args, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, args);
	va_end(args);
	return ctl_fail(c, &err);
}

int ctl_progress(uint64_t done, uint64_t total, void *arg)
{
	struct ctl *c = arg;

	if (stop_wanted())
		return 1;
	if (c->quiet || !isatty(STDERR_FILENO))
		return 0;
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " (%u %%) ", done, total,
		total ? (unsigned int)(100.0 * (double)done / (double)total) : 100);
	fflush(stderr);
	c->progress_shown = true;
	return 0;
}

void ctl_progress_end(struct ctl *c)
{
	if (c->progress_shown)
		fputs("\r\033[K", stderr);
	c->progress_shown = false;
}

const char *float_text(char buf[32], float f)
{
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(buf, 32, "%.*g", digits, (double)f);
		if (strtof(buf, NULL) == f)
			break;
	}
	return buf;
}

int parse_vector(struct ctl *c, const char *text, uint32_t dim, float *out)
{
	const char *s = text;
	uint32_t n = 0;

	for (;;) {
		char *end;
		float f = strtof(s, &end);

		if (end == s)
			return ctl_usage(c, "--vector: component %u is not a number: '%.20s'", n, s);
		if (n < dim)
			out[n] = f;
		n++;
		s = end + strspn(end, " ");
		if (!*s)
			break;
		if (*s == ',')
			s++;
		else if (s == end)
			return ctl_usage(c, "--vector: ',' expected after component %u: '%.20s'",
					 n - 1, s);
	}
	if (n == dim)
		return 0;
	return ctl_refuse(c, EINVAL, "the vector has %u components, the collection has %u", n, dim);
}

int ids_from_args(struct ctl *c, int from, uint64_t **ids, size_t *count)
{
	*count = (size_t)(c->argc - from);
	*ids = calloc(*count + 1, sizeof(**ids));
	if (!*ids)
		return ctl_refuse(c, ENOMEM, "no memory for %zu ids", *count);
	for (size_t i = 0; i < *count; i++)
		if (!parse_u64(c->argv[from + (int)i], &(*ids)[i])) {
			int ret = ctl_usage(c, "'%s' is not an id: a number from 0 to 2^64-1 expected",
					    c->argv[from + (int)i]);

			free(*ids);
			*ids = NULL;
			return ret;
		}
	return 0;
}

static int read_query_ids(struct ctl *c, struct query *q)
{
	const char *s = opt_string(c, "id", "");
	size_t commas = 1;

	for (const char *p = s; *p; p++)
		commas += *p == ',';
	q->by_id = true;
	q->ids = calloc(commas, sizeof(*q->ids));
	if (!q->ids)
		return ctl_refuse(c, ENOMEM, "no memory for ids");
	for (;;) {
		size_t len = strcspn(s, ",");
		char one[32] = "";

		if (len < sizeof(one))
			memcpy(one, s, len);
		if (!parse_u64(one, &q->ids[q->count]))
			return ctl_usage(c, "--id: '%.*s' is not an id", (int)(len < 40 ? len : 40), s);
		q->count++;
		if (!s[len])
			return 0;
		s += len + 1;
	}
}

static int read_query_file(struct ctl *c, const struct vexfs *h, struct query *q)
{
	const char *path = opt_string(c, "query", "");
	uint64_t limit = opt_u64(c, "limit", 0);
	uint64_t skip = opt_u64(c, "skip", 0);
	struct vexfs_file_info info;
	struct vexfs_file *file;
	struct vexfs_error err;
	ssize_t n;
	int ret;

	if (vexfs_file_open(path, &file, &info, &err))
		return ctl_fail(c, &err);
	if (info.dim != vexfs_dim(h)) {
		ret = ctl_refuse(c, EINVAL, "%s has dimension %u, '%s' has %u", path, info.dim,
				 vexfs_name(h), vexfs_dim(h));
		goto out;
	}
	q->format = info.elem == (unsigned int)vexfs_vector_type(h) ? VEXFS_FORMAT_RAW :
		    VEXFS_FORMAT_F32;
	if (vexfs_file_skip(file, skip, &err)) {
		ret = ctl_fail(c, &err);
		goto out;
	}
	q->count = info.rows > skip ? (size_t)(info.rows - skip) : 0;
	if (limit && limit < q->count)
		q->count = (size_t)limit;
	if (!q->count) {
		ret = ctl_refuse(c, EINVAL, "%s: no queries after the first %" PRIu64, path, skip);
		goto out;
	}
	q->vectors = reallocarray(NULL, q->count, vexfs_vector_bytes(h, q->format));
	if (!q->vectors) {
		ret = ctl_refuse(c, ENOMEM, "no memory for %zu queries", q->count);
		goto out;
	}
	if (q->format == VEXFS_FORMAT_RAW)
		n = vexfs_file_read(file, q->vectors, q->count, &err);
	else
		n = vexfs_file_read_f32(file, q->vectors, q->count, &err);
	ret = n < 0 ? ctl_fail(c, &err) : 0;
out:
	vexfs_file_close(file, NULL);
	return ret;
}

int query_read(struct ctl *c, const struct vexfs *h, struct query *q)
{
	int given = opt_given(c, "query") + opt_given(c, "id") + opt_given(c, "vector");

	memset(q, 0, sizeof(*q));
	if (given != 1)
		return ctl_usage(c, "give one of --query FILE, --id ID, --vector X,Y,...");
	if ((opt_given(c, "limit") || opt_given(c, "skip")) && !opt_given(c, "query"))
		return ctl_usage(c, "--limit and --skip count the queries of a file (--query)");
	if (opt_given(c, "id"))
		return read_query_ids(c, q);
	if (opt_given(c, "query"))
		return read_query_file(c, h, q);
	q->count = 1;
	q->vectors = calloc(vexfs_dim(h), sizeof(float));
	if (!q->vectors)
		return ctl_refuse(c, ENOMEM, "no memory for a query");
	return parse_vector(c, opt_string(c, "vector", ""), vexfs_dim(h), q->vectors);
}

void query_free(struct query *q)
{
	free(q->vectors);
	free(q->ids);
}

static void value_json(struct json *j, const struct vexfs_value *v)
{
	if (v->type == VEXFS_FIELD_U64)
		json_u64(j, v->v.u);
	else if (v->type == VEXFS_FIELD_I64)
		json_i64(j, v->v.i);
	else
		json_float(j, v->v.f);
}

/* Bytes without field names are printed in hexadecimal. */
static void hex_text(char *out, const void *record, uint32_t size)
{
	const unsigned char *p = record;

	for (uint32_t i = 0; i < size; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
	out[2 * size] = '\0';
}

void record_json(struct ctl *c, const struct vexfs_layout *layout, const void *record,
		 uint32_t size)
{
	char hex[2 * VEXFS_ATTR_MAX + 1];

	if (!layout->count) {
		hex_text(hex, record, size);
		json_string(&c->out, hex);
		return;
	}
	json_object_begin(&c->out);
	for (unsigned int i = 0; i < layout->count; i++) {
		struct vexfs_value v;

		vexfs_record_get(&layout->fields[i], record, &v);
		json_key(&c->out, layout->fields[i].name);
		value_json(&c->out, &v);
	}
	json_object_end(&c->out);
}

void record_text(const struct vexfs_layout *layout, const void *record, uint32_t size)
{
	char hex[2 * VEXFS_ATTR_MAX + 1];
	char buf[32];

	if (!layout->count) {
		hex_text(hex, record, size);
		fputs(hex, stdout);
		return;
	}
	for (unsigned int i = 0; i < layout->count; i++) {
		struct vexfs_value v;

		vexfs_record_get(&layout->fields[i], record, &v);
		printf("%s%s=", i ? "," : "", layout->fields[i].name);
		if (v.type == VEXFS_FIELD_U64)
			printf("%" PRIu64, v.v.u);
		else if (v.type == VEXFS_FIELD_I64)
			printf("%" PRId64, v.v.i);
		else
			fputs(float_text(buf, v.v.f), stdout);
	}
}
