// SPDX-License-Identifier: GPL-2.0
/*
 * Many machines side by side, from a Prometheus that scrapes them. Outliers are
 * determined by a documented test.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prom.h"
#include "term.h"
#include "vexctl.h"

#define URL		"http://127.0.0.1:9090"
/* Iglewicz and Hoaglin: a modified z-score beyond this is an outlier. */
#define OUTLIER		3.5
/* With fewer machines the median absolute deviation is meaningless. */
#define LEAST		5

enum quantity { UP, OPS, ERRORS, P99, VECTORS, BYTES, HITS, ATTENTION, QUANTITIES };

/* The time range replaces '%s'. */
static const struct {
	const char *name;
	const char *expr;
	bool judged;
} quantities[QUANTITIES] = {
	/* A machine that answered within the last hour and does so no more is down. */
	[UP] = { "up", "max by (instance) (vexfs_up) or "
		 "0 * max by (instance) (last_over_time(vexfs_up[1h]))", false },
	[OPS] = { "ops_per_s",
		  "sum by (instance) (rate(vexfs_ops_total{class!=\"control\"}[%s]))", true },
	[ERRORS] = { "errors_per_s",
		     "sum by (instance) (rate(vexfs_op_failures_total{class!=\"control\"}[%s]))", true },
	[P99] = { "p99_s", "histogram_quantile(0.99, sum by (instance, le) "
		  "(rate(vexfs_op_duration_seconds_bucket{class!=\"control\"}[%s]))) > 0", true },
	[VECTORS] = { "vectors", "max by (instance) (vexfs_vectors)", false },
	[BYTES] = { "bytes", "max by (instance) (vexfs_collections_bytes)", false },
	[HITS] = { "pool_hit_rate", "max by (instance) (vexfs_memory_pool_hit_rate)", true },
	[ATTENTION] = { "attention", "max by (instance) (vexfs_attention)", false },
};

/**
 * struct machine - a machine
 * @name: instance
 * @version: of the module
 * @simd: variant in use
 * @v: results of the queries, NaN if there is none
 * @before: the same in the past, for compare
 * @score: modified z-scores
 */
struct machine {
	char *name;
	char version[32];
	char simd[32];
	double v[QUANTITIES];
	double before[QUANTITIES];
	double score[QUANTITIES];
};

/**
 * struct fleet - all machines
 * @n: number of machines
 * @machine: machines, by name
 * @at: index of the query that is being read
 * @before: fill in the past values
 */
struct fleet {
	size_t n;
	struct machine *machine;
	enum quantity at;
	bool before;
};

static struct machine *machine_of(struct fleet *f, const char *name)
{
	struct machine *more, *m;

	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->machine[i].name, name))
			return &f->machine[i];
	more = realloc(f->machine, (f->n + 1) * sizeof(*more));
	if (!more)
		return NULL;
	f->machine = more;
	m = &more[f->n];
	*m = (struct machine){ .name = strdup(name) };
	if (!m->name)
		return NULL;
	for (unsigned int i = 0; i < QUANTITIES; i++)
		m->v[i] = m->before[i] = m->score[i] = NAN;
	f->n++;
	return m;
}

static int on_sample(const struct prom_sample *s, void *arg)
{
	struct fleet *f = arg;
	struct machine *m = machine_of(f, prom_label(s, "instance"));

	if (!m)
		return -ENOMEM;
	if (f->before)
		m->before[f->at] = s->value;
	else
		m->v[f->at] = s->value;
	return 0;
}

static int on_build(const struct prom_sample *s, void *arg)
{
	struct machine *m = machine_of(arg, prom_label(s, "instance"));

	if (!m)
		return -ENOMEM;
	snprintf(m->version, sizeof(m->version), "%s", prom_label(s, "version"));
	snprintf(m->simd, sizeof(m->simd), "%s", prom_label(s, "simd"));
	return 0;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct machine *)x)->name, ((const struct machine *)y)->name);
}

static void fleet_free(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->machine[i].name);
	free(f->machine);
}

