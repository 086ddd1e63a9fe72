// SPDX-License-Identifier: GPL-2.0
/*
 * compare: results against the first one, metric by metric, with a verdict for
 * each. Refuses to compare what cannot be compared.
 */
#include "vexstress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *metric, *unit;
	enum vs_direction dir;
	struct vs_change change;
};

static json_t *metric_of(const json_t *result, const char *name)
{
	json_t *m;
	size_t i;

	json_array_foreach(json_object_get(result, "metrics"), i, m)
		if (!strcmp(json_string_value(json_object_get(m, "name")) ?: "", name))
			return m;
	return NULL;
}

static double *samples_of(const json_t *metric, size_t *n)
{
	json_t *list = json_object_get(metric, "samples"), *v;
	double *out;
	size_t i;

	*n = json_array_size(list);
	out = malloc((*n ? *n : 1) * sizeof(*out));
	if (!out)
		return NULL;
	json_array_foreach(list, i, v)
		out[i] = json_number_value(v);
	return out;
}

/* What `vexstress noise' found on this kind of machine, if it was run. */
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

/* Its figures for a metric; jobs are told apart by their name, "JOB.METRIC". */
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

static size_t make_rows(const json_t *a, const json_t *b, const json_t *noise,
			const struct vs_rules *rules, struct row *rows, size_t max)
{
	struct vs_change *changes;
	enum vs_direction *dirs;
	json_t *ma, *mb;
	size_t i, n = 0;

	json_array_foreach(json_object_get(a, "metrics"), i, ma) {
		const char *name = json_string_value(json_object_get(ma, "name"));
		double *va, *vb, sd = 0, floor = 0;
		size_t na, nb;
		bool slices;

		mb = name ? metric_of(b, name) : NULL;
		if (!mb || n == max)
			continue;
		va = samples_of(ma, &na);
		vb = samples_of(mb, &nb);
		/* One value a side, and the same: nothing to say about it. */
		if (va && vb && (na > 1 || nb > 1 || (na && nb && va[0] != vb[0]))) {
			slices = !strcmp(json_string_value(json_object_get(ma, "sampling")) ?: "",
					 "slices");
			noise_for(noise, name, &sd, &floor);
			rows[n].metric = name;
			rows[n].unit = json_string_value(json_object_get(ma, "unit"));
			rows[n].dir = !strcmp(json_string_value(json_object_get(ma, "direction")) ?: "",
					      "higher") ? VS_HIGHER : VS_LOWER;
			vs_compare(va, na, vb, nb, slices ? sd : 0, floor, rules, &rows[n].change);
			n++;
		}
		free(va);
		free(vb);
	}
	changes = malloc((n + 1) * sizeof(*changes));
	dirs = malloc((n + 1) * sizeof(*dirs));
	if (changes && dirs) {
		for (i = 0; i < n; i++) {
			changes[i] = rows[i].change;
			dirs[i] = rows[i].dir;
		}
		vs_decide_all(changes, dirs, n, rules);
		for (i = 0; i < n; i++)
			rows[i].change = changes[i];
	}
	free(changes);
	free(dirs);
	return n;
}

static json_t *row_json(const struct row *r, const char *b)
{
	const struct vs_change *c = &r->change;
	json_t *out = json_pack("{s:o, s:o, s:o, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:b}",
				"metric", vx_json_text(r->metric), "unit", vx_json_text(r->unit),
				"against", vx_json_text(b),
				"direction", r->dir == VS_HIGHER ? "higher" : "lower",
				"a", c->a, "b", c->b, "change", c->change, "p", c->p,
				"p_holm", c->p_holm, "noise_floor", c->floor,
				"verdict", vs_verdict_name(c->verdict), "fail", c->fail);

	json_object_set_new(out, "low", isfinite(c->low) ? json_real(c->low) : json_null());
	json_object_set_new(out, "high", isfinite(c->high) ? json_real(c->high) : json_null());
	json_object_set_new(out, "need", c->verdict == VS_CANNOT_TELL ?
			    json_integer((json_int_t)c->need) : json_null());
	return out;
}

