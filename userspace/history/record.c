// SPDX-License-Identifier: GPL-2.0
/* Records: runs, baselines and reports, stored unchanged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A result of vexstress is a few hundred KiB at most. */
#define RECORD_MAX	(16u << 20)

/* Of the same contents, made between ?7 and ?8. */
#define SAME	" WHERE kind = ?2 AND t BETWEEN ?7 AND ?8 AND name = ?3 AND machine = ?4" \
		" AND data = ?5"

struct span {
	int64_t from, to;
};

static void bind_record(sqlite3_stmt *st, const struct history_record *r, const void *data,
			size_t size, const struct span *same)
{
	sqlite3_bind_int64(st, 1, r->t);
	sqlite3_bind_text(st, 2, r->kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, r->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, r->machine, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 5, size ? data : "", (int)size, SQLITE_STATIC);
	sqlite3_bind_int(st, 6, r->archived);
	sqlite3_bind_int64(st, 7, same->from);
	sqlite3_bind_int64(st, 8, same->to);
}

/* The number of the record that is the same in all; 0 for none. */
static int64_t find_same(struct history *h, const struct history_record *r, const void *data,
			 size_t size, const struct span *same, struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, "SELECT id FROM record" SAME, err);
	int64_t id = -1;
	int step;

	if (!st)
		return -1;
	bind_record(st, r, data, size, same);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW)
		id = sqlite3_column_int64(st, 0);
	else if (step == SQLITE_DONE)
		id = 0;
	else
		fail_db(h, err, "");
	sqlite3_finalize(st);
	return id;
}

static int64_t add(struct history *h, const struct history_record *r, const void *data,
		   size_t size, const struct span *same, struct history_error *err)
{
	sqlite3_stmt *st;
	int64_t id = -1;

	if (size > RECORD_MAX)
		return fail_with(err, E2BIG, "a record has at most 16 MiB");
	/* one statement: two programs that add the same at once leave one */
	st = prepare(h, "INSERT INTO record(t, kind, name, machine, archived, data)"
		     " SELECT ?1, ?2, ?3, ?4, ?6, ?5"
		     " WHERE NOT EXISTS (SELECT 1 FROM record" SAME ")", err);
	if (!st)
		return -1;
	bind_record(st, r, data, size, same);
	if (sqlite3_step(st) != SQLITE_DONE)
		fail_db(h, err, "");
	else if (sqlite3_changes(h->db))
		id = sqlite3_last_insert_rowid(h->db);
	else
		id = find_same(h, r, data, size, same, err);
	sqlite3_finalize(st);
	return id;
}

int64_t history_record_add(struct history *h, const struct history_record *r, const void *data,
			   size_t size, struct history_error *err)
{
	struct span same = { r->t, r->t };

	return add(h, r, data, size, &same, err);
}

int64_t history_record_import(struct history *h, const struct history_record *r, const void *data,
			      size_t size, struct history_error *err)
{
	struct span same = { INT64_MIN, INT64_MAX };

	return add(h, r, data, size, &same, err);
}

static void column_text(char *to, size_t size, sqlite3_stmt *st, int column)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

static void read_record(sqlite3_stmt *st, struct history_record *r)
{
	r->id = sqlite3_column_int64(st, 0);
	r->t = sqlite3_column_int64(st, 1);
	column_text(r->kind, sizeof(r->kind), st, 2);
	column_text(r->name, sizeof(r->name), st, 3);
	column_text(r->machine, sizeof(r->machine), st, 4);
	r->archived = sqlite3_column_int(st, 5);
	r->size = (size_t)sqlite3_column_int64(st, 6);
}

