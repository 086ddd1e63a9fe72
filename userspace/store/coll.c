// SPDX-License-Identifier: GPL-2.0
/* A collection of the store: creating, opening, appending, committing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

void point_apply(struct point *p, const struct store_rows *rows)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		if (rows->ops[i] == STORE_INSERT)
			p->live++;
		else if (rows->ops[i] == STORE_DELETE)
			p->live--;
	}
	p->seq += rows->count;
	p->puts += rows->puts;
}

static struct store_coll *coll_new(struct store *s)
{
	struct store_coll *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->s = s;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->upkeep, NULL);
	return c;
}

void store_coll_abandon(struct store_coll *c)
{
	if (!c)
		return;
	writer_close(c->s->io, &c->w);
	writer_close(c->s->io, &c->base);
	head_free(&c->head);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->upkeep);
	free(c);
}

/* Removes what a failed creation left; otherwise the next opening of the store does. */
static void unmake(struct store_coll *c)
{
	char name[80];

	head_name(name, c->head.key);
	c->s->io->ops->unlink(c->s->io, name);
	segment_name(name, c->head.key, c->w.ref.number);
	if (c->w.f)
		c->s->io->ops->unlink(c->s->io, name);
}

int store_coll_create(struct store *s, const struct store_meta *meta, uint64_t seq,
		      struct store_coll **out, struct store_error *err)
{
	return coll_create(s, meta, seq, 0, out, err);
}

int coll_create(struct store *s, const struct store_meta *meta, uint64_t seq, uint32_t flags,
		struct store_coll **out, struct store_error *err)
{
	uint8_t check[META_MAX];
	struct store_meta same;
	struct store_coll *c;
	int ret = -EINVAL;

	*out = NULL;
	if (meta->layout_len <= STORE_LAYOUT_MAX)
		ret = meta_decode(check, meta_encode(meta, check), &same);
	if (ret)
		return store_fail(err, EINVAL, "these settings are none of a collection");
	if (s->opts.read_only)
		return store_fail(err, EROFS, "the store was opened for reading");
	c = coll_new(s);
	if (!c)
		return store_fail(err, ENOMEM, "no memory");
	c->head.meta = same;
	c->head.next_number = 1;
	c->head.flags = flags;
	c->head.seq = c->now.seq = seq;
	c->now.meta = same;
	ret = s->io->ops->random(s->io, &c->head.key, sizeof(c->head.key));
	if (ret)
		store_fail(err, ret, "no random number: %s", strerror(-ret));
	if (!ret)
		ret = segment_create(s->io, &c->head, 0, seq + 1, &c->w, c->head.next_number++, err);
	if (!ret) {
		c->head.segs = calloc(1, sizeof(*c->head.segs));
		c->head.segments = c->head.segs != NULL;
		if (c->head.segs)
			c->head.segs[0] = c->w.ref;
		else
			ret = store_fail(err, ENOMEM, "no memory");
	}
	if (!ret)
		ret = head_write(s->io, &c->head, err);
	if (!ret && key_add(s, c->head.key))
		ret = store_fail(err, ENOMEM, "no memory");
	if (ret) {
		unmake(c);
		store_coll_abandon(c);
		return ret;
	}
	c->safe = c->now;
	*out = c;
	return 0;
}

int store_coll_open(struct store *s, uint64_t key, struct store_coll **out,
		    struct store_error *err)
{
	struct store_coll *c = coll_new(s);
	int ret;

	*out = NULL;
	if (!c)
		return store_fail(err, ENOMEM, "no memory");
	if (err)
		err->code = 0;
	ret = head_read(s->io, key, !s->opts.read_only, &c->head, err);
	if (!ret)
		ret = coll_recover(c, err);
	if (ret) {
		store_coll_abandon(c);
		return ret;
	}
	*out = c;
	return 0;
}

