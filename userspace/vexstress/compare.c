// SPDX-License-Identifier: GPL-2.0
/*
 * compare: results against the first one, metric by metric, with a verdict for
 * each. Refuses to compare what cannot be compared.
 */
#include "vexstress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* The result of a row: a verdict, or why there is none. */
enum kind {
	JUDGED,
	NOT_JUDGED,	/* one value per run, and too few runs: shown, not counted */
	MISSING,	/* only A has it */
	ADDED,		/* only B has it */
};

struct row {
	const char *metric, *unit;
	enum vs_direction dir;
	enum kind kind;
	struct vs_change change;
};

/* The result of `vexstress noise' for this kind of machine, if it was run. */
static json_t *noise_of_machine(const json_t *result)
{
	char *dir = vx_results_dir(false), *path = NULL, *differ;
	json_t *out = NULL;

	if (dir && asprintf(&path, "%s/noise.json", dir) > 0)
		out = json_load_file(path, 0, NULL);
	free(path);
	free(dir);
	if (!out)
		return NULL;
	differ = vx_fingerprint_differ(json_object_get(result, "fingerprint"),
				       json_object_get(out, "fingerprint"));
	if (differ) {
		json_decref(out);
		out = NULL;
	}
	free(differ);
	return out;
}

/* Its samples of a metric; jobs are distinguished by name, "JOB.METRIC". */
static void noise_for(const json_t *noise, const char *metric, double *sd, double *floor)
{
	json_t *m = json_object_get(json_object_get(noise, "noise"), metric);

	*sd = json_number_value(json_object_get(m, "sd"));
	*floor = json_number_value(json_object_get(m, "floor"));
}

static char *options_differ(const json_t *a, const json_t *b)
{
	json_t *ja, *jb, *oa, *ob, *v;
	const char *key;
	size_t i, k;
	char *out = NULL;

	json_array_foreach(json_object_get(a, "jobs"), i, ja) {
		json_array_foreach(json_object_get(b, "jobs"), k, jb) {
			if (!json_equal(json_object_get(ja, "name"), json_object_get(jb, "name")))
				continue;
			oa = json_object_get(ja, "options");
			ob = json_object_get(jb, "options");
			json_object_foreach(oa, key, v) {
				if (json_equal(v, json_object_get(ob, key)))
					continue;
				if (asprintf(&out, "job %s was run with another %s",
					     json_string_value(json_object_get(ja, "name")), key) < 0)
					out = strdup(key);
				return out;
			}
		}
	}
	return NULL;
}

static const char *text_of(const json_t *metric, const char *key)
{
	return json_string_value(json_object_get(metric, key)) ?: "";
}

/* One value per run, and fewer runs than a verdict needs. */
static bool single(const json_t *metric, size_t n)
{
	return n < 4 && strcmp(text_of(metric, "sampling"), "slices");
}

static void begin_row(struct row *row, const json_t *metric, enum kind kind)
{
	memset(row, 0, sizeof(*row));
	row->metric = text_of(metric, "name");
	row->unit = text_of(metric, "unit");
	row->dir = strcmp(text_of(metric, "direction"), "higher") ? VS_LOWER : VS_HIGHER;
	row->kind = kind;
	row->change.p = row->change.p_holm = 1;
	row->change.low = -1;
	row->change.high = HUGE_VAL;
}

static void fill_row(struct row *row, const json_t *ma, const json_t *mb, const json_t *noise,
		     const struct vs_rules *rules)
{
	struct vs_samples a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	double *va = vx_metric_samples(ma, &a.n), *vb = vx_metric_samples(mb, &b.n);
	double sd = 0, floor = 0;

	begin_row(row, ma, JUDGED);
	if (va && vb) {
		noise_for(noise, row->metric, &sd, &floor);
		a.v = va;
		b.v = vb;
		/* Runs include the noise between runs, slices of one run do not. */
		a.noise = strcmp(text_of(ma, "sampling"), "slices") ? 0 : sd;
		b.noise = strcmp(text_of(mb, "sampling"), "slices") ? 0 : sd;
		vs_compare(&a, &b, floor, rules, &row->change);
		if (single(ma, a.n) || single(mb, b.n))
			row->kind = NOT_JUDGED;
	}
	free(va);
	free(vb);
}

