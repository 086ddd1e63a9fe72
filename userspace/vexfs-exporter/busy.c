// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "busy.h"

/* Each snapshot reduces earlier scores by this factor. */
#define DECAY		0.9
/* An unlabelled collection must be busier by this factor to take a label over. */
#define STICKY		2.0

/**
 * struct seen - what is kept about one collection between snapshots
 * @serial: its number
 * @changes: its sequence number
 * @score: recent changes, weighted
 * @rank: sort key
 * @labelled: it had a label
 * @at: its index in the snapshot
 */
struct seen {
	uint64_t serial;
	uint64_t changes;
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

/* Both lists are sorted by serial number. Collections that are not in the new one are forgotten. */
static struct seen *follow(struct busy *b, const struct snapshot *a)
{
	struct seen *now = calloc(a->collections ? a->collections : 1, sizeof(*now));
	size_t o = 0;

	for (size_t i = 0; now && i < a->collections; i++) {
		const struct collection *c = &a->collection[i];
		struct seen *s = &now[i];
		uint64_t changed = c->changes;

		s->serial = c->serial;
		s->changes = c->changes;
		s->at = i;
		while (o < b->n && b->seen[o].serial < c->serial)
			o++;
		if (o < b->n && b->seen[o].serial == c->serial) {
			const struct seen *old = &b->seen[o];

			changed = c->changes > old->changes ? c->changes - old->changes : 0;
			s->score = old->score * DECAY;
			s->labelled = old->labelled;
			if (!s->labelled)
				b->rest_changes += changed;
		}
		s->score += (double)changed;
		/* Idle collections are ordered by size. */
		s->rank = (s->score + (double)c->bytes * 1e-15) * (s->labelled ? STICKY : 1.0);
	}
	return now;
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
	a->rest_changes = b->rest_changes;
	return 0;
}

void busy_free(struct busy *b)
{
	free(b->seen);
	*b = (struct busy){ 0 };
}
