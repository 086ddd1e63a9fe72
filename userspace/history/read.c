// SPDX-License-Identifier: GPL-2.0
/* Reading series over a period, at the resolution that covers it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/**
 * struct reading - a call of history_read()
 * @wanted: by number of the series
 * @index: index in @out, by number of the series
 * @out: receives the points
 * @from: earlier points are left out
 * @span: of the rows that are being read
 */
struct reading {
	bool *wanted;
	size_t *index;
	struct history_values *out;
	size_t names;
	int64_t from;
	int64_t span;
	int epoch;
	struct history_error *err;
};

static int add_point(struct reading *r, struct history_values *v, const struct history_point *p)
{
	if (v->n == v->room) {
		size_t room = v->room ? 2 * v->room : 256;
		struct history_point *more = realloc(v->p, room * sizeof(*more));

		if (!more)
			return fail_with(r->err, ENOMEM, "no memory for the points of a period");
		v->p = more;
		v->room = room;
	}
	v->p[v->n++] = *p;
	return 0;
}

static int keep_sample(struct replay *r, void *arg)
{
	struct reading *g = arg;

	if (r->t < g->from)
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		struct history_values *v = &g->out[g->index[i]];
		struct history_point p = { r->t, r->usual, 0, 0, 0, 1, g->epoch };

		if (!g->wanted[i] || !replay_value(r, i, &p.mean))
			continue;
		if (v->series.kind == HISTORY_COUNTER) {
			p.span = r->t - r->t_before;
			p.t = r->t_before;
		}
		p.min = p.max = p.mean;
		if (v->sketch)
			v->sketch[sketch_bucket(p.mean)]++, v->sketched++;
		if (add_point(g, v, &p))
			return -1;
	}
	return 0;
}

static int keep_rollup(struct rollup *r, void *arg)
{
	struct reading *g = arg;

	for (size_t i = 0; i < r->figures; i++) {
		const struct roll *f = &r->roll[i];
		struct history_values *v = &g->out[g->index[i]];
		struct history_point p = { r->t, g->span, f->mean, f->min, f->max, f->n, r->epoch };

		if (!g->wanted[i] || !f->n)
			continue;
		for (unsigned int s = 0; f->sketch && v->sketch && s < HISTORY_SKETCH; s++) {
			v->sketch[s] += f->sketch[s];
			v->sketched += f->sketch[s];
		}
		if (add_point(g, v, &p))
			return -1;
	}
	return 0;
}

static int read_raw(struct history *h, struct reading *g, int64_t from, int64_t to)
{
	int64_t first, last;
	int ret = 0;

	g->from = from;
	for (int e = -1; !ret && (e = next_epoch(h, 0, e)) >= 0;) {
		g->epoch = e;
		if (epoch_edges(h, 0, e, &first, &last) && first < to && last >= from)
			ret = replay_samples(h, e, from, to, keep_sample, g, g->err);
	}
	return ret;
}

static int read_level(struct history *h, struct reading *g, int level, int64_t from, int64_t to)
{
	struct roll *roll;
	int ret;

	if (!level)
		return read_raw(h, g, from, to);
	roll = calloc(h->n + 1, sizeof(*roll));
	if (!roll)
		return fail_with(g->err, ENOMEM, "no memory");
	for (size_t i = 0; i < h->n; i++)
		if (g->wanted[i] && h->series[i].s.sketch)
			roll[i].sketch = calloc(HISTORY_SKETCH, sizeof(uint32_t));
	g->span = level == LEVEL_MID ? MID_MS : LONG_MS;
	ret = replay_rollups(h, level, -1, from, to, roll, g->wanted, keep_rollup, g, g->err);
	for (size_t i = 0; i < h->n; i++)
		free(roll[i].sketch);
	free(roll);
	return ret;
}

/* The finest level that reaches back to @from, or the one that reaches back furthest. */
static int choose(const int64_t first[3], int64_t from, int64_t step_ms)
{
	int best = -1;

	for (int level = 0; level < 3; level++) {
		int64_t span = level == 0 ? 0 : level == 1 ? MID_MS : LONG_MS;

		if (first[level] < 0)
			continue;
		if (best >= 0 && first[best] <= from && span > step_ms)
			break;
		if (best < 0 || first[best] > from || span <= step_ms)
			if (best < 0 || first[level] < first[best] || first[level] <= from)
				best = level;
	}
	return best;
}