/* Verdicts over all rows that have one: they are a family. */
static int decide_rows(struct row *rows, size_t n, const struct vs_rules *rules)
{
	struct vs_change *changes = malloc((n + 1) * sizeof(*changes));
	enum vs_direction *dirs = malloc((n + 1) * sizeof(*dirs));
	size_t i, k = 0;
	int ret = -1;

	if (!changes || !dirs)
		goto out;
	for (i = 0; i < n; i++) {
		if (rows[i].kind != JUDGED)
			continue;
		changes[k] = rows[i].change;
		dirs[k++] = rows[i].dir;
	}
	vs_decide_all(changes, dirs, k, rules);
	for (i = 0, k = 0; i < n; i++)
		if (rows[i].kind == JUDGED)
			rows[i].change = changes[k++];
	ret = 0;
out:
	free(changes);
	free(dirs);
	return ret;
}

/* Makes a row for each metric of A, and for each that only B has. -1: no memory. */
static ssize_t make_rows(const json_t *a, const json_t *b, const json_t *noise,
			 const struct vs_rules *rules, struct row **rows)
{
	json_t *ma, *mb;
	size_t i, n = 0, most = json_array_size(json_object_get(a, "metrics")) +
				json_array_size(json_object_get(b, "metrics"));

	*rows = calloc(most + 1, sizeof(**rows));
	if (!*rows)
		return -1;
	json_array_foreach(json_object_get(a, "metrics"), i, ma) {
		struct row *row = &(*rows)[n++];

		mb = vx_metric_find(b, text_of(ma, "name"));
		if (mb) {
			fill_row(row, ma, mb, noise, rules);
		} else {
			begin_row(row, ma, MISSING);
			row->change.a = json_number_value(json_object_get(ma, "mean"));
		}
	}
	json_array_foreach(json_object_get(b, "metrics"), i, mb) {
		if (vx_metric_find(a, text_of(mb, "name")))
			continue;
		begin_row(&(*rows)[n], mb, ADDED);
		(*rows)[n++].change.b = json_number_value(json_object_get(mb, "mean"));
	}
	return decide_rows(*rows, n, rules) ? -1 : (ssize_t)n;
}

static const char *word_of(const struct row *r)
{
	switch (r->kind) {
	case NOT_JUDGED:
		return "not judged";
	case MISSING:
		return "missing";
	case ADDED:
		return "new";
	default:
		return vs_verdict_name(r->change.verdict);
	}
}

static json_t *number_or_null(bool known, double v)
{
	return known && isfinite(v) ? json_real(v) : json_null();
}

static json_t *row_json(const struct row *r, const char *b)
{
	const struct vs_change *c = &r->change;
	bool both = r->kind == JUDGED || r->kind == NOT_JUDGED, judged = r->kind == JUDGED;

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:s, s:b, s:o}",
			 "metric", vx_json_text(r->metric), "unit", vx_json_text(r->unit),
			 "against", vx_json_text(b),
			 "direction", r->dir == VS_HIGHER ? "higher" : "lower",
			 "a", number_or_null(r->kind != ADDED, c->a),
			 "b", number_or_null(r->kind != MISSING, c->b),
			 "change", number_or_null(both, c->change),
			 "low", number_or_null(judged, c->low),
			 "high", number_or_null(judged, c->high),
			 "p", number_or_null(judged, c->p),
			 "p_holm", number_or_null(judged, c->p_holm),
			 "noise_floor", c->floor, "verdict", word_of(r), "fail", c->fail,
			 "need", judged && c->verdict == VS_CANNOT_TELL && c->need ?
				 json_integer((json_int_t)c->need) : json_null());
}

