// SPDX-License-Identifier: GPL-2.0
/* Reads everything in a store and reports damage. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

__attribute__((format(printf, 3, 4)))
static void say(struct store_check *check, bool bad, const char *fmt, ...)
{
	char text[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check->bad += bad;
	if (check->report)
		check->report(check->arg, bad, text);
}

static int forward(void *arg, uint64_t done, uint64_t total)
{
	struct store_check *check = arg;

	return check->progress ? check->progress(check->arg, done, total) : 0;
}

static int check_segment(struct store_io *io, const struct listing *l,
			 const struct disk_segref *ref, uint64_t end, uint64_t *done,
			 struct store_check *check)
{
	struct store_visit visit = { .progress = forward, .arg = check };
	struct store_error err = { 0 };
	uint64_t next = 0;
	int ret = replay_segment(io, &l->head, ref, end, &next, check, &visit, done, l->total,
				 &err);

	if (ret == -EUCLEAN || ret == -ENOTSUP) {
		say(check, true, "'%s': %s; changes %" PRIu64 " to %" PRIu64 " may be lost",
		    l->head.meta.name, err.text, ref->first_seq,
		    ref->bytes ? ref->last_seq : l->safe.seq);
		return 0;
	}
	return ret;
}

/* The list has a count of vectors; reading must find as many. */
struct counting {
	uint64_t live;
};

static int count_rows(void *arg, const struct store_rows *rows)
{
	((struct counting *)arg)->live += rows->count;
	return 0;
}

int check_listing(struct store_io *io, const struct listing *l, struct store_check *check)
{
	struct counting counting = { 0 };
	struct store_visit visit = { .rows = count_rows, .arg = &counting };
	uint64_t bad = check->bad, done = 0;
	struct store_error err = { 0 };
	int ret = 0;

	check->collections++;
	for (uint32_t i = 0; !ret && i < l->head.segments; i++)
		ret = check_segment(io, l, &l->head.segs[i], list_end(l, i), &done, check);
	if (!ret && l->head.graph.number)
		ret = check_segment(io, l, &l->head.graph, l->head.graph.bytes, &done, check);
	if (ret || check->bad != bad)
		return ret;
	ret = live_visit(io, STORE_MEMORY_DEFAULT, l, &visit, &err);
	if (ret)
		say(check, true, "'%s': %s", l->head.meta.name, err.text);
	else if (counting.live != l->safe.live)
		say(check, true, "'%s' should have %" PRIu64 " vectors and has %" PRIu64,
		    l->head.meta.name, l->safe.live, counting.live);
	return 0;
}

int store_coll_check(struct store_coll *c, struct store_check *check, struct store_error *err)
{
	struct listing l;
	int ret;

	pthread_mutex_lock(&c->upkeep);
	ret = list_snapshot(c, &l, err);
	if (!ret) {
		ret = check_listing(c->s->io, &l, check);
		if (ret)
			store_fail(err, ret, "'%s': %s", l.head.meta.name, strerror(abs(ret)));
	}
	head_free(&l.head);
	pthread_mutex_unlock(&c->upkeep);
	return ret;
}

static int check_tail(struct store_io *io, struct listing *l, struct store_check *check)
{
	struct head *h = &l->head;
	struct store_error err = { 0 };
	struct tail t;
	int ret;

	l->safe = (struct point) { .seq = h->seq, .live = h->live, .meta = h->meta };
	if (!h->segments || h->segs[h->segments - 1].bytes)
		return 0;
	ret = tail_scan(io, h, &h->segs[h->segments - 1], &t, &err);
	if (ret == -EUCLEAN || ret == -ENOTSUP) {
		say(check, true, "'%s': %s; changes from %" PRIu64 " on may be lost",
		    h->meta.name, err.text, h->seq + 1);
		h->segments--;
		return 0;
	}
	if (ret)
		return ret;
	l->safe = t.at_end;
	l->end = t.end;
	if (t.size > t.end)
		say(check, false, "'%s': %" PRIu64 " bytes at the end were being written when "
		    "the power went, and were never acknowledged", h->meta.name, t.size - t.end);
	return 0;
}

static int check_key(struct store *s, uint64_t key, struct store_check *check)
{
	struct store_error err = { 0 };
	struct listing l = { 0 };
	int ret = head_read(s->io, key, false, &l.head, &err);

	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		say(check, true, "a collection is lost: %s", err.text);
		return 0;
	}
	ret = check_tail(s->io, &l, check);
	l.total = l.head.graph.bytes;
	for (uint32_t i = 0; i < l.head.segments; i++) {
		l.total += list_end(&l, i);
		l.rows += l.head.segs[i].bytes ? l.head.segs[i].puts : l.safe.puts;
	}
	l.live = l.safe.live;
	if (!ret)
		ret = check_listing(s->io, &l, check);
	head_free(&l.head);
	return ret;
}

int store_check(struct store *s, struct store_check *check, struct store_error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < s->nkeys; i++)
		ret = check_key(s, s->keys[i], check);
	for (size_t i = 0; !ret && i < s->strays; i++)
		say(check, true, "segment %08" PRIx64 " of collection %016" PRIx64
		    " is there, but not the list that should name it", s->stray[i].number,
		    s->stray[i].key);
	if (ret)
		store_fail(err, ret, "%s", strerror(abs(ret)));
	return ret;
}
