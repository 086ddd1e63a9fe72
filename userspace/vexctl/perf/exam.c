// SPDX-License-Identifier: GPL-2.0
/*
 * Runs checks and prints their findings, worst first. They examine this machine, or a
 * copy of another one: a directory with the output of "vexctl -j stats" in stats.json,
 * that of "vexctl -j tune" in tune.json, and files of /proc, /sys and /etc below root.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "exam.h"
#include "jsonin.h"
#include "page.h"
#include "term.h"

void finds(struct finding *f, enum severity s, const char *fmt, ...)
{
	va_list args;

	f->severity = s;
	va_start(args, fmt);
	vsnprintf(f->evidence, sizeof(f->evidence), fmt, args);
	va_end(args);
}

void advise(struct finding *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(f->advice, sizeof(f->advice), fmt, args);
	va_end(args);
}

const struct known *exam_known(const struct exam *e, const char *key)
{
	for (size_t i = 0; i < e->settings; i++)
		if (!strcmp(e->setting[i].key, key))
			return &e->setting[i];
	return NULL;
}

double exam_setting(const struct exam *e, const char *key)
{
	const struct known *k = exam_known(e, key);

	return k ? strtod(k->value, NULL) : -1;
}

double exam_figure(const struct exam *e, const char *subject, const char *row, const char *counter)
{
	const struct row *r = rows_find(&e->look.rows, subject, row);

	return r && row_has(r, counter) ? (double)row_value(r, counter) : NAN;
}

bool exam_file(const struct exam *e, const char *path, char *buf, size_t size)
{
	return host_file(e->root, path, buf, size);
}

/* ---- the data that checks examine ---- */

static int keep_known(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	struct exam *e = arg;
	struct known *k = &e->setting[e->settings];

	(void)h;
	if (e->settings == 128)
		return 0;
	snprintf(k->key, sizeof(k->key), "%s", wire_text(a, VEXFS_A_TUNABLE_KEY));
	if (a[VEXFS_A_TUNABLE_TEXT]) {
		snprintf(k->value, sizeof(k->value), "%s", wire_text(a, VEXFS_A_TUNABLE_TEXT));
		snprintf(k->def, sizeof(k->def), "%s", wire_text(a, VEXFS_A_TUNABLE_DEFAULT_TEXT));
		/* "auto" stands for the value in effect. */
		if (a[VEXFS_A_TUNABLE_AT_DEFAULT])
			memcpy(k->value, k->def, sizeof(k->value));
	} else {
		snprintf(k->value, sizeof(k->value), "%" PRId64,
			 (int64_t)wire_u64(a, VEXFS_A_TUNABLE_VALUE));
		snprintf(k->def, sizeof(k->def), "%" PRId64,
			 (int64_t)wire_u64(a, VEXFS_A_TUNABLE_DEFAULT));
	}
	e->settings++;
	return 0;
}

static void copy_text(const jsonin *v, char *to, size_t size)
{
	if (jsonin_text(v))
		snprintf(to, size, "%s", jsonin_text(v));
	else if (jsonin_is_integer(v))
		snprintf(to, size, "%" PRId64, jsonin_integer(v));
	else
		*to = '\0';
}

static int copy_counter(const char *key, const jsonin *v, void *arg)
{
	struct row *r = arg;

	if (!strcmp(key, "subject"))
		copy_text(v, r->subject, sizeof(r->subject));
	else if (!strcmp(key, "row"))
		copy_text(v, r->name, sizeof(r->name));
	else if (jsonin_is_integer(v) && strcmp(key, "time_ns") && r->n < ROW_COUNTERS) {
		snprintf(r->counter[r->n].name, sizeof(r->counter[0].name), "%s", key);
		r->counter[r->n++].value = (uint64_t)jsonin_integer(v);
	}
	return 0;
}

static void copy_stats(struct exam *e, const jsonin *list)
{
	struct rows *rows = &e->look.rows;

	rows->row = calloc(jsonin_count(list) + 1, sizeof(struct row));
	for (size_t i = 0; rows->row && i < jsonin_count(list); i++) {
		jsonin_each(jsonin_at(list, i), copy_counter, &rows->row[rows->n]);
		rows->n += *rows->row[rows->n].subject != '\0';
	}
	e->look.loaded = rows->n > 0;
}

