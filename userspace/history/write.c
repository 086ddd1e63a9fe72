// SPDX-License-Identifier: GPL-2.0
/* Writing samples, events and changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int64_t last_time(struct history *h)
{
	sqlite3_stmt *st;
	int64_t t = 0;

	if (sqlite3_prepare_v2(h->db, "SELECT ifnull(max(t), 0) FROM sample WHERE epoch = ?", -1,
			       &st, NULL) != SQLITE_OK)
		return 0;
	sqlite3_bind_int(st, 1, h->epoch);
	if (sqlite3_step(st) == SQLITE_ROW)
		t = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return t;
}

static bool same_epoch(struct history *h, const char *why)
{
	sqlite3_stmt *st;
	bool same = false;

	if (sqlite3_prepare_v2(h->db, "SELECT new FROM change WHERE what = 'epoch'"
			       " ORDER BY id DESC LIMIT 1", -1, &st, NULL) != SQLITE_OK)
		return false;
	if (sqlite3_step(st) == SQLITE_ROW)
		same = !strcmp((const char *)sqlite3_column_text(st, 0), why);
	sqlite3_finalize(st);
	return same;
}

int history_epoch(struct history *h, int64_t t_ms, const char *why, struct history_error *err)
{
	char number[24];

	for (size_t i = 0; i < h->n; i++)
		h->series[i].had = false;
	h->since_key = 0;
	if (h->epoch && same_epoch(h, why)) {
		h->last_t = last_time(h);
		return 0;
	}
	h->epoch++;
	h->last_t = 0;
	snprintf(number, sizeof(number), "%d", h->epoch);
	return history_add_change(h, t_ms, "epoch", number, "", why, err);
}

int history_put(struct history *h, int series, int64_t value)
{
	if (series < 0 || (size_t)series >= h->n)
		return -1;
	h->series[series].now = value;
	h->series[series].has = true;
	return 0;
}

/* Encodes the values that differ from the last sample, or all of them. */
static void write_values(struct history *h, struct bytes *b, bool key)
{
	size_t next = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct series *s = &h->series[i];
		bool known = s->had && !key;

		if (s->has ? known && s->now == s->last : !known)
			continue;
		bytes_u(b, (i - next) << 1 | !s->has);
		if (s->has)
			bytes_s(b, (int64_t)((uint64_t)s->now - (known ? (uint64_t)s->last : 0)));
		next = i + 1;
	}
}

int history_sample(struct history *h, int64_t t_ms, struct history_error *err)
{
	struct bytes b = { 0 };
	bool key;
	int ret;

	if (h->last_t && t_ms <= h->last_t) {
		char why[80];

		snprintf(why, sizeof(why), "the clock went back by %lld ms",
			 (long long)(h->last_t - t_ms));
		if (history_epoch(h, t_ms, why, err))
			return -1;
	}
	key = !h->since_key;
	if (!h->insert)
		h->insert = prepare(h, "INSERT INTO sample VALUES(?, ?, ?, ?)", err);
	if (!h->insert)
		return -1;
	write_values(h, &b, key);
	if (b.failed) {
		free(b.p);
		return fail_with(err, ENOMEM, "no memory for a sample");
	}
	sqlite3_bind_int(h->insert, 1, h->epoch);
	sqlite3_bind_int64(h->insert, 2, t_ms);
	sqlite3_bind_int(h->insert, 3, key);
	sqlite3_bind_blob(h->insert, 4, b.p ? (void *)b.p : (void *)"", (int)b.n, SQLITE_STATIC);
	ret = sqlite3_step(h->insert) == SQLITE_DONE ? 0 : fail_db(h, err, "");
	sqlite3_reset(h->insert);
	sqlite3_clear_bindings(h->insert);
	free(b.p);
	for (size_t i = 0; i < h->n; i++) {
		struct series *s = &h->series[i];

		/* Readers do not know what was not written. */
		if (!ret) {
			s->last = s->now;
			s->had = s->has;
		}
		s->has = false;
	}
	if (!ret) {
		h->last_t = t_ms;
		h->since_key = (h->since_key + 1) % KEY_EVERY;
	}
	return ret;
}

static int insert_note(struct history *h, const char *sql, int64_t t, const char *const text[4],
		       size_t texts, const uint64_t *number, struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, sql, err);
	int ret, at = 1;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, at++, t);
	for (size_t i = 0; i < texts; i++)
		sqlite3_bind_text(st, at++, text[i], -1, SQLITE_STATIC);
	for (size_t i = 0; number && i < 2; i++)
		sqlite3_bind_int64(st, at++, (int64_t)number[i]);
	ret = sqlite3_step(st) == SQLITE_DONE ? 0 : fail_db(h, err, "");
	sqlite3_finalize(st);
	return ret;
}

int history_add_event(struct history *h, int64_t t_ms, const char *kind, const char *subject,
		      uint64_t a, uint64_t b, struct history_error *err)
{
	const char *text[4] = { kind, subject };
	uint64_t number[2] = { a, b };

	return insert_note(h, "INSERT INTO event(t, kind, subject, a, b) VALUES(?, ?, ?, ?, ?)",
			   t_ms, text, 2, number, err);
}

int history_add_change(struct history *h, int64_t t_ms, const char *what, const char *key,
		       const char *from, const char *to, struct history_error *err)
{
	const char *text[4] = { what, key, from, to };

	return insert_note(h, "INSERT INTO change(t, what, key, old, new) VALUES(?, ?, ?, ?, ?)",
			   t_ms, text, 4, NULL, err);
}

void history_last_change(struct history *h, const char *what, const char *key, char *value,
			 size_t size)
{
	sqlite3_stmt *st;

	*value = '\0';
	if (sqlite3_prepare_v2(h->db, "SELECT new FROM change WHERE what = ? AND key = ?"
			       " ORDER BY id DESC LIMIT 1", -1, &st, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_text(st, 1, what, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		snprintf(value, size, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}
