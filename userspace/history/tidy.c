// SPDX-License-Identifier: GPL-2.0
/*
 * Rolls up what is complete, and deletes what is too old or too large. The state is only
 * in the file, so the writer may die at any time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/**
 * struct builder - a row of rollups under construction
 * @level: its level
 * @span: length of its rows
 * @epoch: of the row
 * @t: its start, -1 for none
 * @until: rows that end later are incomplete
 * @n: samples in it
 * @sum: of the values, by series
 * @now: values of the row
 * @last: values of the previous row
 * @rows: rows since the last complete one
 * @insert: statement that writes a row
 */
struct builder {
	struct history *h;
	int level;
	int64_t span;
	int epoch;
	int64_t t;
	int64_t until;
	uint32_t n;
	size_t figures;
	double *sum;
	struct roll *now;
	struct roll *last;
	unsigned int rows;
	sqlite3_stmt *insert;
	struct history_error *err;
};

static void start_row(struct builder *b, int64_t t)
{
	b->t = t;
	b->n = 0;
	for (size_t i = 0; i < b->figures; i++) {
		uint32_t *sketch = b->now[i].sketch;

		b->now[i] = (struct roll){ .sketch = sketch };
		b->sum[i] = 0;
		if (sketch)
			memset(sketch, 0, HISTORY_SKETCH * sizeof(*sketch));
	}
}

static int end_row(struct builder *b)
{
	bool key = b->rows % ROLL_KEY_EVERY == 0;
	struct bytes out = { 0 };
	int ret = 0;

	if (b->t < 0 || b->t + b->span > b->until || !b->n)
		return 0;
	for (size_t i = 0; i < b->figures; i++)
		if (b->now[i].n)
			b->now[i].mean = (float)(b->sum[i] / b->now[i].n);
	/* Rounding must not put the mean outside its bounds. */
	for (size_t i = 0; i < b->figures; i++) {
		if (b->now[i].mean < b->now[i].min)
			b->now[i].mean = b->now[i].min;
		if (b->now[i].mean > b->now[i].max)
			b->now[i].mean = b->now[i].max;
	}
	roll_write(&out, b->now, b->last, b->figures, key, b->n);
	b->rows++;
	sqlite3_bind_int(b->insert, 1, b->level);
	sqlite3_bind_int(b->insert, 2, b->epoch);
	sqlite3_bind_int64(b->insert, 3, b->t);
	sqlite3_bind_int(b->insert, 4, key);
	sqlite3_bind_int64(b->insert, 5, b->n);
	sqlite3_bind_blob(b->insert, 6, out.p ? (void *)out.p : (void *)"", (int)out.n,
			  SQLITE_STATIC);
	if (out.failed)
		ret = fail_with(b->err, ENOMEM, "no memory for a rollup");
	else if (sqlite3_step(b->insert) != SQLITE_DONE)
		ret = fail_db(b->h, b->err, "");
	sqlite3_reset(b->insert);
	free(out.p);
	return ret;
}

static int at_time(struct builder *b, int64_t t)
{
	int64_t row = t - t % b->span;

	if (row == b->t)
		return 0;
	if (end_row(b))
		return -1;
	start_row(b, row);
	return 0;
}

static void add_values(struct roll *r, double *sum, uint32_t n, double mean, float min, float max)
{
	if (!r->n || min < r->min)
		r->min = min;
	if (!r->n || max > r->max)
		r->max = max;
	r->n += n;
	*sum += mean * n;
}

static int take_sample(struct replay *r, void *arg)
{
	struct builder *b = arg;
	double v;

	if (r->t < b->t)	/* decoded only so that counters have a previous sample */
		return 0;
	if (at_time(b, r->t))
		return -1;
	b->n++;
	for (size_t i = 0; i < b->figures; i++) {
		if (!replay_value(r, i, &v))
			continue;
		add_values(&b->now[i], &b->sum[i], 1, v, (float)v, (float)v);
		if (b->now[i].sketch)
			b->now[i].sketch[sketch_bucket(v)]++;
	}
	return 0;
}

