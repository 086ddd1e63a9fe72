// SPDX-License-Identifier: GPL-2.0
/*
 * Classification: searches the neighbours of a vector and counts the values of one field in their
 * records. Only values of that field leave this file, never records.
 */
#include <linux/kernel.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/classify.h"
#include "mem/pool.h"

/* Numbers in records are big-endian, as filters load them. */
static u64 field_value(const u8 *field, u32 size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | *field++;
	return value;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int by_votes(const void *a, const void *b)
{
	const struct vexfs_vote *x = a, *y = b;

	if (x->votes != y->votes)
		return x->votes > y->votes ? -1 : 1;
	return by_value(&x->value, &y->value);
}

/* @n values, in any order, into @p->votes. */
static void count_votes(struct vexfs_poll *p, u64 *values, u32 n)
{
	u32 i;

	p->classes = 0;
	sort(values, n, sizeof(*values), by_value, NULL);
	for (i = 0; i < n; i++) {
		if (!i || values[i] != values[i - 1])
			p->votes[p->classes++] = (struct vexfs_vote){ .value = values[i] };
		p->votes[p->classes - 1].votes++;
	}
	sort(p->votes, p->classes, sizeof(*p->votes), by_votes, NULL);
}

int vexfs_poll_valid(const struct vexfs_poll *p)
{
	const u32 known = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_EXACT | VEXFS_SEARCH_SKIP_SELF;
	u32 size = p->field_size, attr_size = p->c->attr_size;

	if (p->flags & ~known || !p->k)
		return -EINVAL;
	if ((p->flags & VEXFS_SEARCH_SKIP_SELF) && !(p->flags & VEXFS_QUERY_BY_ID))
		return -EINVAL;
	if (p->k > VEXFS_K_MAX || p->ef > VEXFS_EF_MAX)
		return -E2BIG;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return -EINVAL;
	if (p->field_offset > attr_size || size > attr_size - p->field_offset)
		return -EINVAL;
	return 0;
}

/**
 * struct ballot - a classification under way; not on the stack, which its search needs
 * @job: search of this classification
 * @p: parameters of the classification
 * @topk: heap of the search
 * @values: of the neighbours' fields, after @hits
 * @hits: what the heap holds
 */
struct ballot {
	struct vexfs_search_job job;
	struct vexfs_poll *p;
	struct vexfs_topk topk;
	u64 *values;
	struct vexfs_hit hits[];
};

static void take_values(struct vexfs_search_job *s)
{
	struct ballot *b = container_of(s, struct ballot, job);
	const struct vexfs_topk *t = s->results;
	u32 i;

	for (i = 0; i < t->n; i++)
		b->values[i] = field_value(vexfs_slot_attrs(s->c, t->hits[i].slot) +
					   b->p->field_offset, b->p->field_size);
}

int vexfs_classify(struct vexfs_poll *p)
{
	size_t bytes = sizeof(struct ballot) + p->k * (sizeof(struct vexfs_hit) + sizeof(u64));
	struct ballot *b = vexfs_op_alloc(p->op, bytes, VEXFS_GFP_USER);
	int err;

	if (!b)
		return -ENOMEM;
	memset(b, 0, sizeof(*b));
	b->job.c = p->c;
	b->job.op = p->op;
	b->job.nq = 1;
	b->job.flags = p->flags;
	b->job.ef = p->ef;
	b->job.queries = p->row;
	b->job.aux = &p->aux;
	b->job.self = p->flags & VEXFS_SEARCH_SKIP_SELF ? &p->self : NULL;
	b->job.filter = p->filter;
	b->job.results = &b->topk;
	b->job.stage = take_values;
	b->p = p;
	b->values = (u64 *)(b->hits + p->k);
	vexfs_topk_init(&b->topk, b->hits, p->k, ~0u);
	err = p->search(&b->job, p->arg);
	p->plan = b->job.plan;
	p->seq = b->job.seq;
	if (!err)
		count_votes(p, b->values, b->topk.n);
	vexfs_pool_free(b, bytes);
	return err;
}
