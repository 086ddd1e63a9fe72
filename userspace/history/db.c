// SPDX-License-Identifier: GPL-2.0
/* The database file: opening it, migrating it to the newest schema, and describing errors. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* SQL that migrates version N to N + 1. Entries are never changed, only added. */
static const char *const migrations[HISTORY_SCHEMA] = {
	/* 0 -> 1 */
	"CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,"
	"	kind INTEGER NOT NULL, sketch INTEGER NOT NULL, scale REAL NOT NULL);"
	"CREATE TABLE sample(epoch INTEGER NOT NULL, t INTEGER NOT NULL, key INTEGER NOT NULL,"
	"	data BLOB NOT NULL, PRIMARY KEY(epoch, t)) WITHOUT ROWID;"
	"CREATE TABLE rollup(level INTEGER NOT NULL, epoch INTEGER NOT NULL, t INTEGER NOT NULL,"
	"	key INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL,"
	"	PRIMARY KEY(level, epoch, t)) WITHOUT ROWID;"
	"CREATE TABLE event(id INTEGER PRIMARY KEY, t INTEGER NOT NULL, kind TEXT NOT NULL,"
	"	subject TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL);"
	"CREATE INDEX event_t ON event(t);"
	"CREATE TABLE change(id INTEGER PRIMARY KEY, t INTEGER NOT NULL, what TEXT NOT NULL,"
	"	key TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL);"
	"CREATE INDEX change_t ON change(t);",
	/* 1 -> 2: results of vexstress are stored here as well. */
	"CREATE TABLE record(id INTEGER PRIMARY KEY, t INTEGER NOT NULL, kind TEXT NOT NULL,"
	"	name TEXT NOT NULL, machine TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0,"
	"	data BLOB NOT NULL);"
	"CREATE INDEX record_t ON record(kind, t);",
};

int fail_with(struct history_error *err, int code, const char *text)
{
	err->code = code;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return -1;
}

/* The log beside the file holds something that is not in the file yet. */
static bool has_log(const char *path)
{
	char name[4200];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", path);
	return !stat(name, &st) && st.st_size;
}

int fail_db(struct history *h, struct history_error *err, const char *what)
{
	int code = sqlite3_errcode(h->db) & 0xff;
	const char *why = sqlite3_errmsg(h->db);

	err->code = EIO;
	switch (code) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		err->code = EUCLEAN;
		why = "the file is damaged or is no history";
		break;
	case SQLITE_FULL:
		err->code = ENOSPC;
		why = "the disk is full";
		break;
	case SQLITE_READONLY:
		err->code = EROFS;
		why = "it cannot be written: the file, its directory or the file system is read-only";
		break;
	case SQLITE_CANTOPEN:
		err->code = access(h->path, F_OK) && errno == ENOENT ? ENOENT : EACCES;
		why = h->writer ? "it cannot be created there" : err->code == ENOENT ?
		      "there is no history yet: vexfs-monitord writes it" : has_log(h->path) ?
		      "it cannot be opened here: its -wal file holds what was written last, and is read only "
		      "where files can be created; copy both" : "it cannot be opened";
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err->code = EBUSY;
		why = "another program is writing to it";
		break;
	case SQLITE_NOMEM:
		err->code = ENOMEM;
		break;
	default:
		break;
	}
	snprintf(err->text, sizeof(err->text), "%s: %s%s%s", h->path, why, *what ? ": " : "", what);
	return -1;
}

