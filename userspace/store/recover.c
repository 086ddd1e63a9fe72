// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery after a power cut or a killed process. Nothing is appended to a segment of an
 * earlier process: the part that its own later frames report as flushed stays, the rest
 * is copied into a new segment. So bytes that were only in the page cache, behind a flush
 * that failed, are never taken for durable.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* A shorter segment is copied as a whole, so that restarts leave no small segments. */
#define REWRITE_MAX	(1u << 20)

static int next_frame(struct tail *t, struct frame *f, struct store_error *err)
{
	struct point *p = &t->at_end;

	if (f->h.type != FRAME_CHANGES && f->h.type != FRAME_META)
		return store_fail(err, EUCLEAN, "a frame of type %u is not one of a log", f->h.type);
	if (f->h.first_seq != p->seq + 1)
		return store_fail(err, EUCLEAN, "change %" PRIu64 " follows change %" PRIu64,
				  f->h.first_seq, p->seq);
	if (f->h.type == FRAME_META) {
		p->seq++;
		return meta_decode(f->payload, f->h.len, &p->meta);
	}
	point_apply(p, &f->rows);
	return 0;
}

/* Iterates over frames up to @upto; stops at the first invalid one. */
static int scan(struct cursor *cur, struct tail *t, uint64_t upto, struct store_error *err)
{
	struct frame f;
	int ret = 0;

	while (cur->off < upto && (ret = cursor_next(cur, &f)) == 1) {
		ret = next_frame(t, &f, err);
		if (ret)
			return ret;
		t->frames++;
		t->end = cur->off;
		if (f.h.flushed > t->attested)
			t->attested = f.h.flushed;
	}
	return cur->off < upto ? ret : 0;
}

static void tail_start(struct tail *t, const struct head *h, const struct disk_segref *ref)
{
	t->at_end = (struct point) {
		.seq = ref->first_seq - 1, .live = h->live, .meta = h->meta,
	};
	t->end = SEGMENT_DATA;
	t->frames = 0;
}

int tail_scan(struct store_io *io, const struct head *h, const struct disk_segref *ref,
	      struct tail *t, struct store_error *err)
{
	struct store_file *f;
	struct cursor cur;
	char name[80];
	bool later;
	int ret = segment_open(io, h, ref, &f, err);

	if (ret)
		return ret;
	segment_name(name, h->key, ref->number);
	memset(t, 0, sizeof(*t));
	t->size = (uint64_t)io->ops->size(io, f);
	t->attested = SEGMENT_DATA;
	tail_start(t, h, ref);
	ret = cursor_begin(&cur, io, f, h, ref->nonce, t->size);
	if (ret) {
		store_fail(err, ret, "%s: no memory", name);
		goto out;
	}
	ret = scan(&cur, t, t->size, err);
	if (ret == -EUCLEAN && cur.why) {
		const char *why = cur.why;

		ret = cursor_attested(&cur, t->end, &later);
		if (!ret && later)
			ret = store_fail(err, EUCLEAN, "%s: damaged at byte %" PRIu64 ": %s", name,
					 t->end, why);
	}
	/* A second pass up to the flush, for the position at that point. */
	if (!ret) {
		struct point end = t->at_end;
		uint64_t at = t->end, frames = t->frames;

		tail_start(t, h, ref);
		cur.off = SEGMENT_DATA;
		ret = scan(&cur, t, t->attested, err);
		t->at_attested = t->at_end;
		if (!ret && t->end != t->attested)
			ret = store_fail(err, EUCLEAN, "%s: a flush ends inside a frame", name);
		t->at_end = end;
		t->end = at;
		t->frames = frames;
	}
	if (ret && err && !err->code)
		store_fail(err, ret, "%s: %s", name, strerror(-ret));
	cursor_end(&cur);
out:
	io->ops->close(io, f);
	return ret;
}