static void copy_settings(struct exam *e, const jsonin *list)
{
	for (size_t i = 0; i < jsonin_count(list) && e->settings < 128; i++) {
		struct known *k = &e->setting[e->settings];
		const jsonin *v = jsonin_at(list, i);

		copy_text(jsonin_get(v, "key"), k->key, sizeof(k->key));
		copy_text(jsonin_get(v, "value"), k->value, sizeof(k->value));
		copy_text(jsonin_get(v, "default"), k->def, sizeof(k->def));
		if (jsonin_true(jsonin_get(v, "at_default")))
			memcpy(k->value, k->def, sizeof(k->value));
		e->settings += *k->key != '\0';
	}
}

/* A missing file is ignored; invalid JSON is an error. */
static int copy_rows(struct exam *e)
{
	static const char *const names[] = { "stats.json", "tune.json" };
	char path[4300], why[300];

	for (size_t i = 0; i < 2; i++) {
		jsonin *doc;

		snprintf(path, sizeof(path), "%s/%s", e->from, names[i]);
		if (access(path, F_OK))
			continue;
		doc = jsonin_file(path, why, sizeof(why));
		if (!doc)
			return ctl_refuse(e->c, EINVAL, "%s", why);
		if (i)
			copy_settings(e, jsonin_get(doc, "settings"));
		else
			copy_stats(e, jsonin_get(doc, "stats"));
		jsonin_free(doc);
	}
	return 0;
}

int exam_begin(struct ctl *c, struct exam *e, const char *from, int64_t ms)
{
	const char *conf = getenv("VEXFS_CONFIG");
	static char root[4300];
	struct vexfs_error err;
	int ret;

	memset(e, 0, sizeof(*e));
	e->c = c;
	e->root = "";
	e->from = from;
	if (from) {
		snprintf(root, sizeof(root), "%s/root", from);
		e->root = root;
	}
	if (config_read(conf ? conf : CONFIG_PATH, &e->conf, e->conf_why, sizeof(e->conf_why)))
		config_defaults(&e->conf);
	if (from) {
		ret = copy_rows(e);
		if (ret)
			return ret;
		host_read(NULL, e->root, &e->look.host);
		metrics_between(NULL, &e->look, e->v);
		return 0;
	}
	e->w = wire_connect(&err);
	if (!e->w && err.code != ENODEV)
		return ctl_fail(c, &err);
	ret = look_take(e->w, "", &e->first);
	if (ret)
		return wire_fail(c, e->w, ret);
	if (e->w)
		wire_call(e->w, wire_request(e->w, VEXFS_CMD_TUNABLE_GET, true), keep_known, e);
	stop_on_signals();
	e->two = perf_sleep(ms);
	if (look_take(e->w, "", &e->look))
		return wire_fail(c, e->w, -EIO);
	metrics_between(&e->first, &e->look, e->v);
	return 0;
}

void exam_end(struct exam *e)
{
	wire_close(e->w);
	look_free(&e->first);
	look_free(&e->look);
}

/* ---- running checks, printing findings ---- */

struct result {
	const struct check *check;
	struct finding f;
};

static const char *severity_name(enum severity s)
{
	static const char *const names[] = { "ok", "unknown", "note", "warning", "critical" };

	return names[s];
}

static int worst_first(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	if (x->f.severity != y->f.severity)
		return x->f.severity > y->f.severity ? -1 : 1;
	return x->check < y->check ? -1 : x->check > y->check;
}

static void result_json(struct json *j, const struct result *r)
{
	json_object_begin(j);
	json_kv_string(j, "id", r->check->id);
	json_kv_string(j, "title", r->check->title);
	json_kv_string(j, "severity", severity_name(r->f.severity));
	json_kv_string(j, "evidence", r->f.evidence);
	json_kv_string(j, "advice", r->f.advice);
	json_object_end(j);
}

