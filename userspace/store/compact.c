// SPDX-License-Identifier: GPL-2.0
/*
 * Compaction replaces complete segments by new ones without superseded rows. Appending
 * continues meanwhile; the list is replaced when all new segments are on the disk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

struct compaction {
	struct store_coll *c;
	struct listing l;
	uint64_t seq;		/* of the last change that is included */
	struct writer w;
	struct disk_segref *out;
	uint32_t outs;
	store_progress progress;
	void *arg;
	struct store_error *err;
};

/*
 * Only what a compaction changes counts: not the segment that is being written, nor segments
 * that are as long as they may be. Otherwise it would be wanted for ever.
 */
bool store_coll_wants_compaction(struct store_coll *c)
{
	uint64_t rows = 0, bytes = 0, live;
	uint32_t n = 0;

	pthread_mutex_lock(&c->lock);
	live = c->head.live;
	for (; n < c->head.segments && c->head.segs[n].bytes; n++) {
		rows += c->head.segs[n].puts;
		bytes += c->head.segs[n].bytes;
	}
	pthread_mutex_unlock(&c->lock);
	return (n > SEGMENTS_MANY && bytes / n < c->s->opts.segment_max / 2) ||
	       (rows > 1024 && rows / 2 > live);
}

static int end_segment(struct compaction *k)
{
	struct store_io *io = k->c->s->io;
	struct disk_segref *out;
	int ret;

	if (!k->w.f)
		return 0;
	ret = writer_sync(io, &k->w);
	if (!ret)
		io->ops->truncate(io, k->w.f, k->w.flushed);
	if (ret)
		return store_fail(k->err, ret, "a compacted segment cannot be written: %s",
				  strerror(-ret));
	out = realloc(k->out, (k->outs + 1u) * sizeof(*out));
	if (!out)
		return store_fail(k->err, ENOMEM, "no memory");
	k->out = out;
	k->w.ref.bytes = k->w.flushed;
	k->w.ref.last_seq = k->seq;
	out[k->outs++] = k->w.ref;
	writer_close(io, &k->w);
	return 0;
}

static int take_number(struct store_coll *c, uint64_t *number)
{
	pthread_mutex_lock(&c->lock);
	*number = c->head.next_number++;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

static int keep_rows(void *arg, const struct store_rows *rows)
{
	struct compaction *k = arg;
	struct store_rows r = *rows;
	uint64_t number;
	int ret = 0;

	if (!k->w.f) {
		take_number(k->c, &number);
		ret = segment_create(k->c->s->io, &k->l.head, SEGMENT_BASE, k->seq, &k->w, number,
				     k->err);
		if (ret)
			return ret;
	}
	r.first_seq = k->seq;
	ret = append_rows(k->c->s->io, &k->l.head, &k->w, &r, FRAME_ROWS);
	if (ret)
		return store_fail(k->err, ret, "a compacted segment cannot be written: %s",
				  strerror(-ret));
	if (k->w.written + k->w.used >= k->c->s->opts.segment_max)
		ret = end_segment(k);
	return ret;
}

static int keep_progress(void *arg, uint64_t done, uint64_t total)
{
	struct compaction *k = arg;

	return k->progress ? k->progress(k->arg, done, total) : 0;
}

static void unlink_all(struct store_coll *c, const struct disk_segref *segs, uint32_t n)
{
	char name[80];

	for (uint32_t i = 0; i < n; i++) {
		segment_name(name, c->head.key, segs[i].number);
		c->s->io->ops->unlink(c->s->io, name);
	}
}

/*
 * Puts the new segments in place of the old ones, before those that were added meanwhile.
 * After an error either list may be the one on the disk, so the files of both stay; the
 * next opening of the store removes the unlisted ones.
 */
static int put_in_place(struct compaction *k)
{
	struct store_coll *c = k->c;
	uint32_t old = k->l.head.segments, rest;
	struct head h;
	int ret;

	pthread_mutex_lock(&c->lock);
	h = c->head;
	rest = c->head.segments - old;
	h.segs = calloc(k->outs + rest + 1u, sizeof(*h.segs));
	if (!h.segs) {
		pthread_mutex_unlock(&c->lock);
		return store_fail(k->err, ENOMEM, "no memory for the list of segments");
	}
	if (k->outs)
		memcpy(h.segs, k->out, k->outs * sizeof(*h.segs));
	memcpy(h.segs + k->outs, c->head.segs + old, rest * sizeof(*h.segs));
	h.segments = k->outs + rest;
	ret = head_write(c->s->io, &h, k->err);
	if (ret) {
		free(h.segs);
	} else {
		free(c->head.segs);
		c->head = h;
	}
	pthread_mutex_unlock(&c->lock);
	if (!ret)
		unlink_all(c, k->l.head.segs, old);
	return ret;
}

/* Only complete segments; the one that is being written stays. */
static int choose(struct compaction *k)
{
	struct store_coll *c = k->c;
	int ret = list_snapshot(c, &k->l, k->err);

	if (ret)
		return ret;
	if (k->l.head.segments && !k->l.head.segs[k->l.head.segments - 1].bytes)
		k->l.head.segments--;
	if (k->l.head.segments)
		k->seq = k->l.head.segs[k->l.head.segments - 1].last_seq;
	k->l.total = k->l.rows = 0;
	k->l.live = k->l.head.live;
	for (uint32_t i = 0; i < k->l.head.segments; i++) {
		k->l.total += k->l.head.segs[i].bytes;
		k->l.rows += k->l.head.segs[i].puts;
	}
	return 0;
}

int store_coll_compact(struct store_coll *c, store_progress progress, void *arg,
		       struct store_error *err)
{
	struct compaction k = { .c = c, .progress = progress, .arg = arg, .err = err };
	struct store_visit visit = { keep_rows, keep_progress, &k };
	int ret;

	if (c->s->opts.read_only)
		return store_fail(err, EROFS, "the store was opened for reading");
	if (err)
		err->code = 0;
	pthread_mutex_lock(&c->upkeep);
	ret = choose(&k);
	if (!ret && k.l.head.segments) {
		ret = live_visit(c->s->io, c->s->opts.memory, &k.l, &visit, err);
		if (!ret)
			ret = end_segment(&k);
		if (ret && k.w.f)
			unlink_all(c, &k.w.ref, 1);
		if (ret)
			unlink_all(c, k.out, k.outs);
		else
			ret = put_in_place(&k);
	}
	writer_close(c->s->io, &k.w);
	free(k.out);
	head_free(&k.l.head);
	pthread_mutex_unlock(&c->upkeep);
	return ret;
}
