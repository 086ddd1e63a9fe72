// SPDX-License-Identifier: GPL-2.0
/* SQLite: one table of blobs, write-ahead log, synchronous=FULL. One transaction per put. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

struct lite {
	sqlite3 *db;
	sqlite3_stmt *insert;
	pthread_mutex_t lock;
};

static int run(struct lite *l, const char *sql)
{
	return sqlite3_exec(l->db, sql, NULL, NULL, NULL);
}

static void *lite_open(const char *dir)
{
	struct lite *l = calloc(1, sizeof(*l));
	char path[600];

	snprintf(path, sizeof(path), "%s/db", dir);
	if (!l || sqlite3_open(path, &l->db) ||
	    run(l, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA page_size=8192;"
		"CREATE TABLE IF NOT EXISTS v(id INTEGER PRIMARY KEY, row BLOB)") ||
	    sqlite3_prepare_v2(l->db, "INSERT OR REPLACE INTO v VALUES(?, ?)", -1, &l->insert,
			       NULL))
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static int lite_put(void *e, uint64_t id, const uint8_t *rows, uint32_t n, int sync)
{
	struct lite *l = e;
	int bad;

	pthread_mutex_lock(&l->lock);
	run(l, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
	bad = run(l, "BEGIN");
	for (uint32_t i = 0; !bad && i < n; i++) {
		sqlite3_bind_int64(l->insert, 1, (sqlite3_int64)(id + i));
		sqlite3_bind_blob(l->insert, 2, rows + (size_t)i * ROW_BYTES, ROW_BYTES,
				  SQLITE_STATIC);
		bad = sqlite3_step(l->insert) != SQLITE_DONE;
		sqlite3_reset(l->insert);
	}
	bad |= run(l, "COMMIT");
	pthread_mutex_unlock(&l->lock);
	return bad;
}

static uint64_t lite_load(void *e, uint64_t *sum)
{
	struct lite *l = e;
	sqlite3_stmt *all;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(l->db, "SELECT id, row FROM v", -1, &all, NULL))
		return 0;
	for (; sqlite3_step(all) == SQLITE_ROW; n++)
		*sum += *(const uint8_t *)sqlite3_column_blob(all, 1);
	sqlite3_finalize(all);
	return n;
}

static void lite_close(void *e)
{
	struct lite *l = e;

	sqlite3_finalize(l->insert);
	sqlite3_close(l->db);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct engine engine_sqlite = {
	"sqlite", 1, lite_open, lite_put, lite_load, lite_close,
};