static void result_text(const struct result *r)
{
	static const enum tint tints[] = { TINT_GOOD, TINT_PLAIN, TINT_PLAIN, TINT_WARN, TINT_BAD };

	say(tints[r->f.severity], 10, "%-9s %s: %s", severity_name(r->f.severity), r->check->title,
	    *r->f.evidence ? r->f.evidence : "well");
	if (*r->f.advice)
		say(TINT_PLAIN, 12, "          -> %s", r->f.advice);
}

static void result_html(const struct result *r)
{
	static const char *const classes[] = { "good", "dim", "dim", "warn", "bad" };

	printf("<tr><td class=%s>%s<td>%s<td>", classes[r->f.severity], severity_name(r->f.severity),
	       r->check->title);
	escape_html(stdout, *r->f.evidence ? r->f.evidence : "well");
	fputs("<td>", stdout);
	escape_html(stdout, r->f.advice);
	putchar('\n');
}

static size_t run_checks(struct exam *e, const struct check *checks, unsigned int areas, bool deep,
			 struct result *out, size_t n)
{
	for (; checks->id; checks++) {
		if (!(checks->area & areas) || (checks->area & AREA_DEEP && !deep) || n == 100)
			continue;
		out[n] = (struct result){ .check = checks };
		checks->run(e, &out[n].f);
		n++;
	}
	return n;
}

static size_t count_of(const struct result *r, size_t n, enum severity s)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += r[i].f.severity == s;
	return count;
}

enum form { FORM_TEXT, FORM_JSON, FORM_HTML };

/* The findings, worst first; without @all only those that are no "ok". */
static void tell(struct exam *e, enum form form, const struct result *r, size_t n, bool all)
{
	struct json *j = &e->c->out;
	char sum[120];

	snprintf(sum, sizeof(sum), "%zu checks: %zu critical, %zu warnings, %zu notes, %zu unknown", n,
		 count_of(r, n, SEV_CRITICAL), count_of(r, n, SEV_WARNING), count_of(r, n, SEV_NOTE),
		 count_of(r, n, SEV_UNKNOWN));
	if (form == FORM_JSON) {
		json_kv_u64(j, "checks", n);
		json_kv_u64(j, "critical", count_of(r, n, SEV_CRITICAL));
		json_kv_u64(j, "warnings", count_of(r, n, SEV_WARNING));
		json_kv_u64(j, "notes", count_of(r, n, SEV_NOTE));
		json_kv_u64(j, "unknown", count_of(r, n, SEV_UNKNOWN));
		json_key(j, "findings");
		json_array_begin(j);
	} else if (form == FORM_HTML) {
		page_begin("vexfs diagnosis", time_text(perf_now_ms()));
		printf("<p>%s</p>\n<div class=scroll><table class=words>"
		       "<tr><th><th>check<th>evidence<th>advice\n", sum);
	}
	for (size_t i = 0; i < n; i++) {
		if (!all && r[i].f.severity < SEV_NOTE)
			continue;
		if (form == FORM_JSON)
			result_json(j, &r[i]);
		else if (form == FORM_HTML)
			result_html(&r[i]);
		else
			result_text(&r[i]);
	}
	if (form == FORM_JSON) {
		json_array_end(j);
	} else if (form == FORM_HTML) {
		puts("</table></div>");
		page_end();
	} else {
		puts(sum);
	}
}

/*
 * Runs the checks of these areas and prints their findings; in JSON as members of the
 * open object. Exit code: 1 for warnings and worse, 6 if nothing is known.
 */
static int examine(struct exam *e, unsigned int areas, bool deep, bool all, enum form form)
{
	static struct result r[100];
	size_t n;

	n = run_checks(e, module_checks, areas, deep, r, 0);
	n = run_checks(e, host_checks, areas, deep, r, n);
	n = run_checks(e, storage_checks, areas, deep, r, n);
	qsort(r, n, sizeof(*r), worst_first);
	tell(e, form, r, n, all);
	if (count_of(r, n, SEV_CRITICAL) + count_of(r, n, SEV_WARNING))
		return EXIT_FINDING;
	return count_of(r, n, SEV_UNKNOWN) == n ? EXIT_CANNOT_TELL : EXIT_OK;
}