static void print_row(const struct row *r)
{
	const struct vs_change *c = &r->change;
	char interval[64] = "", more[64] = "";

	if (isfinite(c->low) && isfinite(c->high) && c->high > c->low)
		snprintf(interval, sizeof(interval), "%+.1f %% to %+.1f %%", 100 * c->low,
			 100 * c->high);
	if (c->verdict == VS_CANNOT_TELL)
		snprintf(more, sizeof(more), " (%zu samples a side, some %zu needed)", c->have,
			 c->need);
	else if (c->verdict == VS_REGRESSED)
		snprintf(more, sizeof(more), "%s", c->fail ? " (fails)" : " (warning)");
	switch (vx_set.format) {
	case VX_FORMAT_MARKDOWN:
		printf("| %s | %s | %s | %+.2f %% | %s | %s%s |\n", shown_markdown(r->metric),
		       vx_figure(c->a), vx_figure(c->b), 100 * c->change, interval, vs_verdict_name(c->verdict), more);
		break;
	case VX_FORMAT_CSV:
		escape_csv(stdout, r->metric);
		putchar(',');
		escape_csv(stdout, r->unit);
		printf(",%.9g,%.9g,%.6g,%.6g,%.6g,%.4g,%.4g,%s,%zu\n", c->a, c->b, c->change, isfinite(c->low) ? c->low : NAN,
		       isfinite(c->high) ? c->high : NAN, c->p, c->p_holm,
		       vs_verdict_name(c->verdict), c->need);
		break;
	default:
		printf("%-26s %12s %12s %+8.2f %%  %-22s %s%s\n", shown(r->metric),
		       vx_figure(c->a), vx_figure(c->b), 100 * c->change, interval, vs_verdict_name(c->verdict), more);
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

int vx_compare_results(json_t **results, const char **names, size_t n)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	json_t *noise = NULL, *out = NULL, *list = NULL;
	size_t i, k, rows, regressed = 0, failed = 0, unknown = 0, improved = 0, same = 0;
	struct row *row;
	bool as_json = vx_set.format == VX_FORMAT_JSON || vx_set.json;

	rules.alpha = vx_set.alpha;
	rules.min_effect = vx_set.min_effect;
	rules.fail_effect = vx_set.fail_effect;
	for (i = 1; i < n; i++) {
		char *differ = vx_fingerprint_differ(json_object_get(results[0], "fingerprint"),
						     json_object_get(results[i], "fingerprint"));

		if (!differ)
			differ = options_differ(results[0], results[i]);
		if (differ && !vx_set.interleave) {
			vx_say("%s and %s are not alike: %s%s", names[0], names[i], differ,
			       vx_set.force ? "; compared all the same" :
			       "; --force compares them all the same");
			if (!vx_set.force) {
				free(differ);
				return VX_USAGE;
			}
		}
		free(differ);
	}
	row = calloc(1024, sizeof(*row));
	if (!row)
		return VX_MISSED;
	noise = noise_of_machine(results[0]);
	if (as_json)
		list = json_array();
	for (i = 1; i < n; i++) {
		rows = make_rows(results[0], results[i], noise, &rules, row, 1024);
		if (!rows)
			vx_say("%s and %s have no metric in common", names[0], names[i]);
		if (!as_json && rows)
			print_head(names[0], names[i]);
		for (k = 0; k < rows; k++) {
			const struct vs_change *c = &row[k].change;

			regressed += c->verdict == VS_REGRESSED;
			improved += c->verdict == VS_IMPROVED;
			same += c->verdict == VS_UNCHANGED;
			unknown += c->verdict == VS_CANNOT_TELL;
			failed += c->fail;
			if (vx_set.only_changed && (c->verdict == VS_UNCHANGED))
				continue;
			if (as_json)
				json_array_append_new(list, row_json(&row[k], names[i]));
			else
				print_row(&row[k]);
		}
		if (!rows)
			unknown++;
	}
	if (as_json) {
		out = json_pack("{s:i, s:o, s:f, s:f, s:f, s:b, s:b, s:I, s:I, s:I, s:I, s:o}",
				"schema_version", VX_SCHEMA_VERSION, "baseline",
				vx_json_text(names[0]),
				"alpha", rules.alpha, "min_effect", rules.min_effect,
				"fail_effect", rules.fail_effect, "noise_known", noise != NULL,
				"regression_detected", regressed > 0,
				"improved", (json_int_t)improved, "regressed", (json_int_t)regressed,
				"unchanged", (json_int_t)same, "cannot_tell", (json_int_t)unknown,
				"comparisons", list);
		vx_write_json("-", out);
		json_decref(out);
	} else if (vx_set.format == VX_FORMAT_TABLE) {
		printf("\n%zu improved, %zu regressed (%zu fail), %zu unchanged, %zu cannot tell%s\n",
		       improved, regressed, failed, same, unknown,
		       noise ? "; the machine's own noise is respected" :
		       "; the noise of this machine is not known (vexstress noise)");
	}
	json_decref(noise);
	free(row);
	return failed ? VX_MISSED : unknown ? VX_CANNOT_TELL : VX_OK;
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