int history_records(struct history *h, const char *kind, history_record_fn fn, void *arg,
		    struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, "SELECT id, t, kind, name, machine, archived, length(data)"
				   " FROM record WHERE ?1 IS NULL OR kind = ?1 ORDER BY t, id", err);
	int step, ret = 0;

	if (!st)
		return -1;
	if (kind)
		sqlite3_bind_text(st, 1, kind, -1, SQLITE_STATIC);
	while (!ret && (step = sqlite3_step(st)) != SQLITE_DONE) {
		struct history_record r;

		if (step != SQLITE_ROW) {
			ret = fail_db(h, err, "");
			break;
		}
		read_record(st, &r);
		ret = fn(&r, arg);
	}
	sqlite3_finalize(st);
	return ret;
}

int history_record_contents(struct history *h, const char *kind, const char *name,
			    history_contents_fn fn, void *arg, struct history_error *err)
{
	/* in the order in which they were added: the clock may have been set since */
	sqlite3_stmt *st = prepare(h, "SELECT id, t, kind, name, machine, archived, length(data), data"
				   " FROM record WHERE kind = ?1 AND (?2 IS NULL OR name = ?2)"
				   " ORDER BY id", err);
	int step, ret = 0;

	if (!st)
		return -1;
	sqlite3_bind_text(st, 1, kind, -1, SQLITE_STATIC);
	if (name)
		sqlite3_bind_text(st, 2, name, -1, SQLITE_STATIC);
	while (!ret && (step = sqlite3_step(st)) != SQLITE_DONE) {
		struct history_record r;
		const void *data;

		if (step != SQLITE_ROW) {
			ret = fail_db(h, err, "");
			break;
		}
		read_record(st, &r);
		data = sqlite3_column_blob(st, 7);
		ret = fn(&r, data ? data : "", (size_t)sqlite3_column_bytes(st, 7), arg);
	}
	sqlite3_finalize(st);
	return ret;
}

char *history_record_get(struct history *h, int64_t id, struct history_record *r, size_t *size,
			 struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, "SELECT id, t, kind, name, machine, archived, length(data),"
				   " data FROM record WHERE id = ?", err);
	char *data = NULL;

	if (!st)
		return NULL;
	sqlite3_bind_int64(st, 1, id);
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		read_record(st, r);
		*size = (size_t)sqlite3_column_bytes(st, 7);
		data = calloc(1, *size + 1);
		if (data)
			memcpy(data, sqlite3_column_blob(st, 7), *size);
		else
			fail_with(err, ENOMEM, "no memory for the record");
		break;
	case SQLITE_DONE:
		fail_with(err, ENOENT, "there is no record of that number");
		break;
	default:
		fail_db(h, err, "");
	}
	sqlite3_finalize(st);
	return data;
}

int history_record_archive(struct history *h, int64_t id, bool on, struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, "UPDATE record SET archived = ? WHERE id = ?", err);
	int ret = -1;

	if (!st)
		return -1;
	sqlite3_bind_int(st, 1, on);
	sqlite3_bind_int64(st, 2, id);
	if (sqlite3_step(st) != SQLITE_DONE)
		fail_db(h, err, "");
	else if (!sqlite3_changes(h->db))
		fail_with(err, ENOENT, "there is no record of that number");
	else
		ret = 0;
	sqlite3_finalize(st);
	return ret;
}

int history_record_prune(struct history *h, int64_t t, const char *kind, bool dry,
			 struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, dry ?
				   "SELECT count(*) FROM record WHERE NOT archived AND t < ?1 AND"
				   " (?2 IS NULL OR kind = ?2)" :
				   "DELETE FROM record WHERE NOT archived AND t < ?1 AND"
				   " (?2 IS NULL OR kind = ?2)", err);
	int step, ret = -1;

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, t);
	if (kind)
		sqlite3_bind_text(st, 2, kind, -1, SQLITE_STATIC);
	step = sqlite3_step(st);
	if (dry && step == SQLITE_ROW)
		ret = sqlite3_column_int(st, 0);
	else if (!dry && step == SQLITE_DONE)
		ret = sqlite3_changes(h->db);
	else
		fail_db(h, err, "");
	sqlite3_finalize(st);
	return ret;
}