static int with_exam(struct ctl *c, unsigned int areas, bool deep, bool all, const char *from,
		     int64_t ms, const char *path)
{
	static struct exam e;
	int ret = perf_output_begin(c, path);

	if (ret)
		return ret;
	ret = exam_begin(c, &e, from, ms);
	if (!ret) {
		if (c->json) {
			json_object_begin(&c->out);
			kv_number(&c->out, "timestamp", (double)perf_now_ms() / 1e3);
		}
		ret = examine(&e, areas, deep, all, c->json ? FORM_JSON :
			      output_is(path, ".html") ? FORM_HTML : FORM_TEXT);
		if (c->json) {
			json_object_end(&c->out);
			json_finish(&c->out);
		}
		if (!e.look.loaded && !from && areas & AREA_MODULE)
			ret = EXIT_NO_MODULE;
	}
	exam_end(&e);
	return perf_output_end(c, ret);
}

/* Interval for rates of the machine. */
#define GLANCE_MS	300

int run_diagnose(struct ctl *c)
{
	bool deep = opt_given(c, "comprehensive");

	return with_exam(c, ~AREA_DEEP, deep, deep || opt_given(c, "all"), opt_string(c, "from", NULL),
			 deep ? 3 * GLANCE_MS : GLANCE_MS, opt_string(c, "output", NULL));
}

int run_external_factors(struct ctl *c)
{
	unsigned int areas = 0;

	if (opt_given(c, "check-system-load"))
		areas |= AREA_CPU | AREA_MEMORY;
	if (opt_given(c, "check-network"))
		areas |= AREA_NETWORK;
	if (opt_given(c, "check-storage"))
		areas |= AREA_DISK;
	return with_exam(c, areas ? areas : AREA_CPU | AREA_MEMORY | AREA_NETWORK | AREA_DISK, true, true,
			 opt_string(c, "from", NULL), GLANCE_MS, opt_string(c, "output", NULL));
}

/* ---- host-check, which can also fix settings ---- */

/* Settings that can be fixed by writing a file, and their values. */
static int apply_one(struct ctl *c, const char *path, const char *want)
{
	char now[128];
	FILE *f;
	int bad;

	if (!host_file("", path, now, sizeof(now)))
		return 0;
	now[strcspn(now, "\n")] = '\0';
	if (!strcmp(now, want))
		return 0;
	f = fopen(path, "we");
	bad = !f || fputs(want, f) < 0;
	if (f)
		bad |= fclose(f) != 0;
	if (bad) {
		fprintf(stderr, "vexctl: %s: %s\n", path, strerror(errno));
		return 1;
	}
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "file", path);
		json_kv_string(&c->out, "from", now);
		json_kv_string(&c->out, "to", want);
		json_object_end(&c->out);
	} else {
		printf("applied: %s: %s -> %s\n", path, shown(now), want);
	}
	return 0;
}

static int apply_advice(struct ctl *c)
{
	int bad = 0;

	if (c->json) {
		json_key(&c->out, "applied");
		json_array_begin(&c->out);
	}
	for (int cpu = 0; cpu < 4096; cpu++) {
		char path[100];

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor",
			 cpu);
		bad |= apply_one(c, path, "performance");
	}
	bad |= apply_one(c, "/proc/sys/vm/swappiness", "1");
	if (c->json)
		json_array_end(&c->out);
	return bad;
}