/* The reason for the verdict. */
static void remark(const struct row *r, char *out, size_t size)
{
	const struct vs_change *c = &r->change;

	*out = 0;
	if (r->kind == NOT_JUDGED)
		snprintf(out, size, " (one value per run: --repeat 4 or more)");
	if (r->kind != JUDGED)
		return;
	if (c->verdict == VS_CANNOT_TELL && c->need)
		snprintf(out, size, " (%zu samples per side, about %zu needed)", c->have, c->need);
	else if (c->verdict == VS_CANNOT_TELL)
		snprintf(out, size, " (runs differ too much: --repeat)");
	else if (c->verdict == VS_REGRESSED)
		snprintf(out, size, "%s", c->fail ? " (fails)" : " (warning)");
}

static void print_row(const struct row *r)
{
	const struct vs_change *c = &r->change;
	const char *a = r->kind == ADDED ? "-" : vx_figure(c->a);
	const char *b = r->kind == MISSING ? "-" : vx_figure(c->b);
	char interval[64] = "", more[64] = "", change[32] = "-";

	if (r->kind == JUDGED || r->kind == NOT_JUDGED)
		snprintf(change, sizeof(change), "%+.2f %%", 100 * c->change);
	if (r->kind == JUDGED && isfinite(c->low) && isfinite(c->high) && c->high > c->low)
		snprintf(interval, sizeof(interval), "%+.1f %% to %+.1f %%", 100 * c->low,
			 100 * c->high);
	remark(r, more, sizeof(more));
	switch (vx_set.format) {
	case VX_FORMAT_MARKDOWN:
		printf("| %s | %s | %s | %s | %s | %s%s |\n", shown_markdown(r->metric), a, b, change,
		       interval, word_of(r), more);
		break;
	case VX_FORMAT_CSV:
		escape_csv(stdout, r->metric);
		putchar(',');
		escape_csv(stdout, r->unit);
		printf(",%.9g,%.9g,%.6g,%.6g,%.6g,%.4g,%.4g,%s,%zu\n",
		       r->kind == ADDED ? NAN : c->a, r->kind == MISSING ? NAN : c->b,
		       r->kind == JUDGED || r->kind == NOT_JUDGED ? c->change : NAN,
		       isfinite(c->low) ? c->low : NAN, isfinite(c->high) ? c->high : NAN, c->p,
		       c->p_holm, word_of(r), c->need);
		break;
	default:
		printf("%-26s %12s %12s %10s  %-22s %s%s\n", shown(r->metric), a, b, change,
		       interval, word_of(r), more);
	}
}

static void print_head(const char *a, const char *b)
{
	switch (vx_set.format) {
	case VX_FORMAT_MARKDOWN:
		printf("| metric | %s | %s | change | 95 %% interval | verdict |\n",
		       shown_markdown(a), shown_markdown(b));
		puts("| --- | ---: | ---: | ---: | --- | --- |");
		break;
	case VX_FORMAT_CSV:
		puts("metric,unit,a,b,change,low,high,p,p_holm,verdict,need");
		break;
	default:
		printf("%-26s %12.12s %12.12s %10s  %-22s verdict\n", "metric", shown(a), shown(b), "change",
		       "interval");
	}
}

/* Results of different machines or options are not compared. */
static int check_alike(json_t **results, const char **names, size_t n)
{
	size_t i;

	for (i = 1; i < n && !vx_set.interleave; i++) {
		char *differ = vx_fingerprint_differ(json_object_get(results[0], "fingerprint"),
						     json_object_get(results[i], "fingerprint"));

		if (!differ)
			differ = options_differ(results[0], results[i]);
		if (differ)
			vx_say("%s and %s are not alike: %s%s", names[0], names[i], differ,
			       vx_set.force ? "; compared anyway" :
			       "; --force compares them anyway");
		if (differ && !vx_set.force) {
			free(differ);
			return -1;
		}
		free(differ);
	}
	return 0;
}

struct count {
	size_t improved, regressed, failed, same, unknown, unjudged, missing, added;
};

static void count_row(struct count *n, const struct row *r)
{
	enum vs_verdict v = r->change.verdict;

	n->unjudged += r->kind == NOT_JUDGED;
	n->missing += r->kind == MISSING;
	n->added += r->kind == ADDED;
	if (r->kind != JUDGED)
		return;
	n->regressed += v == VS_REGRESSED;
	n->improved += v == VS_IMPROVED;
	n->same += v == VS_UNCHANGED;
	n->unknown += v == VS_CANNOT_TELL;
	n->failed += r->change.fail;
}

