// SPDX-License-Identifier: GPL-2.0
/* Reads a collection that already has vectors into the store, by a walk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vexfsd.h"

static int walk(struct coll *k, struct store_coll *c, struct batch *b, struct store_error *err)
{
	const struct store_meta *meta = store_coll_meta(c);
	struct vexfs_walk w = {
		.format = VEXFS_FORMAT_RAW, .ids = (uintptr_t)b->ids,
		.vectors = (uintptr_t)b->vectors, .attrs = meta->attr_size ? (uintptr_t)b->attrs : 0,
	};
	uint32_t most = BATCH_BYTES / meta->row_bytes;
	int ret;

	if (most > BATCH_CHANGES)
		most = BATCH_CHANGES;
	memset(b->ops, STORE_INSERT, BATCH_CHANGES);
	do {
		struct store_rows r = {
			.ids = b->ids, .ops = b->ops, .attrs = b->attrs, .vectors = b->vectors,
		};

		w.count = most ? most : 1;
		ret = KERNEL(k->fd, VEXFS_IOC_WALK, &w);
		if (ret)
			return store_fail(err, ret, "cannot walk it: %s", strerror(-ret));
		r.count = r.puts = w.count;
		if (w.count)
			ret = store_snapshot_rows(c, &r, err);
		if (!ret && coll_stopping(k))
			ret = store_fail(err, EINTR, "the daemon ends");
	} while (!ret && w.cursor);
	return ret;
}

/*
 * The walk may return rows newer than @from; the stream then delivers the same changes
 * again. The collection counts as stored when the changes up to the end of the walk are
 * stored too, which the caller's first commit does.
 */
int snapshot_take(struct coll *k, uint64_t from, struct store_error *err)
{
	struct store_coll *c = NULL, *old = k->c;
	struct store_meta meta;
	struct vexfs_stat st;
	struct batch *b = batch_take(k->d);
	int ret = b ? kernel_meta(k->fd, &meta, &st) : -EINTR;

	if (ret)
		store_fail(err, ret, "cannot read its settings: %s", strerror(-ret));
	else
		ret = store_snapshot_create(k->d->s, &meta, from, &c, err);
	if (!ret)
		ret = walk(k, c, b, err);
	if (!ret)
		ret = store_snapshot_end(c, err);
	batch_give(k->d, b);
	if (ret) {
		if (c && store_coll_drop(c, NULL))
			store_coll_abandon(c);
		return ret;
	}
	pthread_mutex_lock(&k->lock);
	k->c = c;
	pthread_mutex_unlock(&k->lock);
	k->key = store_coll_key(c);
	k->snapshot = true;
	if (old && store_coll_drop(old, NULL))
		store_coll_abandon(old);
	return 0;
}