int run_host_check(struct ctl *c)
{
	static struct exam e;
	const char *from = opt_string(c, "from", NULL);
	int ret, bad = 0;

	if (from && opt_given(c, "apply"))
		return ctl_usage(c, "--apply mends this machine, --from looks at another");
	ret = perf_output_begin(c, opt_string(c, "output", NULL));
	if (!ret)
		ret = exam_begin(c, &e, from, GLANCE_MS);
	if (ret)
		return perf_output_end(c, ret);
	if (c->json)
		json_object_begin(&c->out);
	ret = examine(&e, AREA_HOST, true, true, c->json ? FORM_JSON : FORM_TEXT);
	if (opt_given(c, "apply"))
		bad = apply_advice(c);
	if (c->json) {
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	exam_end(&e);
	return perf_output_end(c, bad ? EXIT_REFUSED : ret);
}

/* ---- health: four sections ---- */

static void target_line(struct ctl *c, const struct exam *e, int id, double target)
{
	/* Throughput of one client that waits for each answer. */
	double time = e->v[id - M_FUSE_OPS + M_FUSE_TIME], alone = time > 0 ? 1e6 / time : NAN;
	bool known = e->v[id] > 0 && !isnan(alone), met = !known || alone >= target;

	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "metric", metrics[id].name);
		kv_number(&c->out, "ops_per_sec", e->v[id]);
		kv_number(&c->out, "ops_per_sec_of_one_client", alone);
		kv_number(&c->out, "target", target);
		json_key(&c->out, "met");
		if (known)
			json_bool(&c->out, met);
		else
			json_null(&c->out);
		json_object_end(&c->out);
	} else {
		say(!known ? TINT_PLAIN : met ? TINT_GOOD : TINT_BAD, 4, "  %-14s %.1f ops/s (target %.0f): %s",
		    metrics[id].name, isnan(e->v[id]) ? 0 : e->v[id], target, !known ?
		    "no load, cannot tell" : met ? "met by a single client" :
		    "a single client does not reach it");
	}
}

static bool state_line(struct ctl *c, const char *name, const char *text, int on)
{
	if (c->json)
		json_kv_bool(&c->out, name, on > 0);
	else
		say(on > 0 ? TINT_GOOD : TINT_BAD, 4, "  %s %s", text, on > 0 ? "enabled" : "disabled");
	return on > 0;
}

static int health(struct ctl *c, struct exam *e)
{
	struct json *j = &c->out;
	bool good = true;
	int ret;

	if (c->json) {
		json_object_begin(j);
		kv_number(j, "timestamp", (double)perf_now_ms() / 1e3);
		json_kv_bool(j, "loaded", e->look.loaded);
		json_key(j, "targets");
		json_array_begin(j);
	} else {
		printf("vexfs performance health, %s\n\n1. Service\n", time_text(perf_now_ms()));
		say(e->look.loaded ? TINT_GOOD : TINT_BAD, 4, "  vexfs is %sloaded",
		    e->look.loaded ? "" : "not ");
		puts("\n2. Targets");
	}
	target_line(c, e, M_FUSE_OPS, 4125);
	target_line(c, e, M_VECTOR_OPS, 2120);
	target_line(c, e, M_SEMANTIC_OPS, 648);
	if (c->json) {
		json_array_end(j);
		json_key(j, "optimizations");
		json_object_begin(j);
	} else {
		puts("\n3. Optimizations");
	}
	good &= state_line(c, "memory_pools", "memory pools", (int)exam_setting(e, "pool_enabled"));
	good &= state_line(c, "simd", "SIMD", exam_figure(e, "simd", "scalar", "in_use") == 0);
	good &= state_line(c, "stack_optimization", "stack optimization",
			   (int)exam_setting(e, "stack_optimize"));
	good &= state_line(c, "batching", "batching", (int)exam_setting(e, "search_batching"));
	if (c->json)
		json_object_end(j);
	else
		puts("\n4. Issues");
	ret = examine(e, AREA_MODULE | AREA_OPS | AREA_POOLS | AREA_STACK | AREA_SIMD, false, false,
		      e->c->json ? FORM_JSON : FORM_TEXT);
	if (c->json) {
		json_kv_bool(j, "healthy", good && ret != EXIT_FINDING && e->look.loaded);
		json_object_end(j);
		json_finish(j);
	}
	if (!e->look.loaded)
		return EXIT_NO_MODULE;
	return ret == EXIT_OK && !good ? EXIT_FINDING : ret;
}

int run_health(struct ctl *c)
{
	static struct exam e;
	int ret = perf_output_begin(c, opt_string(c, "output", NULL));

	if (!ret)
		ret = exam_begin(c, &e, NULL, 1000);
	if (!ret)
		ret = health(c, &e);
	exam_end(&e);
	return perf_output_end(c, ret);
}