static int take_rollup(struct rollup *r, void *arg)
{
	struct builder *b = arg;

	if (r->epoch != b->epoch || r->t < b->t)
		return 0;
	if (at_time(b, r->t))
		return -1;
	b->n += r->n;
	for (size_t i = 0; i < b->figures; i++) {
		const struct roll *f = &r->roll[i];

		if (!f->n)
			continue;
		add_values(&b->now[i], &b->sum[i], f->n, f->mean, f->min, f->max);
		for (unsigned int s = 0; b->now[i].sketch && f->sketch && s < HISTORY_SKETCH; s++)
			b->now[i].sketch[s] += f->sketch[s];
	}
	return 0;
}

static struct roll *new_rolls(struct history *h, bool sketches)
{
	struct roll *r = calloc(h->n + 1, sizeof(*r));

	for (size_t i = 0; r && sketches && i < h->n; i++)
		if (h->series[i].s.sketch)
			r[i].sketch = calloc(HISTORY_SKETCH, sizeof(uint32_t));
	return r;
}

static void free_rolls(struct roll *r, size_t n)
{
	for (size_t i = 0; r && i < n; i++)
		free(r[i].sketch);
	free(r);
}

/* The start of the next row of a level in an epoch. */
static int64_t rolled_until(struct builder *b, int64_t first)
{
	sqlite3_stmt *st = prepare(b->h, "SELECT max(t) FROM rollup WHERE level = ? AND epoch = ?",
				   b->err);
	int64_t t = first - first % b->span;

	if (!st)
		return t;
	sqlite3_bind_int(st, 1, b->level);
	sqlite3_bind_int(st, 2, b->epoch);
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		t = sqlite3_column_int64(st, 0) + b->span;
	sqlite3_finalize(st);
	return t;
}

static int keep_last(struct rollup *r, void *arg)
{
	struct builder *b = arg;

	if (r->epoch != b->epoch)
		return 0;
	for (size_t i = 0; i < b->figures; i++)
		b->last[i] = r->roll[i];
	return 0;
}

/* The last row, and the number of rows since the last complete one. */
static int find_last(struct builder *b)
{
	struct roll *roll = new_rolls(b->h, false);
	sqlite3_stmt *st;
	int ret = roll ? 0 : fail_with(b->err, ENOMEM, "no memory");

	for (size_t i = 0; i < b->figures; i++)
		b->last[i] = (struct roll){ 0 };
	b->rows = 0;
	st = prepare(b->h, "SELECT count(*) FROM rollup WHERE level = ?1 AND epoch = ?2 AND t >="
		     " (SELECT max(t) FROM rollup WHERE level = ?1 AND epoch = ?2 AND key)", b->err);
	if (!st || ret) {
		sqlite3_finalize(st);
		free(roll);
		return -1;
	}
	sqlite3_bind_int(st, 1, b->level);
	sqlite3_bind_int(st, 2, b->epoch);
	if (sqlite3_step(st) == SQLITE_ROW)
		b->rows = (unsigned int)sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (b->rows)
		ret = replay_rollups(b->h, b->level, b->epoch, b->t - b->span, b->t, roll, NULL, keep_last, b,
				     b->err);
	free(roll);
	return ret;
}

static int roll_epoch(struct builder *b, int epoch, int64_t first, int64_t last, int64_t now)
{
	struct history *h = b->h;
	struct roll *from = NULL;
	int ret;

	b->epoch = epoch;
	/* An epoch that has ended gets no more samples: its last row is complete. */
	b->until = epoch == h->epoch ? now : INT64_MAX;
	start_row(b, rolled_until(b, first));
	if (b->t > last || b->t + b->span > b->until)
		return 0;
	if (find_last(b))
		return -1;
	if (b->level == LEVEL_MID) {
		ret = replay_samples(h, epoch, b->t, INT64_MAX, take_sample, b, b->err);
	} else {
		from = new_rolls(h, true);
		ret = from ? replay_rollups(h, LEVEL_MID, epoch, b->t, INT64_MAX, from, NULL,
					    take_rollup, b, b->err) : fail_with(b->err, ENOMEM, "no memory");
		free_rolls(from, h->n);
	}
	return ret ? ret : end_row(b);
}

