// SPDX-License-Identifier: GPL-2.0
/* Reads all segments of a collection, in order and with checks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

static int wrong_order(const struct frame *f, const struct disk_segref *ref, uint64_t *next)
{
	if (ref->flags & SEGMENT_GRAPH)
		return f->h.type != FRAME_GRAPH;
	if (ref->flags & SEGMENT_BASE)
		return f->h.type != FRAME_ROWS || f->h.first_seq != ref->first_seq;
	if ((f->h.type != FRAME_CHANGES && f->h.type != FRAME_META) || f->h.first_seq != *next)
		return 1;
	*next += f->h.count;
	return 0;
}

static int read_frames(struct cursor *cur, const struct disk_segref *ref, uint64_t *next,
		       struct store_check *count, const struct store_visit *visit, uint64_t *done,
		       uint64_t total)
{
	uint64_t puts = 0, from = cur->off;
	struct frame f;
	int ret;

	while ((ret = cursor_next(cur, &f)) == 1) {
		if (wrong_order(&f, ref, next)) {
			cur->why = "its changes do not follow those before it";
			cur->off = from;
			return -EUCLEAN;
		}
		puts += f.h.puts;
		if (count) {
			count->frames++;
			count->rows += f.h.puts;
			count->bytes += cur->off - from;
		}
		*done += cur->off - from;
		from = cur->off;
		ret = f.rows.count && visit && visit->rows && f.h.type != FRAME_META ?
		      visit->rows(visit->arg, &f.rows) : 0;
		if (!ret && visit && visit->progress)
			ret = visit->progress(visit->arg, *done, total);
		if (ret)
			return ret;
	}
	if (!ret && ref->bytes && puts != ref->puts && !(ref->flags & SEGMENT_GRAPH)) {
		cur->why = "the list has another number of rows";
		return -EUCLEAN;
	}
	return ret;
}

int replay_segment(struct store_io *io, const struct head *h, const struct disk_segref *ref,
		   uint64_t end, uint64_t *next, struct store_check *count,
		   const struct store_visit *visit, uint64_t *done, uint64_t total,
		   struct store_error *err)
{
	struct store_file *f;
	struct cursor cur;
	char name[80];
	int ret = segment_open(io, h, ref, &f, err);

	if (ret)
		return ret;
	segment_name(name, h->key, ref->number);
	if (!(ref->flags & (SEGMENT_BASE | SEGMENT_GRAPH)))
		*next = ref->first_seq;
	ret = cursor_begin(&cur, io, f, h, ref->nonce, end);
	if (!ret)
		ret = read_frames(&cur, ref, next, count, visit, done, total);
	if (!ret && ref->bytes && !(ref->flags & (SEGMENT_BASE | SEGMENT_GRAPH)) &&
	    *next != ref->last_seq + 1) {
		cur.why = "it does not end with the change that the list names";
		ret = -EUCLEAN;
	}
	if (ret == -EUCLEAN && cur.why)
		store_fail(err, ret, "%s: damaged at byte %" PRIu64 ": %s", name, cur.off, cur.why);
	else if (ret && err && !err->code)
		store_fail(err, ret, "%s: %s", name, strerror(ret < 0 ? -ret : ECANCELED));
	cursor_end(&cur);
	io->ops->close(io, f);
	return ret;
}

int list_snapshot(struct store_coll *c, struct listing *l, struct store_error *err)
{
	int ret = 0;

	if (err)
		err->code = 0;
	pthread_mutex_lock(&c->lock);
	*l = (struct listing) { .head = c->head, .end = c->w.flushed, .safe = c->safe };
	l->head.segs = calloc(c->head.segments + 1u, sizeof(*l->head.segs));
	if (l->head.segs)
		memcpy(l->head.segs, c->head.segs, c->head.segments * sizeof(*l->head.segs));
	else
		ret = store_fail(err, ENOMEM, "no memory for a list of %u segments",
				 c->head.segments);
	pthread_mutex_unlock(&c->lock);
	for (uint32_t i = 0; !ret && i < l->head.segments; i++) {
		l->total += list_end(l, i);
		l->rows += l->head.segs[i].bytes ? l->head.segs[i].puts : l->safe.puts;
	}
	l->live = l->safe.live;
	return ret;
}

uint64_t list_end(const struct listing *l, uint32_t i)
{
	return l->head.segs[i].bytes ? l->head.segs[i].bytes : l->end;
}

int store_coll_replay(struct store_coll *c, const struct store_visit *visit,
		      struct store_error *err)
{
	uint64_t done = 0, next = 0;
	struct listing l;
	int ret;

	pthread_mutex_lock(&c->upkeep);
	ret = list_snapshot(c, &l, err);
	for (uint32_t i = 0; !ret && i < l.head.segments; i++)
		ret = replay_segment(c->s->io, &l.head, &l.head.segs[i], list_end(&l, i), &next,
				     NULL, visit, &done, l.total, err);
	head_free(&l.head);
	pthread_mutex_unlock(&c->upkeep);
	return ret;
}
