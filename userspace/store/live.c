// SPDX-License-Identifier: GPL-2.0
/*
 * The live contents: the last version of each id. The first pass reads ids only and
 * records which change of an id was the last; the second pass returns the rows of these.
 * If the table of ids would exceed its memory limit, the ids are processed in several
 * parts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* Frames are long and their ids come first. */
#define IDS_CHUNK	(64u << 10)

struct entry {
	uint64_t id;
	uint64_t seq;		/* 0: empty slot */
};

struct table {
	struct entry *at;
	uint64_t mask;
	uint64_t used;
	uint32_t part;
	uint32_t parts;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

/* Is the id in this part? The high half of its hash decides; the low half is the slot. */
static bool is_mine(const struct table *t, uint64_t hash)
{
	return t->parts == 1 || (hash >> 32) % t->parts == t->part;
}

static struct entry *find(struct table *t, uint64_t id, uint64_t hash)
{
	uint64_t i = hash & t->mask;

	while (t->at[i].seq && t->at[i].id != id)
		i = (i + 1) & t->mask;
	return &t->at[i];
}

static int grow(struct table *t)
{
	struct table wide = *t;

	wide.mask = t->mask * 2 + 1;
	wide.at = calloc(wide.mask + 1, sizeof(*wide.at));
	if (!wide.at)
		return -ENOMEM;
	for (uint64_t i = 0; i <= t->mask; i++)
		if (t->at[i].seq)
			*find(&wide, t->at[i].id, mix(t->at[i].id)) = t->at[i];
	free(t->at);
	*t = wide;
	return 0;
}

static int note(struct table *t, const struct store_rows *r)
{
	for (uint32_t i = 0; i < r->count; i++) {
		uint64_t hash = mix(r->ids[i]), seq = r->seqs ? r->seqs[i] : r->first_seq + i;
		struct entry *e;

		if (!is_mine(t, hash))
			continue;
		e = find(t, r->ids[i], hash);
		if (!e->seq) {
			if (++t->used * 4 > t->mask * 3) {
				int ret = grow(t);

				if (ret)
					return ret;
				e = find(t, r->ids[i], hash);
			}
			e->id = r->ids[i];
		}
		e->seq = seq;
	}
	return 0;
}

static int note_segments(struct store_io *io, const struct listing *l, struct table *t,
			 struct store_error *err)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < l->head.segments; i++) {
		const struct disk_segref *ref = &l->head.segs[i];
		struct store_file *f;
		struct cursor cur;
		struct frame frame;

		ret = segment_open(io, &l->head, ref, &f, err);
		if (ret)
			return ret;
		ret = cursor_begin(&cur, io, f, &l->head, ref->nonce, list_end(l, i));
		cur.chunk = IDS_CHUNK;
		while (!ret && (ret = cursor_next_ids(&cur, &frame)) == 1)
			ret = note(t, &frame.rows);
		if (ret && cur.why)
			store_fail(err, ret, "segment %08llx is damaged at byte %llu: %s",
				   (unsigned long long)ref->number, (unsigned long long)cur.off,
				   cur.why);
		else if (ret)
			store_fail(err, ret, "the ids cannot be read: %s", strerror(-ret));
		cursor_end(&cur);
		io->ops->close(io, f);
	}
	return ret;
}

/**
 * struct sieve - passes on the rows that are the last of their ids
 * @room: rows that each of the arrays below can hold
 */
struct sieve {
	struct table *t;
	const struct store_visit *visit;
	uint32_t attr_size;
	uint32_t row_bytes;
	uint32_t room;
	uint64_t *ids;
	uint64_t *seqs;
	uint8_t *ops;
	uint8_t *attrs;
	uint8_t *vectors;
};

static int sieve_room(struct sieve *s, uint32_t n)
{
	if (n <= s->room)
		return 0;
	free(s->ids);
	free(s->seqs);
	free(s->ops);
	free(s->attrs);
	free(s->vectors);
	s->room = 0;
	s->ids = calloc(n, 8);
	s->seqs = calloc(n, 8);
	s->ops = calloc(n, 1);
	s->attrs = calloc(n, s->attr_size ? s->attr_size : 1);
	s->vectors = calloc(n, s->row_bytes);
	if (!s->ids || !s->seqs || !s->ops || !s->attrs || !s->vectors)
		return -ENOMEM;
	memset(s->ops, STORE_INSERT, n);
	s->room = n;
	return 0;
}

