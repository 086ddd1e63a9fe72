// SPDX-License-Identifier: GPL-2.0
/* RocksDB: defaults, no compression (vectors do not compress), its own group commit. */
#include <rocksdb/c.h>
#include <stdlib.h>

#include "engine.h"

struct rocks {
	rocksdb_t *db;
	rocksdb_options_t *opts;
	rocksdb_writeoptions_t *sync;
	rocksdb_writeoptions_t *nosync;
};

static void *rocks_open(const char *dir)
{
	struct rocks *r = calloc(1, sizeof(*r));
	char *err = NULL;

	if (!r)
		return NULL;
	r->opts = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(r->opts, 1);
	rocksdb_options_set_compression(r->opts, rocksdb_no_compression);
	r->sync = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(r->sync, 1);
	r->nosync = rocksdb_writeoptions_create();
	r->db = rocksdb_open(r->opts, dir, &err);
	return err ? NULL : r;
}

static int rocks_put(void *e, uint64_t id, const uint8_t *rows, uint32_t n, int sync)
{
	struct rocks *r = e;
	rocksdb_writebatch_t *b = rocksdb_writebatch_create();
	char *err = NULL;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t key = __builtin_bswap64(id + i);

		rocksdb_writebatch_put(b, (const char *)&key, sizeof(key),
				       (const char *)rows + (size_t)i * ROW_BYTES, ROW_BYTES);
	}
	rocksdb_write(r->db, sync ? r->sync : r->nosync, b, &err);
	rocksdb_writebatch_destroy(b);
	return err != NULL;
}

static uint64_t rocks_load(void *e, uint64_t *sum)
{
	struct rocks *r = e;
	rocksdb_readoptions_t *o = rocksdb_readoptions_create();
	rocksdb_iterator_t *it = rocksdb_create_iterator(r->db, o);
	uint64_t n = 0;
	size_t len;

	for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it), n++)
		*sum += (uint8_t)*rocksdb_iter_value(it, &len);
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(o);
	return n;
}

static void rocks_close(void *e)
{
	struct rocks *r = e;
	rocksdb_flushoptions_t *f = rocksdb_flushoptions_create();
	char *err = NULL;

	rocksdb_flush(r->db, f, &err);
	rocksdb_flushoptions_destroy(f);
	rocksdb_close(r->db);
	rocksdb_options_destroy(r->opts);
	rocksdb_writeoptions_destroy(r->sync);
	rocksdb_writeoptions_destroy(r->nosync);
	free(r);
}

const struct engine engine_rocksdb = {
	"rocksdb", 1, rocks_open, rocks_put, rocks_load, rocks_close,
};