static int roll_level(struct history *h, int level, int64_t now, struct history_error *err)
{
	struct builder b = { .h = h, .level = level, .span = level == LEVEL_MID ? MID_MS : LONG_MS,
			     .figures = h->n, .err = err };
	int64_t first, last;
	int ret = -1;

	b.insert = prepare(h, "INSERT OR REPLACE INTO rollup VALUES(?, ?, ?, ?, ?, ?)", err);
	b.now = new_rolls(h, true);
	b.last = new_rolls(h, false);
	b.sum = calloc(h->n + 1, sizeof(*b.sum));
	if (b.insert && b.now && b.last && b.sum)
		ret = 0;
	for (int e = -1; !ret && (e = next_epoch(h, level - 1, e)) >= 0;)
		if (epoch_edges(h, level - 1, e, &first, &last))
			ret = roll_epoch(&b, e, first, last, now);
	sqlite3_finalize(b.insert);
	free_rolls(b.now, h->n);
	free_rolls(b.last, h->n);
	free(b.sum);
	return ret;
}

static int forget(struct history *h, const char *sql, int level, int epoch, int64_t before,
		  struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, sql, err);
	int ret;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, before);
	sqlite3_bind_int(st, 2, epoch);
	if (level)
		sqlite3_bind_int(st, 3, level);
	ret = sqlite3_step(st) == SQLITE_DONE ? 0 : fail_db(h, err, "");
	sqlite3_finalize(st);
	return ret;
}

/*
 * Rows are deleted up to a complete row, so that the rest can be decoded; of an epoch
 * that has ended all may be deleted.
 */
static int forget_level(struct history *h, int level, int64_t before, struct history_error *err)
{
	const char *part = level ?
		"DELETE FROM rollup WHERE level = ?3 AND epoch = ?2 AND t < (SELECT max(t) FROM rollup"
		" WHERE level = ?3 AND epoch = ?2 AND key AND t <= ?1)" :
		"DELETE FROM sample WHERE epoch = ?2 AND t < (SELECT max(t) FROM sample"
		" WHERE epoch = ?2 AND key AND t <= ?1)";
	const char *whole = level ?
		"DELETE FROM rollup WHERE level = ?3 AND epoch = ?2 AND t < ?1" :
		"DELETE FROM sample WHERE epoch = ?2 AND t < ?1";
	int64_t first, last;
	int ret = 0;

	for (int e = -1; !ret && (e = next_epoch(h, level, e)) >= 0;) {
		if (!epoch_edges(h, level, e, &first, &last) || first >= before)
			continue;
		ret = forget(h, e < h->epoch && last < before ? whole : part, level, e, before, err);
	}
	return ret;
}

static int forget_old(struct history *h, int64_t t, const struct history_limits *l, double share,
		      struct history_error *err)
{
	int64_t year = t - (int64_t)((double)l->long_s * share) * 1000;

	return forget_level(h, 0, t - (int64_t)((double)l->raw_s * share) * 1000, err) ||
	       forget_level(h, LEVEL_MID, t - (int64_t)((double)l->mid_s * share) * 1000, err) ||
	       forget_level(h, LEVEL_LONG, year, err) ||
	       forget(h, "DELETE FROM event WHERE t < ?1 AND ?2 = 0", 0, 0, year, err) ||
	       forget(h, "DELETE FROM change WHERE t < ?1 AND ?2 = 0 AND what <> 'epoch'", 0, 0, year,
		      err) ? -1 : 0;
}

int history_tidy(struct history *h, int64_t t, const struct history_limits *l,
		 struct history_error *err)
{
	if (run_sql(h, "BEGIN IMMEDIATE", err))
		return -1;
	h->broken = false;
	if (roll_level(h, LEVEL_MID, t, err) || roll_level(h, LEVEL_LONG, t, err) ||
	    forget_old(h, t, l, 1, err) || run_sql(h, "COMMIT", err)) {
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	if (h->broken)
		return fail_with(err, EUCLEAN, "the history is damaged");
	if (run_sql(h, "PRAGMA incremental_vacuum", err))
		return -1;
	/* Still too large: shorten the retention of all levels. */
	for (double share = 0.8; history_bytes(h) > l->bytes && share > 0.01; share *= 0.8)
		if (forget_old(h, t, l, share, err) || run_sql(h, "PRAGMA incremental_vacuum", err))
			return -1;
	return 0;
}