int run_sql(struct history *h, const char *sql, struct history_error *err)
{
	if (sqlite3_exec(h->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail_db(h, err, "");
	return 0;
}

sqlite3_stmt *prepare(struct history *h, const char *sql, struct history_error *err)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(h->db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_db(h, err, "");
	return st;
}

static int64_t get_number(struct history *h, const char *sql)
{
	sqlite3_stmt *st;
	int64_t v = -1;

	if (sqlite3_prepare_v2(h->db, sql, -1, &st, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

static int migrate(struct history *h, struct history_error *err)
{
	char sql[64];
	int64_t version;

	if (run_sql(h, "BEGIN IMMEDIATE", err))
		return -1;
	version = get_number(h, "PRAGMA user_version");
	if (version < 0 || version > HISTORY_SCHEMA) {
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
		return fail_with(err, EPROTO, "the version of the history cannot be read");
	}
	for (; version < HISTORY_SCHEMA; version++)
		if (run_sql(h, migrations[version], err)) {
			sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
			return -1;
		}
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", HISTORY_SCHEMA);
	return run_sql(h, sql, err) || run_sql(h, "COMMIT", err) ? -1 : 0;
}

static int check_version(struct history *h, struct history_error *err)
{
	int64_t version = get_number(h, "PRAGMA user_version");

	if (version < 0)
		return fail_db(h, err, "");
	if (version > HISTORY_SCHEMA) {
		err->code = EPROTO;
		snprintf(err->text, sizeof(err->text),
			 "%s: written by a newer vexfs (schema %lld, this one knows %d)", h->path,
			 (long long)version, HISTORY_SCHEMA);
		return -1;
	}
	if (!h->writer && version < HISTORY_SCHEMA) {
		err->code = version ? EAGAIN : EUCLEAN;
		snprintf(err->text, sizeof(err->text), version ?
			 "%s: of schema %lld; vexfs-monitord brings it to %d when it starts" :
			 "%s: is no history (schema %lld, %d expected)", h->path,
			 (long long)version, HISTORY_SCHEMA);
		return -1;
	}
	return 0;
}

static int set_up_writer(struct history *h, struct history_error *err)
{
	if (run_sql(h, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2000;"
		    "PRAGMA wal_autocheckpoint = 256", err) || check_version(h, err))
		return -1;
	if (get_number(h, "PRAGMA user_version") < HISTORY_SCHEMA && migrate(h, err))
		return -1;
	h->epoch = (int)get_number(h, "SELECT max(ifnull((SELECT max(epoch) FROM sample), 0),"
				   "ifnull((SELECT max(epoch) FROM rollup), 0))");
	if (h->epoch < 0)
		return fail_db(h, err, "");
	h->last_t = 0;
	return 0;
}

/* Whoever writes first makes the directory. When that fails, opening the file says so. */
static void make_dir_of(const char *path)
{
	char *copy = strdup(path);

	if (copy)
		mkdir(dirname(copy), 0750);
	free(copy);
}

/*
 * Readers create the files of the log if these are missing. Where they cannot, because the file
 * system or the directory is read-only for them, and there is no log, the file is complete.
 */
static bool is_still(const char *path)
{
	char *copy = strdup(path);
	bool fixed = copy && access(dirname(copy), W_OK);

	free(copy);
	return fixed && !has_log(path);
}

/* A URI that makes SQLite read a file without its log; to be freed. */
static char *still_uri(const char *path)
{
	static const char begin[] = "file:", end[] = "?immutable=1";
	char *uri = malloc(3 * strlen(path) + sizeof(begin) + sizeof(end)), *to = uri;

	if (!uri)
		return NULL;
	to = stpcpy(to, begin);
	/* what follows two slashes would be the name of a host */
	while (path[0] == '/' && path[1] == '/')
		path++;
	for (; *path; path++)
		if (strchr("%?#", *path))
			to += sprintf(to, "%%%02x", (unsigned char)*path);
		else
			*to++ = *path;
	strcpy(to, end);
	return uri;
}

static int open_file(struct history *h)
{
	int flags = SQLITE_OPEN_NOFOLLOW, ret;
	char *uri = NULL;

	if (h->writer)
		flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	else
		flags |= SQLITE_OPEN_READONLY;
	if (!h->writer && is_still(h->path))
		uri = still_uri(h->path);
	ret = sqlite3_open_v2(uri ? uri : h->path, &h->db, uri ? flags | SQLITE_OPEN_URI : flags, NULL);
	free(uri);
	return ret;
}

struct history *history_open(const char *path, enum history_access how, struct history_error *err)
{
	struct history *h = calloc(1, sizeof(*h));
	bool fresh = access(path, F_OK) != 0;
	mode_t mask = 0;
	int ret;

	if (h)
		h->path = strdup(path);
	if (!h || !h->path) {
		free(h);
		fail_with(err, ENOMEM, "no memory");
		return NULL;
	}
	h->writer = how == HISTORY_WRITE;
	/* The file contains names of other users' collections. */
	if (h->writer && fresh) {
		mask = umask(0027);
		make_dir_of(path);
	}
	ret = open_file(h);
	if (ret == SQLITE_OK) {
		sqlite3_busy_timeout(h->db, 5000);
		ret = 0;
		if (h->writer)
			ret = set_up_writer(h, err);
		else
			ret = check_version(h, err);
		if (!ret)
			ret = load_series(h, err);
	} else {
		ret = fail_db(h, err, "");
	}
	if (h->writer && fresh)
		umask(mask);
	if (ret) {
		history_close(h);
		return NULL;
	}
	return h;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	sqlite3_finalize(h->insert);
	sqlite3_close(h->db);
	free(h->series);
	free(h->slot);
	free(h->path);
	free(h);
}

int history_set_aside(const char *path, char *to, size_t size)
{
	static const char *const parts[] = { "-wal", "-shm" };
	char name[4200];

	snprintf(to, size, "%s.damaged-%lld", path, (long long)time(NULL));
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s%s", path, parts[i]);
		unlink(name);
	}
	return rename(path, to);
}

int64_t history_bytes(struct history *h)
{
	return get_number(h, "PRAGMA page_count") * get_number(h, "PRAGMA page_size");
}

void history_limit_pages(struct history *h, unsigned int pages)
{
	char sql[60];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %u", pages);
	get_number(h, sql);
}

/* The next epoch of a table after @epoch, -1 for none. */
int next_epoch(struct history *h, int level, int epoch)
{
	sqlite3_stmt *st;
	int next = -1, ret;

	if (sqlite3_prepare_v2(h->db, level ?
			       "SELECT epoch FROM rollup WHERE level = ?1 AND epoch > ?2"
			       " ORDER BY epoch LIMIT 1" :
			       "SELECT epoch FROM sample WHERE ?1 = 0 AND epoch > ?2"
			       " ORDER BY epoch LIMIT 1", -1, &st, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int(st, 1, level);
	sqlite3_bind_int(st, 2, epoch);
	ret = sqlite3_step(st);
	if (ret == SQLITE_ROW)
		next = sqlite3_column_int(st, 0);
	h->broken |= ret != SQLITE_ROW && ret != SQLITE_DONE;
	sqlite3_finalize(st);
	return next;
}

static int64_t edge(struct history *h, const char *sql, int level, int epoch)
{
	sqlite3_stmt *st;
	int64_t t = -1;
	int ret;

	if (sqlite3_prepare_v2(h->db, sql, -1, &st, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int(st, 1, level);
	sqlite3_bind_int(st, 2, epoch);
	ret = sqlite3_step(st);
	if (ret == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		t = sqlite3_column_int64(st, 0);
	h->broken |= ret != SQLITE_ROW && ret != SQLITE_DONE;
	sqlite3_finalize(st);
	return t;
}

/* First and last row of an epoch. Separate queries, which need one index lookup each. */
bool epoch_edges(struct history *h, int level, int epoch, int64_t *first, int64_t *last)
{
	*first = edge(h, level ? "SELECT min(t) FROM rollup WHERE level = ? AND epoch = ?" :
		      "SELECT min(t) FROM sample WHERE ?1 = 0 AND epoch = ?2", level, epoch);
	*last = edge(h, level ? "SELECT max(t) FROM rollup WHERE level = ? AND epoch = ?" :
		     "SELECT max(t) FROM sample WHERE ?1 = 0 AND epoch = ?2", level, epoch);
	return *first >= 0;
}

void level_edges(struct history *h, int level, int64_t *first, int64_t *last)
{
	int64_t a, b;

	*first = *last = -1;
	for (int e = -1; (e = next_epoch(h, level, e)) >= 0;) {
		if (!epoch_edges(h, level, e, &a, &b))
			continue;
		if (*first < 0 || a < *first)
			*first = a;
		if (b > *last)
			*last = b;
	}
}

bool history_range(struct history *h, int64_t *from, int64_t *to)
{
	int64_t a, b;

	*from = *to = -1;
	for (int level = 0; level < 3; level++) {
		level_edges(h, level, &a, &b);
		if (a >= 0 && (*from < 0 || a < *from))
			*from = a;
		if (b > *to)
			*to = b;
	}
	return *from >= 0;
}

/* ---- the known series ---- */

static size_t hash_name(const char *s)
{
	size_t v = 14695981039346656037ull;

	while (*s)
		v = (v ^ (unsigned char)*s++) * 1099511628211ull;
	return v;
}

int history_find(const struct history *h, const char *name)
{
	if (!h->slots)
		return -1;
	for (size_t i = hash_name(name) % h->slots;; i = (i + 1) % h->slots) {
		if (h->slot[i] < 0)
			return -1;
		if (!strcmp(h->series[h->slot[i]].s.name, name))
			return h->slot[i];
	}
}

static void take_slot(struct history *h, size_t number)
{
	size_t i = hash_name(h->series[number].s.name) % h->slots;

	while (h->slot[i] >= 0)
		i = (i + 1) % h->slots;
	h->slot[i] = (int)number;
}

static int grow(struct history *h, struct history_error *err)
{
	size_t room = h->room ? 2 * h->room : 512;
	struct series *more = realloc(h->series, room * sizeof(*more));
	int *slot = malloc(3 * room * sizeof(*slot));

	if (more)
		h->series = more;
	if (!more || !slot) {
		free(slot);
		return fail_with(err, ENOMEM, "no memory for the names of the series");
	}
	free(h->slot);
	h->slot = slot;
	h->slots = 3 * room;
	h->room = room;
	for (size_t i = 0; i < h->slots; i++)
		slot[i] = -1;
	for (size_t i = 0; i < h->n; i++)
		take_slot(h, i);
	return 0;
}

static int add_known(struct history *h, const struct history_series *s, struct history_error *err)
{
	if (h->n >= SERIES_MAX)
		return fail_with(err, E2BIG, "the history has too many series");
	if (h->n == h->room && grow(h, err))
		return -1;
	h->series[h->n] = (struct series){ .s = *s };
	take_slot(h, h->n);
	return (int)h->n++;
}

int load_series(struct history *h, struct history_error *err)
{
	sqlite3_stmt *st = prepare(h, "SELECT id, name, unit, kind, sketch, scale FROM series"
				   " WHERE id >= ? ORDER BY id", err);
	int ret = st ? 0 : -1;

	if (st)
		sqlite3_bind_int64(st, 1, (int64_t)h->n);
	while (!ret) {
		struct history_series s;
		int step = sqlite3_step(st);

		if (step == SQLITE_DONE)
			break;
		if (step != SQLITE_ROW) {
			ret = fail_db(h, err, "");
			break;
		}
		snprintf(s.name, sizeof(s.name), "%s", sqlite3_column_text(st, 1));
		snprintf(s.unit, sizeof(s.unit), "%s", sqlite3_column_text(st, 2));
		s.kind = sqlite3_column_int(st, 3) ? HISTORY_COUNTER : HISTORY_GAUGE;
		s.sketch = sqlite3_column_int(st, 4);
		s.scale = sqlite3_column_double(st, 5);
		if (sqlite3_column_int64(st, 0) != (int64_t)h->n)
			ret = fail_with(err, EUCLEAN, "the history is damaged: a series is missing");
		else if (add_known(h, &s, err) < 0)
			ret = -1;
	}
	sqlite3_finalize(st);
	return ret;
}

int history_series(struct history *h, const struct history_series *s, struct history_error *err)
{
	int i = history_find(h, s->name);
	sqlite3_stmt *st;

	if (i >= 0)
		return i;
	st = prepare(h, "INSERT INTO series VALUES(?, ?, ?, ?, ?, ?)", err);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, (int64_t)h->n);
	sqlite3_bind_text(st, 2, s->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, s->unit, -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 4, s->kind);
	sqlite3_bind_int(st, 5, s->sketch);
	sqlite3_bind_double(st, 6, s->scale);
	i = sqlite3_step(st) == SQLITE_DONE ? 0 : fail_db(h, err, s->name);
	sqlite3_finalize(st);
	return i ? i : add_known(h, s, err);
}

int history_each_series(struct history *h, history_series_fn fn, void *arg,
			struct history_error *err)
{
	int ret = 0;

	(void)err;
	for (size_t i = 0; i < h->n && !ret; i++)
		ret = fn(&h->series[i].s, arg);
	return ret;
}
