// SPDX-License-Identifier: GPL-2.0
/* Our own store, as vexfsd uses it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "store.h"

#define OPS	65536u

struct own {
	struct store_io *io;
	struct store *s;
	struct store_coll *c;
	struct group *group;
	uint64_t seq;
	uint64_t *ids;
	uint8_t *ops;
};

static int own_write(void *arg, uint64_t id, const uint8_t *rows, uint32_t n)
{
	struct own *o = arg;
	struct store_rows r = {
		.first_seq = o->seq + 1, .count = n, .puts = n, .ids = o->ids, .ops = o->ops,
		.vectors = rows,
	};

	for (uint32_t i = 0; i < n; i++)
		o->ids[i] = id + i;
	o->seq += n;
	return store_append(o->c, &r, NULL);
}

static int own_sync(void *arg)
{
	return store_commit(((struct own *)arg)->c, NULL);
}

static void *own_open(const char *dir)
{
	struct store_meta meta = { .name = "bench", .dim = 128, .type = 1, .metric = 1,
				   .row_bytes = ROW_BYTES };
	struct own *o = calloc(1, sizeof(*o));
	struct store_error err;
	char why[300];
	size_t n;
	int ret;

	if (!o)
		return NULL;
	o->ids = calloc(OPS, sizeof(*o->ids));
	o->ops = malloc(OPS);
	ret = store_io_posix(dir, 1, 1, &o->io, why, sizeof(why));
	if (!ret)
		ret = store_open(o->io, NULL, &o->s, &err);
	if (ret || !o->ids || !o->ops)
		return NULL;
	memset(o->ops, STORE_INSERT, OPS);
	store_keys(o->s, &n);
	ret = n ? store_coll_open(o->s, store_keys(o->s, &n)[0], &o->c, &err) :
		  store_coll_create(o->s, &meta, 0, &o->c, &err);
	if (ret)
		return NULL;
	o->seq = store_durable_seq(o->c);
	o->group = group_new(own_write, own_sync, o);
	return o;
}

static int own_put(void *e, uint64_t id, const uint8_t *rows, uint32_t n, int sync)
{
	return group_put(((struct own *)e)->group, id, rows, n, sync);
}

static int count(void *arg, const struct store_rows *r)
{
	uint64_t *sums = arg;

	for (uint32_t i = 0; i < r->count; i++)
		sums[1] += r->vectors[(size_t)i * ROW_BYTES];
	sums[0] += r->count;
	return 0;
}

static uint64_t own_load(void *e, uint64_t *sum)
{
	uint64_t sums[2] = { 0 };
	struct store_visit visit = { .rows = count, .arg = sums };

	if (store_coll_live(((struct own *)e)->c, &visit, NULL))
		return 0;
	*sum += sums[1];
	return sums[0];
}

static void own_close(void *e)
{
	struct own *o = e;

	store_coll_close(o->c);
	store_close(o->s);
	store_io_posix_free(o->io);
	group_free(o->group);
	free(o->ids);
	free(o->ops);
	free(o);
}

const struct engine engine_log = {
	"log", 1, own_open, own_put, own_load, own_close,
};