/* The list as if everything that was committed were a complete segment. */
static int sealed_list(struct store_coll *c, struct head *h, uint32_t *kept)
{
	uint32_t n = c->head.segments;

	*h = c->head;
	h->segs = calloc(n + 1u, sizeof(*h->segs));
	if (!h->segs)
		return -ENOMEM;
	memcpy(h->segs, c->head.segs, n * sizeof(*h->segs));
	if (c->w.flushed > SEGMENT_DATA) {
		h->segs[n - 1].bytes = c->w.flushed;
		h->segs[n - 1].last_seq = c->safe.seq;
		h->segs[n - 1].puts = c->safe.puts;
	} else {
		h->segments = n - 1;
	}
	*kept = h->segments;
	h->seq = c->safe.seq;
	h->live = c->safe.live;
	h->meta = c->safe.meta;
	return 0;
}

/* Call it with c->lock held. */
static int roll_locked(struct store_coll *c, bool again, struct store_error *err)
{
	struct store_io *io = c->s->io;
	bool dropped = c->w.flushed <= SEGMENT_DATA;
	uint64_t old = c->w.ref.number;
	struct writer w = { 0 };
	struct head h;
	uint32_t kept;
	char name[80];
	int ret;

	if (sealed_list(c, &h, &kept))
		return store_fail(err, ENOMEM, "no memory for the list of segments");
	ret = again ? segment_create(io, &h, 0, c->safe.seq + 1, &w, h.next_number, err) : 0;
	if (!ret && again) {
		h.next_number++;
		h.segs[h.segments++] = w.ref;
	}
	/* Cuts off space that was allocated in advance, and what follows the last commit. */
	if (!ret)
		io->ops->truncate(io, c->w.f, c->w.flushed);
	if (!ret)
		ret = head_write(io, &h, err);
	if (ret) {
		/*
		 * The list may have been replaced in spite of the error, so its number is
		 * used up.
		 */
		if (w.f)
			c->head.next_number = h.next_number;
		free(h.segs);
		writer_close(io, &w);
		return ret;
	}
	if (dropped) {
		segment_name(name, h.key, old);
		io->ops->unlink(io, name);
	}
	free(c->head.segs);
	c->head = h;
	w.buf = c->w.buf;
	w.room = c->w.room;
	c->w.buf = NULL;
	writer_close(io, &c->w);
	c->w = w;
	c->now = c->safe;
	c->now.puts = c->safe.puts = 0;
	return 0;
}