static int prepare_reading(struct history *h, struct reading *g, const char *const *names,
			   size_t n)
{
	g->wanted = calloc(h->n + 1, sizeof(*g->wanted));
	g->index = calloc(h->n + 1, sizeof(*g->index));
	if (!g->wanted || !g->index)
		return fail_with(g->err, ENOMEM, "no memory");
	for (size_t i = 0; i < n; i++) {
		int s = history_find(h, names[i]);

		if (s < 0)
			continue;
		g->wanted[s] = true;
		g->index[s] = i;
		g->out[i].series = h->series[s].s;
		if (h->series[s].s.sketch) {
			g->out[i].sketch = calloc(HISTORY_SKETCH, sizeof(uint32_t));
			if (!g->out[i].sketch)
				return fail_with(g->err, ENOMEM, "no memory");
		}
	}
	return 0;
}

int history_read(struct history *h, const char *const *names, size_t n, int64_t from, int64_t to,
		 int64_t step_ms, struct history_values *out, struct history_error *err)
{
	struct reading g = { .out = out, .names = n, .err = err };
	int64_t first[3], last[3];
	int ret, level;

	memset(out, 0, n * sizeof(*out));
	/* One transaction, so that concurrent writes do not matter. */
	if (run_sql(h, "BEGIN", err))
		return -1;
	ret = load_series(h, err);
	if (!ret)
		ret = prepare_reading(h, &g, names, n);
	for (int i = 0; i < 3; i++)
		level_edges(h, i, &first[i], &last[i]);
	level = choose(first, from, step_ms);
	/* Periods that are not rolled up yet come from the finer levels. */
	for (int64_t at = from; !ret && level >= 0 && at < to; level--) {
		int64_t span = level == 0 ? 0 : level == 1 ? MID_MS : LONG_MS;
		int64_t end = level ? last[level] + span : to;

		if (first[level] < 0 || end <= at)
			continue;
		if (end > to)
			end = to;
		ret = read_level(h, &g, level, at, end);
		at = end;
	}
	sqlite3_exec(h->db, "COMMIT", NULL, NULL, NULL);
	free(g.wanted);
	free(g.index);
	if (!ret && h->broken)
		ret = fail_with(err, EUCLEAN, "the history is damaged");
	if (ret)
		history_values_free(out, n);
	return ret;
}

void history_values_free(struct history_values *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].p);
		free(v[i].sketch);
		v[i] = (struct history_values){ 0 };
	}
}

double history_quantile(const struct history_values *v, double q)
{
	double want = q * (double)v->sketched;
	uint64_t seen = 0;

	for (unsigned int i = 0; v->sketch && i < HISTORY_SKETCH; i++) {
		seen += v->sketch[i];
		if (v->sketch[i] && (double)seen >= want)
			return sketch_value(i);
	}
	return 0;
}

static int each_note(struct history *h, const char *sql, int64_t from, int64_t to,
		     history_note_fn fn, void *arg, struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, sql, err);
	int step, ret = 0;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, from);
	sqlite3_bind_int64(st, 2, to);
	while (!ret && (step = sqlite3_step(st)) != SQLITE_DONE) {
		struct history_note n;

		if (step != SQLITE_ROW) {
			ret = fail_db(h, err, "");
			break;
		}
		n.t = sqlite3_column_int64(st, 0);
		n.kind = (const char *)sqlite3_column_text(st, 1);
		n.subject = (const char *)sqlite3_column_text(st, 2);
		n.from = (const char *)sqlite3_column_text(st, 3);
		n.to = (const char *)sqlite3_column_text(st, 4);
		n.a = (uint64_t)sqlite3_column_int64(st, 5);
		n.b = (uint64_t)sqlite3_column_int64(st, 6);
		ret = fn(&n, arg);
	}
	sqlite3_finalize(st);
	return ret;
}

int history_events(struct history *h, int64_t from, int64_t to, history_note_fn fn, void *arg,
		   struct history_error *err)
{
	return each_note(h, "SELECT t, kind, subject, '', '', a, b FROM event WHERE t >= ? AND t < ?"
			 " ORDER BY t, id", from, to, fn, arg, err);
}

int history_changes(struct history *h, int64_t from, int64_t to, history_note_fn fn, void *arg,
		    struct history_error *err)
{
	return each_note(h, "SELECT t, what, key, old, new, 0, 0 FROM change WHERE t >= ? AND t < ?"
			 " ORDER BY t, id", from, to, fn, arg, err);
}