static void sieve_free(struct sieve *s)
{
	free(s->ids);
	free(s->seqs);
	free(s->ops);
	free(s->attrs);
	free(s->vectors);
}

/* Each row is the last of its id: no lookups, and the vectors are not copied. */
static int pass_whole(struct sieve *s, const struct store_rows *r)
{
	struct store_rows out = *r;

	for (uint32_t i = 0; i < r->count; i++)
		s->seqs[i] = r->seqs ? r->seqs[i] : r->first_seq + i;
	out.seqs = s->seqs;
	out.ops = s->ops;
	return s->visit->rows(s->visit->arg, &out);
}

static int pass_rows(void *arg, const struct store_rows *r)
{
	struct sieve *s = arg;
	uint32_t n = 0, put = 0;
	struct store_rows out;
	int ret = sieve_room(s, r->count);

	if (ret)
		return ret;
	if (!s->t)
		return pass_whole(s, r);
	for (uint32_t i = 0; i < r->count; i++) {
		uint64_t hash = mix(r->ids[i]), seq = r->seqs ? r->seqs[i] : r->first_seq + i;
		uint32_t at = put;

		if (r->ops[i] == STORE_DELETE)
			continue;
		put++;
		if (!is_mine(s->t, hash) || find(s->t, r->ids[i], hash)->seq != seq)
			continue;
		s->ids[n] = r->ids[i];
		s->seqs[n] = seq;
		if (s->attr_size)
			memcpy(s->attrs + (size_t)n * s->attr_size,
			       r->attrs + (size_t)at * s->attr_size, s->attr_size);
		memcpy(s->vectors + (size_t)n * s->row_bytes,
		       r->vectors + (size_t)at * s->row_bytes, s->row_bytes);
		n++;
	}
	if (!n)
		return 0;
	out = (struct store_rows) {
		.first_seq = r->first_seq, .count = n, .puts = n, .ids = s->ids, .seqs = s->seqs,
		.ops = s->ops, .attrs = s->attrs, .vectors = s->vectors,
	};
	return s->visit->rows(s->visit->arg, &out);
}

static int pass_progress(void *arg, uint64_t done, uint64_t total)
{
	struct sieve *s = arg;

	return s->visit->progress ? s->visit->progress(s->visit->arg, done, total) : 0;
}

static int pass_segments(struct store_io *io, const struct listing *l, struct sieve *s,
			 struct store_error *err)
{
	struct store_visit through = { pass_rows, pass_progress, s };
	uint64_t next = 0, done = 0;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < l->head.segments; i++)
		ret = replay_segment(io, &l->head, &l->head.segs[i], list_end(l, i), &next, NULL,
				     &through, &done, l->total, err);
	return ret;
}

int live_visit(struct store_io *io, size_t memory, const struct listing *l,
	       const struct store_visit *visit, struct store_error *err)
{
	struct sieve s = {
		.visit = visit, .attr_size = l->head.meta.attr_size,
		.row_bytes = l->head.meta.row_bytes,
	};
	struct table t = { .parts = (uint32_t)(l->rows * 32 / memory) + 1 };
	int ret = 0;

	/* Nothing was replaced, so no lookup is needed. */
	if (l->rows == l->live) {
		ret = pass_segments(io, l, &s, err);
		sieve_free(&s);
		return ret;
	}
	for (t.part = 0; !ret && t.part < t.parts; t.part++) {
		t.mask = 1023;
		t.used = 0;
		t.at = calloc(t.mask + 1, sizeof(*t.at));
		s.t = &t;
		if (!t.at)
			ret = store_fail(err, ENOMEM, "no memory for a table of ids");
		if (!ret)
			ret = note_segments(io, l, &t, err);
		if (!ret)
			ret = pass_segments(io, l, &s, err);
		free(t.at);
	}
	sieve_free(&s);
	return ret;
}

int store_coll_live(struct store_coll *c, const struct store_visit *visit,
		    struct store_error *err)
{
	struct listing l;
	int ret;

	pthread_mutex_lock(&c->upkeep);
	ret = list_snapshot(c, &l, err);
	if (!ret)
		ret = live_visit(c->s->io, c->s->opts.memory, &l, visit, err);
	head_free(&l.head);
	pthread_mutex_unlock(&c->upkeep);
	return ret;
}
