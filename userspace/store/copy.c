// SPDX-License-Identifier: GPL-2.0
/* Copies a collection as of its last commit into another store, while it is being written. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define COPY_ROOM	(1u << 20)

struct copy {
	struct store_io *from;
	struct store_io *to;
	struct listing *l;
	uint8_t *buf;
	uint64_t done;
	store_progress progress;
	void *arg;
};

static int copy_bytes(struct copy *k, struct store_file *from, struct store_file *to,
		      uint64_t end)
{
	int ret = 0;

	for (uint64_t at = 0; !ret && at < end;) {
		size_t n = end - at < COPY_ROOM ? (size_t)(end - at) : COPY_ROOM;

		ret = store_read_all(k->from, from, k->buf, n, at);
		if (!ret)
			ret = store_write_all(k->to, to, k->buf, n, at);
		at += n;
		k->done += n;
		if (!ret && k->progress)
			ret = k->progress(k->arg, k->done, k->l->total);
	}
	return ret ? ret : k->to->ops->datasync(k->to, to);
}

static int copy_segment(struct copy *k, const struct disk_segref *ref, struct store_error *err)
{
	struct store_file *from, *to;
	uint64_t next = 0, read = 0;
	char name[80];
	int ret;

	segment_name(name, k->l->head.key, ref->number);
	ret = segment_open(k->from, &k->l->head, ref, &from, err);
	if (ret)
		return ret;
	ret = k->to->ops->open(k->to, name, STORE_CREATE, &to);
	if (!ret) {
		ret = copy_bytes(k, from, to, ref->bytes);
		k->to->ops->close(k->to, to);
	}
	k->from->ops->close(k->from, from);
	if (ret)
		return store_fail(err, ret, "%s cannot be copied: %s", name, strerror(abs(ret)));
	/* A copy of damaged bytes is no backup. */
	return replay_segment(k->to, &k->l->head, ref, ref->bytes, &next, NULL, NULL, &read,
			      ref->bytes, err);
}

/* The segment that is being written becomes a complete segment in the copy. */
static void seal_listing(struct listing *l)
{
	struct head *h = &l->head;
	struct disk_segref *last = h->segments ? &h->segs[h->segments - 1] : NULL;

	h->seq = l->safe.seq;
	h->live = l->safe.live;
	h->meta = l->safe.meta;
	if (!last || last->bytes)
		return;
	if (l->end <= SEGMENT_DATA) {
		h->segments--;
		return;
	}
	last->bytes = l->end;
	last->last_seq = l->safe.seq;
	last->puts = l->safe.puts;
}

/* The list first: it may be there in spite of the error that it was written with. */
static void undo(struct copy *k)
{
	char name[80];

	head_name(name, k->l->head.key);
	k->to->ops->unlink(k->to, name);
	for (uint32_t i = 0; i < k->l->head.segments; i++) {
		segment_name(name, k->l->head.key, k->l->head.segs[i].number);
		k->to->ops->unlink(k->to, name);
	}
	if (k->l->head.graph.number) {
		segment_name(name, k->l->head.key, k->l->head.graph.number);
		k->to->ops->unlink(k->to, name);
	}
}

static int has_key(struct store *s, uint64_t key)
{
	for (size_t i = 0; i < s->nkeys; i++)
		if (s->keys[i] == key)
			return 1;
	return 0;
}

int store_coll_copy(struct store_coll *c, struct store *to, store_progress progress, void *arg,
		    struct store_error *err)
{
	struct listing l;
	struct copy k = { c->s->io, to->io, &l, malloc(COPY_ROOM), 0, progress, arg };
	int ret;

	if (!k.buf)
		return store_fail(err, ENOMEM, "no memory");
	if (has_key(to, c->head.key)) {
		free(k.buf);
		return store_fail(err, EEXIST, "'%s' is in that store already", c->now.meta.name);
	}
	pthread_mutex_lock(&c->upkeep);
	ret = list_snapshot(c, &l, err);
	if (!ret) {
		seal_listing(&l);
		l.total += l.head.graph.bytes;
		for (uint32_t i = 0; !ret && i < l.head.segments; i++)
			ret = copy_segment(&k, &l.head.segs[i], err);
		if (!ret && l.head.graph.number)
			ret = copy_segment(&k, &l.head.graph, err);
		if (!ret)
			ret = head_write(to->io, &l.head, err);
		if (ret)
			undo(&k);
	}
	pthread_mutex_unlock(&c->upkeep);
	if (!ret && key_add(to, l.head.key))
		ret = store_fail(err, ENOMEM, "no memory");
	head_free(&l.head);
	free(k.buf);
	return ret;
}