/* Durations in Prometheus syntax; anything else could change the query. */
static bool range_valid(const char *range)
{
	size_t digits = strspn(range, "0123456789");

	return digits && digits < 6 && strchr("smhdw", range[digits]) && range[digits] &&
	       !range[digits + 1];
}

static double range_seconds(const char *range)
{
	static const char units[] = "smhdw";
	static const double s[] = { 1, 60, 3600, 86400, 604800 };

	return strtod(range, NULL) * s[strchr(units, range[strlen(range) - 1]) - units];
}

static int ask_all(struct fleet *f, const char *url, const char *range, double ago, char *why,
		   size_t size)
{
	char expr[256];
	int err = 0;

	f->before = ago > 0;
	for (unsigned int i = 0; i < QUANTITIES && !err; i++) {
		f->at = i;
		/* The formats come from the table above. */
		snprintf(expr, sizeof(expr), quantities[i].expr, range);
		err = prom_query(url, expr, ago, on_sample, f, why, size);
	}
	if (!err && !f->before)
		err = prom_query(url, "vexfs_build_info", ago, on_build, f, why, size);
	if (f->n)
		qsort(f->machine, f->n, sizeof(*f->machine), by_name);
	return err;
}

/* ---- outliers ---- */

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Modified z-scores: 0.6745 (x - median) / median absolute deviation. */
static void judge(struct fleet *f, enum quantity k, double *room)
{
	double mid, mad;
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (!isnan(f->machine[i].v[k]))
			room[n++] = f->machine[i].v[k];
	if (n < LEAST)
		return;
	mid = median(room, n);
	for (size_t i = 0; i < n; i++)
		room[i] = fabs(room[i] - mid);
	mad = median(room, n);
	for (size_t i = 0; i < f->n && mad > 0; i++)
		f->machine[i].score[k] = 0.6745 * (f->machine[i].v[k] - mid) / mad;
}

static bool stands_out(const struct machine *m, char *what, size_t size)
{
	*what = '\0';
	for (unsigned int i = 0; i < QUANTITIES; i++)
		if (quantities[i].judged && fabs(m->score[i]) > OUTLIER)
			snprintf(what + strlen(what), size - strlen(what), "%s%s %+.1f",
				 *what ? ", " : "", quantities[i].name, m->score[i]);
	return *what;
}

/* ---- as text and as JSON ---- */

static const struct column columns[] = {
	{ "machine", 24, true }, { "version", 9, true }, { "simd", 8, true }, { "ops/s", 10, false },
	{ "errors/s", 9, false }, { "p99 ms", 9, false }, { "vectors", 11, false },
	{ "MiB", 9, false }, { "hits", 6, false }, { "stands out", 30, true },
};

#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

static const char *number_cell(double v, double scale, int digits)
{
	return isnan(v) ? "-" : cell("%.*f", digits, v * scale);
}

static void text_machine(const struct machine *m)
{
	char what[160];
	bool out = stands_out(m, what, sizeof(what));
	const char *cells[COLUMNS] = {
		shown(m->name), m->v[UP] > 0 ? shown(m->version) : "down", shown(m->simd),
		number_cell(m->v[OPS], 1, 1), number_cell(m->v[ERRORS], 1, 2),
		number_cell(m->v[P99], 1e3, 3), number_cell(m->v[VECTORS], 1, 0),
		number_cell(m->v[BYTES], 1.0 / 1048576, 1), number_cell(m->v[HITS], 1, 3), what,
	};

	table_row(!(m->v[UP] > 0) ? TINT_BAD : out || m->v[ATTENTION] > 0 ? TINT_WARN : TINT_PLAIN,
		  columns, COLUMNS, cells);
}

static void json_values(struct ctl *c, const double *v)
{
	for (unsigned int i = 0; i < QUANTITIES; i++)
		json_kv_double(&c->out, quantities[i].name, v[i]);
}

