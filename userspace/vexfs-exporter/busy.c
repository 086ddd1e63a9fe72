// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "busy.h"

/* Each snapshot reduces earlier scores by this factor. */
#define DECAY		0.9
/* An unlabelled collection must be busier by this factor to take a label over. */
#define STICKY		2.0

/**
 * struct seen - what is kept about one collection between snapshots
 * @serial: its number
 * @counter: its counters
 * @score: recent ops and changes, weighted
 * @rank: sort key
 * @labelled: it had a label
 * @at: its index in the snapshot
 */
struct seen {
	uint64_t serial;
	uint64_t counter[COLLECTION_COUNTERS];
	double score;
	double rank;
	bool labelled;
	size_t at;
};

static int by_rank(const void *x, const void *y)
{
	const struct seen *a = *(const struct seen *const *)x, *b = *(const struct seen *const *)y;

	if (a->rank != b->rank)
		return a->rank < b->rank ? 1 : -1;
	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

/* How much @now is above @before; a counter that decreased began anew. */
static uint64_t growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* Both lists are sorted by serial number. Collections that are not in the new one are forgotten. */
static struct seen *follow(struct busy *b, const struct snapshot *a)
{
	struct seen *now = calloc(a->collections ? a->collections : 1, sizeof(*now));
	size_t o = 0;

	for (size_t i = 0; now && i < a->collections; i++) {
		const struct collection *c = &a->collection[i];
		struct seen *s = &now[i];
		const struct seen *old;

		s->serial = c->serial;
		memcpy(s->counter, c->counter, sizeof(s->counter));
		s->at = i;
		while (o < b->n && b->seen[o].serial < c->serial)
			o++;
		old = o < b->n && b->seen[o].serial == c->serial ? &b->seen[o] : NULL;
		s->score = old ? old->score * DECAY : 0;
		s->labelled = old && old->labelled;
		for (unsigned int k = 0; k < COLLECTION_COUNTERS; k++) {
			uint64_t more = growth(c->counter[k], old ? old->counter[k] : 0);

			/* an error is an op that has been added already */
			if (k != COLLECTION_ERRORS)
				s->score += (double)more;
			if (old && !s->labelled)
				b->rest[k] += more;
		}
		/* Idle collections are ordered by size. */
		s->rank = (s->score + (double)c->bytes * 1e-15) * (s->labelled ? STICKY : 1.0);
	}
	return now;
}

static void add_to_rest(struct collection *rest, const struct collection *c)
{
	rest->vectors += c->vectors;
	rest->bytes += c->bytes;
	rest->index_done += c->index_done;
	rest->index_bytes += c->index_bytes;
}

/* Adds up the collections without a label and forgets them: there may be tens of thousands. */
static void keep_labelled(struct busy *b, struct snapshot *a)
{
	struct collection *less;
	size_t n = 0;

	for (size_t i = 0; i < a->collections; i++) {
		if (a->collection[i].labelled)
			a->collection[n++] = a->collection[i];
		else
			add_to_rest(&a->rest, &a->collection[i]);
	}
	a->unlabelled = a->collections - n;
	a->collections = n;
	memcpy(a->rest.counter, b->rest, sizeof(a->rest.counter));
	less = n ? realloc(a->collection, n * sizeof(*less)) : NULL;
	if (less)
		a->collection = less;
}

int busy_pick(struct busy *b, struct snapshot *a, size_t most)
{
	struct seen *now = follow(b, a), **order;

	order = calloc(a->collections ? a->collections : 1, sizeof(*order));
	if (!now || !order) {
		free(now);
		free(order);
		return -ENOMEM;
	}
	for (size_t i = 0; i < a->collections; i++)
		order[i] = &now[i];
	qsort(order, a->collections, sizeof(*order), by_rank);
	for (size_t i = 0; i < a->collections; i++) {
		order[i]->labelled = i < most;
		a->collection[order[i]->at].labelled = i < most;
	}
	free(order);
	free(b->seen);
	b->seen = now;
	b->n = a->collections;
	keep_labelled(b, a);
	return 0;
}

void busy_free(struct busy *b)
{
	free(b->seen);
	*b = (struct busy){ 0 };
}
