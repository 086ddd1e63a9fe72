// SPDX-License-Identifier: GPL-2.0
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "outfile.h"

struct rows {
	char *path;
	/* The rows as JSON, without the end of the array. */
	char *text;
	size_t len;
	FILE *stream;
	struct json json;
	unsigned int missed;
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

struct rows *rows_open(const char *path)
{
	struct rows *r = calloc(1, sizeof(*r));

	if (r)
		r->path = strdup(path);
	if (r && r->path)
		r->stream = open_memstream(&r->text, &r->len);
	if (!r || !r->stream)
		die("no memory for the results");
	json_start(&r->json, r->stream, true);
	json_array_begin(&r->json);
	printf("%-76s %-46s %11s %11s %8s %9s\n", "what", "beside", "vexfs", "other", "ratio", "goal");
	return r;
}

static bool is_met(const struct rows_row *row)
{
	switch (row->kind) {
	case GOAL_RATIO_AT_LEAST:
		return row->ours / row->theirs >= row->goal;
	case GOAL_RATIO_AT_MOST:
		return row->ours / row->theirs <= row->goal;
	case GOAL_DIFFERENCE_AT_LEAST:
		return row->ours - row->theirs >= row->goal;
	case GOAL_DIFFERENCE_AT_MOST:
		return row->ours - row->theirs <= row->goal;
	case GOAL_NONE:
		break;
	}
	return true;
}

static bool is_difference(enum rows_goal kind)
{
	return kind == GOAL_DIFFERENCE_AT_LEAST || kind == GOAL_DIFFERENCE_AT_MOST;
}

static bool is_upper_bound(enum rows_goal kind)
{
	return kind == GOAL_RATIO_AT_MOST || kind == GOAL_DIFFERENCE_AT_MOST;
}

static const char *kind_name(enum rows_goal kind)
{
	static const char *const names[] = { "none", "ratio_at_least", "ratio_at_most",
					     "difference_at_least", "difference_at_most" };

	return names[kind];
}

static void print_row(const struct rows_row *row)
{
	size_t i;

	printf("%-76s %-46s", row->name, row->peer);
	if (row->not_measured) {
		printf(" not measured: %s\n", row->not_measured);
		return;
	}
	printf(" %11.5g %11.5g", row->ours, row->theirs);
	if (is_difference(row->kind))
		printf(" %+8.4f", row->ours - row->theirs);
	else
		printf(" %8.3f", row->ours / row->theirs);
	if (row->kind != GOAL_NONE)
		printf(" %s%-8g %s", is_upper_bound(row->kind) ? "<=" : ">=", row->goal,
		       is_met(row) ? "" : "MISSED");
	printf("\n");
	for (i = 0; i < row->n_others; i++) {
		const struct rows_other *o = row->others + i;

		printf("    %-40s", o->who);
		if (o->lab > 0)
			printf(" lab %11.5g", o->lab);
		if (o->host > 0)
			printf(" host %11.5g", o->host);
		printf("\n");
	}
}

static void measured(struct json *j, const struct rows_row *row)
{
	size_t i;

	json_kv_double(j, "ours", row->ours);
	json_kv_double(j, "theirs", row->theirs);
	json_kv_double(j, "ratio", row->ours / row->theirs);
	json_kv_double(j, "difference", row->ours - row->theirs);
	json_kv_string(j, "goal_kind", kind_name(row->kind));
	json_kv_bool(j, "lower_is_better", is_upper_bound(row->kind));
	if (row->kind != GOAL_NONE) {
		json_kv_double(j, "goal", row->goal);
		json_kv_bool(j, "pass", is_met(row));
	}
	if (!row->n_others)
		return;
	json_key(j, "others");
	json_array_begin(j);
	for (i = 0; i < row->n_others; i++) {
		json_object_begin(j);
		json_kv_string(j, "who", row->others[i].who);
		if (row->others[i].lab > 0)
			json_kv_double(j, "lab", row->others[i].lab);
		if (row->others[i].host > 0)
			json_kv_double(j, "host", row->others[i].host);
		json_object_end(j);
	}
	json_array_end(j);
}

/* All rows so far, as a whole file. */
static void save(struct rows *r)
{
	struct outfile out;

	if (fflush(r->stream))
		die("no memory for the results");
	if (outfile_open(&out, r->path, false))
		die(out.why);
	fprintf(out.f, "%s\n]\n", r->text);
	if (outfile_commit(&out))
		die(out.why);
}

void rows_add(struct rows *r, const struct rows_row *row)
{
	struct json *j = &r->json;

	r->missed += !row->not_measured && !is_met(row);
	print_row(row);
	fflush(stdout);
	json_object_begin(j);
	json_kv_string(j, "name", row->name);
	json_kv_string(j, "peer", row->peer);
	json_kv_string(j, "unit", row->unit);
	if (row->not_measured)
		json_kv_string(j, "not_measured", row->not_measured);
	else
		measured(j, row);
	json_object_end(j);
	save(r);
}

unsigned int rows_close(struct rows *r)
{
	unsigned int missed = r->missed;

	fclose(r->stream);
	free(r->text);
	free(r->path);
	free(r);
	return missed;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double rows_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}