/* Prints or lists the rows of one comparison. -1: no memory. */
static int compare_two(json_t **results, const char **names, size_t i, const json_t *noise,
		       const struct vs_rules *rules, struct count *count, json_t *list)
{
	struct row *row = NULL;
	ssize_t rows = make_rows(results[0], results[i], noise, rules, &row), k;

	if (!rows)
		vx_say("%s and %s have no metric in common", names[0], names[i]);
	if (!list && rows > 0)
		print_head(names[0], names[i]);
	for (k = 0; k < rows; k++) {
		count_row(count, &row[k]);
		if (vx_set.only_changed && row[k].kind == JUDGED &&
		    row[k].change.verdict == VS_UNCHANGED)
			continue;
		if (list)
			json_array_append_new(list, row_json(&row[k], names[i]));
		else
			print_row(&row[k]);
	}
	count->unknown += !rows;
	free(row);
	return rows < 0 ? -1 : 0;
}

int vx_compare_results(json_t **results, const char **names, size_t n)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	bool as_json = vx_set.format == VX_FORMAT_JSON || vx_set.json;
	json_t *noise, *out, *list = as_json ? json_array() : NULL;
	struct count c = { 0 };
	size_t i;
	int err = 0;

	rules.alpha = vx_set.alpha;
	rules.min_effect = vx_set.min_effect;
	rules.fail_effect = vx_set.fail_effect;
	if (check_alike(results, names, n)) {
		json_decref(list);
		return VX_USAGE;
	}
	noise = noise_of_machine(results[0]);
	for (i = 1; i < n && !err; i++)
		err = compare_two(results, names, i, noise, &rules, &c, list);
	if (err) {
		vx_say("no memory");
		json_decref(list);
	} else if (as_json) {
		out = json_pack("{s:i, s:o, s:f, s:f, s:f, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
				"schema_version", VX_SCHEMA_VERSION, "baseline",
				vx_json_text(names[0]),
				"alpha", rules.alpha, "min_effect", rules.min_effect,
				"fail_effect", rules.fail_effect, "noise_known", noise != NULL,
				"regression_detected", c.regressed > 0,
				"improved", (json_int_t)c.improved,
				"regressed", (json_int_t)c.regressed,
				"unchanged", (json_int_t)c.same,
				"cannot_tell", (json_int_t)c.unknown,
				"not_judged", (json_int_t)c.unjudged,
				"missing", (json_int_t)c.missing, "new", (json_int_t)c.added,
				"comparisons", list);
		vx_write_json("-", out);
		json_decref(out);
	} else if (vx_set.format == VX_FORMAT_TABLE) {
		printf("\n%zu improved, %zu regressed (%zu fail), %zu unchanged, %zu cannot tell, "
		       "%zu not judged, %zu missing, %zu new%s\n", c.improved, c.regressed, c.failed,
		       c.same, c.unknown, c.unjudged, c.missing, c.added,
		       noise ? "; the measured noise of the machine is taken into account" :
		       "; the noise of this machine is not known (vexstress noise)");
	}
	json_decref(noise);
	if (err || c.failed)
		return VX_MISSED;
	/* A metric that B lacks cannot be judged either. */
	return vx_set.strict && (c.unknown || c.missing) ? VX_CANNOT_TELL : VX_OK;
}

int vx_cmd_compare(int argc, char **argv)
{
	json_t *results[16] = { NULL };
	const char *names[16];
	int i, ret = VX_USAGE;

	if (argc < 2) {
		vx_say("compare needs two results or baselines: vexstress compare A B");
		return VX_USAGE;
	}
	if (argc > 16) {
		vx_say("compare takes at most 16 results");
		return VX_USAGE;
	}
	for (i = 0; i < argc; i++) {
		names[i] = argv[i];
		results[i] = vx_read_result(argv[i]);
		if (!results[i])
			goto out;
	}
	ret = vx_compare_results(results, names, (size_t)argc);
out:
	for (i = 0; i < argc; i++)
		json_decref(results[i]);
	return ret;
}
