// SPDX-License-Identifier: GPL-2.0
/* Iterates over stored rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* Decodes one sample; false when the row is damaged. */
static bool apply(struct replay *r, const void *data, size_t size, bool key)
{
	struct cursor c = { data, (const uint8_t *)data + size, false };
	size_t at = 0;

	if (key)
		memset(r->has, 0, r->n * sizeof(*r->has));
	while (c.p < c.end && !c.bad) {
		uint64_t head = cursor_u(&c);

		at += head >> 1;
		if (c.bad || head >> 1 > SERIES_MAX || at >= r->n)
			return false;
		if (head & 1) {
			r->has[at++] = false;
			continue;
		}
		if (!r->has[at])
			r->now[at] = 0;
		r->now[at] = (int64_t)((uint64_t)r->now[at] + (uint64_t)cursor_s(&c));
		r->has[at++] = true;
	}
	return !c.bad;
}

static void step_on(struct replay *r, int64_t t)
{
	int64_t step = t - r->t;

	memcpy(r->before, r->now, r->n * sizeof(*r->now));
	memcpy(r->had, r->has, r->n * sizeof(*r->has));
	r->t_before = r->t;
	if (r->t && (!r->usual || step < r->usual))
		r->usual = step;
	else if (r->t)	/* after a change of the interval the median follows soon */
		r->usual += (step < 2 * r->usual ? step - r->usual : r->usual) / 4;
	r->t = t;
}

static int walk(struct replay *r, sqlite3_stmt *st, replay_fn fn, void *arg,
		struct history_error *err)
{
	int step, ret = 0;

	while (!ret && (step = sqlite3_step(st)) != SQLITE_DONE) {
		if (step != SQLITE_ROW)
			return fail_db(r->h, err, "");
		step_on(r, sqlite3_column_int64(st, 0));
		if (!apply(r, sqlite3_column_blob(st, 2), (size_t)sqlite3_column_bytes(st, 2),
			   sqlite3_column_int(st, 1)))
			return fail_with(err, EUCLEAN, "the history is damaged: a sample cannot be read");
		ret = fn(r, arg);
	}
	return ret;
}

int replay_samples(struct history *h, int epoch, int64_t from, int64_t to, replay_fn fn, void *arg,
		   struct history_error *err)
{
	struct replay r = { .h = h, .n = h->n };
	sqlite3_stmt *st;
	int ret = -1;

	/* Starts at the last complete sample before the one that precedes @from. */
	st = prepare(h, "SELECT t, key, data FROM sample WHERE epoch = ?1 AND t < ?3 AND t >="
		     " ifnull((SELECT max(t) FROM sample WHERE epoch = ?1 AND key AND t <"
		     "  ifnull((SELECT max(t) FROM sample WHERE epoch = ?1 AND t < ?2), ?2) + 1),"
		     " (SELECT min(t) FROM sample WHERE epoch = ?1 AND key)) ORDER BY t", err);
	if (!st)
		return -1;
	sqlite3_bind_int(st, 1, epoch);
	sqlite3_bind_int64(st, 2, from);
	sqlite3_bind_int64(st, 3, to);
	r.now = calloc(r.n + 1, sizeof(*r.now));
	r.before = calloc(r.n + 1, sizeof(*r.before));
	r.has = calloc(r.n + 1, sizeof(*r.has));
	r.had = calloc(r.n + 1, sizeof(*r.had));
	if (r.now && r.before && r.has && r.had)
		ret = walk(&r, st, fn, arg, err);
	else
		fail_with(err, ENOMEM, "no memory to read the history");
	sqlite3_finalize(st);
	free(r.now);
	free(r.before);
	free(r.has);
	free(r.had);
	return ret;
}

bool replay_value(const struct replay *r, size_t i, double *v)
{
	const struct history_series *s = &r->h->series[i].s;
	int64_t span = r->t - r->t_before;

	if (!r->has[i])
		return false;
	if (s->kind == HISTORY_GAUGE) {
		*v = (double)r->now[i] * s->scale;
		return true;
	}
	if (!r->t_before || !r->had[i] || span <= 0 || span > GAP_TIMES * r->usual ||
	    r->now[i] < r->before[i])
		return false;
	*v = (double)(r->now[i] - r->before[i]) * s->scale * 1000 / (double)span;
	return true;
}

static int walk_rollups(struct history *h, sqlite3_stmt *st, int epoch, int64_t from,
			struct roll *roll, const bool *wanted, rollup_fn fn, void *arg,
			struct history_error *err)
{
	int step, ret = 0;

	for (size_t i = 0; i < h->n; i++)
		roll[i].n = 0;
	while (!ret && (step = sqlite3_step(st)) != SQLITE_DONE) {
		const uint8_t *data = sqlite3_column_blob(st, 3);
		struct cursor c = { data, data + sqlite3_column_bytes(st, 3), false };
		struct rollup r = { epoch, sqlite3_column_int64(st, 0),
				    (uint32_t)sqlite3_column_int(st, 2), roll, h->n };

		if (step != SQLITE_ROW)
			return fail_db(h, err, "");
		for (size_t i = 0; i < h->n; i++)
			if (roll[i].sketch)
				memset(roll[i].sketch, 0, HISTORY_SKETCH * sizeof(uint32_t));
		if (!roll_read(&c, roll, h->n, sqlite3_column_int(st, 1), r.n, wanted))
			return fail_with(err, EUCLEAN, "the history is damaged: a rollup cannot be read");
		if (r.t >= from)
			ret = fn(&r, arg);
	}
	return ret;
}

int replay_rollups(struct history *h, int level, int epoch, int64_t from, int64_t to,
		   struct roll *roll, const bool *wanted, rollup_fn fn, void *arg,
		   struct history_error *err)
{
	sqlite3_stmt *st;
	int ret = 0;

	/* Starts at the last complete row. */
	st = prepare(h, "SELECT t, key, n, data FROM rollup WHERE level = ?1 AND epoch = ?4 AND t < ?3"
		     " AND t >= ifnull((SELECT max(t) FROM rollup WHERE level = ?1 AND epoch = ?4"
		     "  AND key AND t <= ?2), ?2) ORDER BY t", err);
	if (!st)
		return -1;
	sqlite3_bind_int(st, 1, level);
	sqlite3_bind_int64(st, 2, from);
	sqlite3_bind_int64(st, 3, to);
	for (int e = epoch < 0 ? next_epoch(h, level, -1) : epoch; e >= 0 && !ret;
	     e = epoch < 0 ? next_epoch(h, level, e) : -1) {
		sqlite3_bind_int(st, 4, e);
		ret = walk_rollups(h, st, e, from, roll, wanted, fn, arg, err);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return ret;
}