int coll_roll(struct store_coll *c, struct store_error *err)
{
	int ret;

	pthread_mutex_lock(&c->lock);
	ret = roll_locked(c, true, err);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

static int refuse(struct store_coll *c, struct store_error *err)
{
	if (c->s->opts.read_only)
		return store_fail(err, EROFS, "the store was opened for reading");
	return store_fail(err, c->failed, "an earlier error is not recovered from: %s",
			  strerror(c->failed));
}

static int failed(struct store_coll *c, int ret, struct store_error *err)
{
	c->failed = -ret;
	return store_fail(err, ret, "segment %08" PRIx64 " of '%s' cannot be written: %s",
			  c->w.ref.number, c->now.meta.name, strerror(-ret));
}

int store_append(struct store_coll *c, const struct store_rows *rows, struct store_error *err)
{
	int ret;

	if (c->failed || c->s->opts.read_only)
		return refuse(c, err);
	if (!rows->count)
		return 0;
	if (rows->first_seq != c->now.seq + 1)
		return store_fail(err, ESTALE, "change %" PRIu64 " does not follow change %" PRIu64,
				  rows->first_seq, c->now.seq);
	ret = append_rows(c->s->io, &c->head, &c->w, rows, FRAME_CHANGES);
	if (ret)
		return failed(c, ret, err);
	point_apply(&c->now, rows);
	return 0;
}

int store_append_meta(struct store_coll *c, uint64_t seq, const struct store_meta *meta,
		      struct store_error *err)
{
	struct disk_frame f = { .type = FRAME_META, .first_seq = seq, .count = 1 };
	uint8_t data[META_MAX];
	struct store_meta same;
	int ret = -EINVAL;

	if (c->failed || c->s->opts.read_only)
		return refuse(c, err);
	if (seq != c->now.seq + 1)
		return store_fail(err, ESTALE, "change %" PRIu64 " does not follow change %" PRIu64,
				  seq, c->now.seq);
	if (meta->layout_len <= STORE_LAYOUT_MAX) {
		f.len = (uint32_t)meta_encode(meta, data);
		ret = meta_decode(data, f.len, &same);
	}
	if (ret || meta->row_bytes != c->now.meta.row_bytes ||
	    meta->attr_size != c->now.meta.attr_size)
		return store_fail(err, EINVAL, "these settings are none of this collection");
	ret = writer_frame(c->s->io, &c->head, &c->w, &f, data, NULL);
	if (ret)
		return failed(c, ret, err);
	c->now.seq = seq;
	c->now.meta = same;
	return 0;
}

/* It is long, or what is in it is mostly superseded, and a compaction is to remove that. */
static bool is_complete(const struct store_coll *c)
{
	uint64_t max = c->s->opts.segment_max;

	return c->w.flushed >= max ||
	       (c->w.flushed >= max / 16 && c->safe.puts / 2 > c->safe.live);
}

int store_commit(struct store_coll *c, struct store_error *err)
{
	int ret;

	if (c->failed || c->s->opts.read_only)
		return refuse(c, err);
	ret = writer_flush(c->s->io, &c->w);
	if (!ret && c->w.flushed != c->w.written)
		ret = c->s->io->ops->datasync(c->s->io, c->w.f);
	if (ret)
		return failed(c, ret, err);
	pthread_mutex_lock(&c->lock);
	c->w.flushed = c->w.written;
	c->safe = c->now;
	pthread_mutex_unlock(&c->lock);
	/*
	 * Committed data stays committed when the next segment cannot be created; the
	 * next commit reports the error.
	 */
	if (is_complete(c) && coll_roll(c, NULL))
		c->failed = EIO;
	return 0;
}

int store_coll_recover(struct store_coll *c, struct store_error *err)
{
	int ret;

	if (c->s->opts.read_only)
		return refuse(c, err);
	c->w.used = 0;
	c->now = c->safe;
	ret = coll_roll(c, err);
	if (!ret)
		c->failed = 0;
	return ret;
}

int store_coll_close(struct store_coll *c)
{
	int ret = 0;

	if (!c)
		return 0;
	if (!c->s->opts.read_only && !c->failed && !c->head.flags)
		ret = store_commit(c, NULL);
	if (!c->s->opts.read_only && !c->failed && !ret) {
		pthread_mutex_lock(&c->lock);
		ret = roll_locked(c, false, NULL);
		pthread_mutex_unlock(&c->lock);
	}
	store_coll_abandon(c);
	return ret;
}

int store_coll_drop(struct store_coll *c, struct store_error *err)
{
	struct store *s = c->s;
	uint64_t key = c->head.key;
	int ret;

	if (s->opts.read_only)
		return refuse(c, err);
	pthread_mutex_lock(&c->upkeep);
	pthread_mutex_lock(&c->lock);
	ret = head_remove(s->io, &c->head, err);
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->upkeep);
	if (ret)
		return ret;
	store_coll_abandon(c);
	key_remove(s, key);
	return 0;
}

const struct store_meta *store_coll_meta(const struct store_coll *c)
{
	return &c->now.meta;
}

uint64_t store_coll_key(const struct store_coll *c)
{
	return c->head.key;
}

uint64_t store_durable_seq(const struct store_coll *c)
{
	return c->safe.seq;
}

void store_coll_info(struct store_coll *c, struct store_info *info)
{
	pthread_mutex_lock(&c->lock);
	*info = (struct store_info) {
		.seq = c->safe.seq, .live = c->safe.live, .rows = c->safe.puts,
		.segments = c->head.segments, .generation = c->head.generation,
		.bytes = c->head.graph.bytes,
	};
	for (uint32_t i = 0; i < c->head.segments; i++) {
		info->rows += c->head.segs[i].bytes ? c->head.segs[i].puts : 0;
		info->bytes += c->head.segs[i].bytes ? c->head.segs[i].bytes : c->w.flushed;
	}
	pthread_mutex_unlock(&c->lock);
}
