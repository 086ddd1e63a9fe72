// SPDX-License-Identifier: GPL-2.0
/* LMDB: one database, integer keys. One transaction per put. */
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine.h"

struct lightning {
	MDB_env *env;
	MDB_dbi dbi;
	pthread_mutex_t lock;
};

static void *lm_open(const char *dir)
{
	struct lightning *l = calloc(1, sizeof(*l));
	MDB_txn *txn;

	if (!l || mdb_env_create(&l->env) || mdb_env_set_mapsize(l->env, 16ul << 30) ||
	    mdb_env_open(l->env, dir, 0, 0600) || mdb_txn_begin(l->env, NULL, 0, &txn))
		return NULL;
	if (mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &l->dbi) || mdb_txn_commit(txn))
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static int lm_put(void *e, uint64_t id, const uint8_t *rows, uint32_t n, int sync)
{
	struct lightning *l = e;
	MDB_txn *txn;
	int bad;

	pthread_mutex_lock(&l->lock);
	mdb_env_set_flags(l->env, MDB_NOSYNC, !sync);
	bad = mdb_txn_begin(l->env, NULL, 0, &txn);
	for (uint32_t i = 0; !bad && i < n; i++) {
		uint64_t id_i = id + i;
		MDB_val k = { sizeof(id_i), &id_i };
		MDB_val v = { ROW_BYTES, (void *)(rows + (size_t)i * ROW_BYTES) };

		bad = mdb_put(txn, l->dbi, &k, &v, 0);
	}
	if (!bad)
		bad = mdb_txn_commit(txn);
	pthread_mutex_unlock(&l->lock);
	return bad;
}

static uint64_t lm_load(void *e, uint64_t *sum)
{
	struct lightning *l = e;
	MDB_cursor *cur;
	MDB_val k, v;
	MDB_txn *txn;
	uint64_t n = 0;

	if (mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn) || mdb_cursor_open(txn, l->dbi, &cur))
		return 0;
	for (; !mdb_cursor_get(cur, &k, &v, MDB_NEXT); n++)
		*sum += *(const uint8_t *)v.mv_data;
	mdb_cursor_close(cur);
	mdb_txn_abort(txn);
	return n;
}

static void lm_close(void *e)
{
	struct lightning *l = e;

	mdb_env_sync(l->env, 1);
	mdb_env_close(l->env);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct engine engine_lmdb = {
	"lmdb", 1, lm_open, lm_put, lm_load, lm_close,
};
