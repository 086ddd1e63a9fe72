// SPDX-License-Identifier: GPL-2.0
/*
 * A collection that existed before it was stored. Its rows go into segments like those of
 * a compaction. They may be newer than the snapshot's sequence number; these changes are
 * appended as well, and a reader takes the last one of each id. Only the number of
 * vectors must be counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

int store_snapshot_create(struct store *s, const struct store_meta *meta, uint64_t seq,
			  struct store_coll **c, struct store_error *err)
{
	if (!seq)
		return store_fail(err, EINVAL, "there is no snapshot before the first change");
	return coll_create(s, meta, seq, HEAD_PARTIAL, c, err);
}

/* Completes the segment of rows and lists it before the segment of changes. */
static int end_base(struct store_coll *c, struct store_error *err)
{
	struct store_io *io = c->s->io;
	struct disk_segref *segs;
	struct head *h = &c->head;
	int ret = writer_sync(io, &c->base);

	if (ret)
		return store_fail(err, ret, "a snapshot cannot be written: %s", strerror(-ret));
	io->ops->truncate(io, c->base.f, c->base.flushed);
	segs = realloc(h->segs, (h->segments + 1u) * sizeof(*segs));
	if (!segs)
		return store_fail(err, ENOMEM, "no memory");
	h->segs = segs;
	segs[h->segments] = segs[h->segments - 1];
	c->base.ref.bytes = c->base.flushed;
	c->base.ref.last_seq = c->base.ref.first_seq;
	segs[h->segments - 1] = c->base.ref;
	h->segments++;
	writer_close(io, &c->base);
	return 0;
}

int store_snapshot_rows(struct store_coll *c, const struct store_rows *rows,
			struct store_error *err)
{
	uint64_t seq = c->head.seq, *seqs;
	struct store_rows r = *rows;
	int ret = 0;

	if (!(c->head.flags & HEAD_PARTIAL))
		return store_fail(err, EINVAL, "no snapshot has begun");
	if (!c->base.f)
		ret = segment_create(c->s->io, &c->head, SEGMENT_BASE, seq, &c->base,
				     c->head.next_number++, err);
	if (ret)
		return ret;
	seqs = calloc(rows->count, sizeof(*seqs));
	if (!seqs)
		return store_fail(err, ENOMEM, "no memory");
	for (uint32_t i = 0; i < rows->count; i++)
		seqs[i] = seq;
	r.first_seq = seq;
	r.seqs = seqs;
	ret = append_rows(c->s->io, &c->head, &c->base, &r, FRAME_ROWS);
	free(seqs);
	if (ret)
		return store_fail(err, ret, "a snapshot cannot be written: %s", strerror(-ret));
	return c->base.written >= c->s->opts.segment_max ? end_base(c, err) : 0;
}

int store_snapshot_end(struct store_coll *c, struct store_error *err)
{
	return c->base.f ? end_base(c, err) : 0;
}

static int count(void *arg, const struct store_rows *rows)
{
	*(uint64_t *)arg += rows->count;
	return 0;
}

int store_snapshot_done(struct store_coll *c, struct store_error *err)
{
	uint64_t n = 0;
	struct store_visit visit = { .rows = count, .arg = &n };
	struct listing l;
	int ret = store_commit(c, err);

	if (!ret)
		ret = list_snapshot(c, &l, err);
	if (ret)
		return ret;
	/* Whether a row was replaced is known only now. */
	l.live = l.rows + 1;
	ret = live_visit(c->s->io, c->s->opts.memory, &l, &visit, err);
	head_free(&l.head);
	if (ret)
		return ret;
	c->now.live = c->safe.live = n;
	c->head.flags = 0;
	ret = coll_roll(c, err);
	if (ret)
		c->head.flags = HEAD_PARTIAL;
	return ret;
}