static void json_machine(struct ctl *c, const struct machine *m, bool before)
{
	char what[160];

	json_object_begin(&c->out);
	json_kv_string(&c->out, "machine", m->name);
	json_kv_string(&c->out, "version", m->version);
	json_kv_string(&c->out, "simd", m->simd);
	json_values(c, m->v);
	if (before) {
		json_key(&c->out, "before");
		json_object_begin(&c->out);
		json_values(c, m->before);
		json_object_end(&c->out);
	}
	json_kv_bool(&c->out, "outlier", stands_out(m, what, sizeof(what)));
	json_kv_string(&c->out, "stands_out", what);
	json_object_end(&c->out);
}

static unsigned int outliers(const struct fleet *f)
{
	unsigned int n = 0;
	char what[160];

	for (size_t i = 0; i < f->n; i++)
		n += stands_out(&f->machine[i], what, sizeof(what)) || !(f->machine[i].v[UP] > 0);
	return n;
}

static void print_json(struct ctl *c, const struct fleet *f, size_t most, bool before)
{
	json_object_begin(&c->out);
	json_kv_u64(&c->out, "machines", f->n);
	json_kv_u64(&c->out, "outliers", outliers(f));
	json_kv_string(&c->out, "test", "modified z-score beyond 3.5, of at least 5 machines");
	json_key(&c->out, "fleet");
	json_array_begin(&c->out);
	for (size_t i = 0; i < f->n && i < most; i++)
		json_machine(c, &f->machine[i], before);
	json_array_end(&c->out);
	json_object_end(&c->out);
	json_finish(&c->out);
}

/* How many machines run which version and variant. */
static void text_versions(const struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct machine *m = &f->machine[i];
		size_t same = 0, k;

		for (k = 0; k < f->n; k++) {
			const struct machine *o = &f->machine[k];

			if (strcmp(m->version, o->version) || strcmp(m->simd, o->simd))
				continue;
			if (k < i)
				break;
			same++;
		}
		if (k == f->n && *m->version)
			printf("%zu on version %s with %s\n", same, shown(m->version), shown(m->simd));
	}
}

static void text_fleet(const struct fleet *f, size_t most)
{
	table_row(TINT_HEAD, columns, COLUMNS, NULL);
	for (size_t i = 0; i < f->n && i < most; i++)
		text_machine(&f->machine[i]);
	if (f->n > most)
		printf("and %zu more\n", f->n - most);
}

/* ---- verbs ---- */

/* Reads the fleet; 0, or an exit code after printing why. */
static int read_fleet(struct ctl *c, struct fleet *f, double ago)
{
	const char *url = opt_string(c, "prometheus", URL), *range = opt_string(c, "range", "5m");
	char why[400];
	double *room;
	int err;

	if (!range_valid(range))
		return ctl_usage(c, "--range is a number and one of s, m, h, d, w: 5m");
	err = ask_all(f, url, range, 0, why, sizeof(why));
	if (!err && ago > 0)
		err = ask_all(f, url, range, ago, why, sizeof(why));
	if (err)
		return ctl_refuse(c, -err, "%s", why);
	room = calloc(f->n + 1, sizeof(*room));
	if (!room)
		return ctl_refuse(c, ENOMEM, "no memory");
	for (unsigned int k = 0; k < QUANTITIES; k++)
		if (quantities[k].judged)
			judge(f, k, room);
	free(room);
	if (!f->n)
		return ctl_refuse(c, ENOENT, "%s knows no machine with vexfs-exporter", url);
	return 0;
}

static int run_status(struct ctl *c)
{
	struct fleet f = { 0 };
	int ret = read_fleet(c, &f, 0);

	if (!ret && c->json) {
		print_json(c, &f, SIZE_MAX, false);
	} else if (!ret) {
		text_fleet(&f, SIZE_MAX);
		text_versions(&f);
	}
	if (!ret && outliers(&f))
		ret = EXIT_REFUSED;
	fleet_free(&f);
	return ret;
}

static enum quantity sort_key;

static int by_key(const void *x, const void *y)
{
	double a = ((const struct machine *)x)->v[sort_key];
	double b = ((const struct machine *)y)->v[sort_key];

	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return a > b ? -1 : a < b;
}