/* Copies the frames from @from to @end of the old segment. */
static int copy_frames(struct store_coll *c, const struct disk_segref *ref, uint64_t from,
		       uint64_t end, struct store_error *err)
{
	struct store_io *io = c->s->io;
	struct store_file *f;
	struct cursor cur;
	struct frame frame;
	int ret = segment_open(io, &c->head, ref, &f, err);

	if (ret)
		return ret;
	ret = cursor_begin(&cur, io, f, &c->head, ref->nonce, end);
	if (ret)
		store_fail(err, ret, "no memory");
	cur.off = from;
	while (!ret && (ret = cursor_next(&cur, &frame)) == 1)
		ret = writer_frame(io, &c->head, &c->w, &frame.h, frame.payload, err);
	if (!ret)
		ret = writer_sync(io, &c->w);
	if (ret && err && !err->code)
		store_fail(err, ret, "segment %" PRIu64 " cannot be copied: %s", ref->number,
			   cur.why ? cur.why : strerror(-ret));
	cursor_end(&cur);
	io->ops->close(io, f);
	return ret;
}

/* A list in which the old segment ends at its last flush, or is removed. */
static int relist(struct store_coll *c, bool drop_old, const struct tail *t,
		  struct disk_segref **list, uint32_t *n)
{
	struct head *h = &c->head;

	*list = calloc(h->segments + 2u, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	*n = h->segments;
	memcpy(*list, h->segs, h->segments * sizeof(**list));
	if (*n && !(*list)[*n - 1].bytes) {
		struct disk_segref *old = &(*list)[*n - 1];

		old->bytes = t->attested;
		old->last_seq = t->at_attested.seq;
		old->puts = t->at_attested.puts;
		*n -= drop_old;
	}
	(*list)[(*n)++] = c->w.ref;
	return 0;
}

static int switch_over(struct store_coll *c, const struct tail *t, bool whole,
		       struct store_error *err)
{
	struct disk_segref *list, *old = c->head.segs;
	struct head h = c->head;
	char name[80];
	uint32_t n;
	int ret;

	ret = relist(c, whole, t, &list, &n);
	if (ret)
		return store_fail(err, ret, "no memory");
	/* Rows are counted when a segment is completed. */
	list[n - 1].puts = 0;
	h.segs = list;
	h.segments = n;
	if (!whole) {
		h.seq = t->at_attested.seq;
		h.live = t->at_attested.live;
		h.meta = t->at_attested.meta;
	}
	ret = head_write(c->s->io, &h, err);
	if (ret) {
		free(list);
		return ret;
	}
	if (whole && c->head.segments && !old[c->head.segments - 1].bytes) {
		segment_name(name, h.key, old[c->head.segments - 1].number);
		c->s->io->ops->unlink(c->s->io, name);
	}
	c->head = h;
	free(old);
	return 0;
}

int coll_recover(struct store_coll *c, struct store_error *err)
{
	struct head *h = &c->head;
	struct disk_segref *last = h->segments ? &h->segs[h->segments - 1] : NULL;
	bool open = last && !last->bytes, whole = false;
	struct tail t = { .attested = SEGMENT_DATA };
	uint64_t first;
	int ret = 0;

	t.at_attested = t.at_end = (struct point) {
		.seq = h->seq, .live = h->live, .meta = h->meta,
	};
	if (open)
		ret = tail_scan(c->s->io, h, last, &t, err);
	if (ret)
		return ret;
	c->now = c->safe = t.at_end;
	if (c->s->opts.read_only) {
		c->w.ref = open ? *last : (struct disk_segref) { 0 };
		c->w.flushed = c->w.written = open ? t.end : 0;
		return 0;
	}
	whole = open && (t.end <= REWRITE_MAX || t.attested == SEGMENT_DATA);
	first = whole ? last->first_seq : t.at_attested.seq + 1;
	ret = segment_create(c->s->io, h, 0, first, &c->w, h->next_number, err);
	if (ret)
		return ret;
	h->next_number++;
	if (open)
		ret = copy_frames(c, last, whole ? SEGMENT_DATA : t.attested, t.end, err);
	if (!ret)
		ret = switch_over(c, &t, whole, err);
	if (ret)
		return ret;
	if (!whole)
		c->now.puts -= t.at_attested.puts;
	c->safe = c->now;
	return 0;
}