static int run_top(struct ctl *c)
{
	const char *by = opt_string(c, "by", "ops_per_s");
	size_t most = opt_u64(c, "count", 10);
	struct fleet f = { 0 };
	unsigned int k;
	int ret;

	for (k = 0; k < QUANTITIES; k++)
		if (!strcmp(by, quantities[k].name))
			break;
	if (k == QUANTITIES)
		return ctl_usage(c, "--by is one of ops_per_s, errors_per_s, p99_s, vectors, bytes, "
				 "pool_hit_rate, attention");
	ret = read_fleet(c, &f, 0);
	if (!ret) {
		sort_key = k;
		qsort(f.machine, f.n, sizeof(*f.machine), by_key);
		if (c->json)
			print_json(c, &f, most, false);
		else
			text_fleet(&f, most);
	}
	fleet_free(&f);
	return ret;
}

static void text_compare(const struct fleet *f)
{
	static const struct column col[] = {
		{ "machine", 24, true }, { "ops/s before", 13, false }, { "now", 11, false },
		{ "change", 8, false }, { "p99 ms before", 14, false }, { "now", 9, false },
		{ "change", 8, false },
	};

	table_row(TINT_HEAD, col, 7, NULL);
	for (size_t i = 0; i < f->n; i++) {
		const struct machine *m = &f->machine[i];
		double ops = m->v[OPS] / m->before[OPS] - 1, p99 = m->v[P99] / m->before[P99] - 1;
		const char *cells[] = {
			shown(m->name), number_cell(m->before[OPS], 1, 1), number_cell(m->v[OPS], 1, 1),
			isfinite(ops) ? cell("%+.1f%%", ops * 100) : "-",
			number_cell(m->before[P99], 1e3, 3), number_cell(m->v[P99], 1e3, 3),
			isfinite(p99) ? cell("%+.1f%%", p99 * 100) : "-",
		};

		table_row(TINT_PLAIN, col, 7, cells);
	}
}

static int run_compare(struct ctl *c)
{
	const char *ago = opt_string(c, "ago", "1h");
	struct fleet f = { 0 };
	int ret;

	if (!range_valid(ago))
		return ctl_usage(c, "--ago is a number and one of s, m, h, d, w: 1h");
	ret = read_fleet(c, &f, range_seconds(ago));
	if (!ret && c->json)
		print_json(c, &f, SIZE_MAX, true);
	else if (!ret)
		text_compare(&f);
	fleet_free(&f);
	return ret;
}

#define FLEET_OPTS \
	{ "prometheus", 0, OPT_STRING, "URL", "the server that scrapes them, default " URL }, \
	{ "range", 0, OPT_STRING, "DURATION", "range of rates, default 5m" }

static const struct opt status_opts[] = { FLEET_OPTS, { 0 } };

static const struct opt top_opts[] = {
	FLEET_OPTS,
	{ "by", 0, OPT_STRING, "WHAT", "sort key, default ops_per_s" },
	{ "count", 'n', OPT_U64, "N", "number of machines, default 10" },
	{ 0 },
};

static const struct opt compare_opts[] = {
	FLEET_OPTS,
	{ "ago", 0, OPT_STRING, "DURATION", "compare with the values this long ago, default 1h" },
	{ 0 },
};

const struct verb fleet_verbs[] = {
	{ "fleet status", "", 0, 0, "machines side by side",
	  "All machines that Prometheus scrapes, versions and variants in use, and outliers: machines whose "
	  "rate, errors, p99 or hit rate has a modified z-score (0.6745 times its distance from the "
	  "median, over the median distance) beyond 3.5, where there are at least 5 machines. The exit "
	  "code is 1 when one stands out or is down.", status_opts, run_status },
	{ "fleet top", "", 0, 0, "the machines with the highest values", NULL, top_opts, run_top },
	{ "fleet compare", "", 0, 0, "machines now and some time ago", NULL, compare_opts, run_compare },
	{ 0 },
};
