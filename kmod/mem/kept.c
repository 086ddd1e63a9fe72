// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are larger than all tiers, kept for the next op; see kept.h.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/kept.h"
#include "mem/tunable.h"

VEXFS_TUNABLE(pool_huge, 2, 0, 32, "buffers",
	      "Buffers of 64 KiB and of 512 KiB that the pools keep for each CPU, once wanted",
	      0444);
VEXFS_EXPORT_KUNIT(vexfs_pool_huge);

/* Of each size at most; beyond that CPUs share. */
#define KEPT_MAX	64u

/**
 * struct kept - buffers of one size
 * @bytes: size of a buffer
 * @n: how many there may be
 * @taken: by number: the buffer is in use or being changed. Whoever sets the bit owns
 *	the entry of @buf until it clears the bit
 * @buf: the buffers; NULL where none was made yet
 */
struct kept {
	u32 bytes;
	u32 n;
	DECLARE_BITMAP(taken, KEPT_MAX);
	void *buf[KEPT_MAX];
};

/* False while the pools are switched off. */
static bool kept_enabled;

/* Packed queries of a block; candidate pairs of a block, and codes. */
static struct kept sizes[] = {
	{ .bytes = 64u << 10 },
	{ .bytes = 512u << 10 },
};

static struct kept *size_for(size_t size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (size <= sizes[i].bytes)
			return &sizes[i];
	return NULL;
}

/* Reserves a buffer: returns its number, or @k->n when all are taken. */
static u32 take_one(struct kept *k)
{
	u32 i;

	for (i = find_first_zero_bit(k->taken, k->n); i < k->n;
	     i = find_next_zero_bit(k->taken, k->n, i + 1))
		if (!test_and_set_bit_lock(i, k->taken))
			return i;
	return k->n;
}

void *vexfs_kept_alloc(size_t size, gfp_t gfp, bool *hit)
{
	struct kept *k = size_for(size);
	void *p;
	u32 i;

	*hit = false;
	if (!k || !gfpflags_allow_blocking(gfp) || !READ_ONCE(kept_enabled))
		return NULL;
	i = take_one(k);
	if (i == k->n)
		return NULL;
	p = k->buf[i];
	*hit = p;
	if (!p) {
		/* Not charged, and not worth reclaim: the caller has a fallback. */
		p = kvmalloc(k->bytes, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		WRITE_ONCE(k->buf[i], p);
	}
	if (!p)
		clear_bit_unlock(i, k->taken);
	else if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}
VEXFS_EXPORT_KUNIT(vexfs_kept_alloc);

bool vexfs_kept_free(void *p, size_t size)
{
	struct kept *k = size_for(size);
	u32 i;

	for (i = 0; k && i < k->n; i++) {
		/* The entry of @p does not change while @p is in use. */
		if (READ_ONCE(k->buf[i]) == p) {
			clear_bit_unlock(i, k->taken);
			return true;
		}
	}
	return false;
}
VEXFS_EXPORT_KUNIT(vexfs_kept_free);

u32 vexfs_kept_idle(u64 *bytes)
{
	unsigned int s;
	u32 i, n = 0;

	*bytes = 0;
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (i = 0; i < sizes[s].n; i++) {
			if (test_bit(i, sizes[s].taken) || !READ_ONCE(sizes[s].buf[i]))
				continue;
			*bytes += sizes[s].bytes;
			n++;
		}
	}
	return n;
}
VEXFS_EXPORT_KUNIT(vexfs_kept_idle);

u32 vexfs_kept_shrink(u32 max)
{
	u32 i, done = 0;
	unsigned int s;
	void *p;

	/* Large ones first: they give the most for the least. */
	for (s = ARRAY_SIZE(sizes); s--; ) {
		struct kept *k = &sizes[s];

		for (i = 0; i < k->n && done < max; i++) {
			if (!READ_ONCE(k->buf[i]) || test_and_set_bit_lock(i, k->taken))
				continue;
			p = k->buf[i];
			/* Forgotten first: whoever gets that memory next may give it back to us. */
			WRITE_ONCE(k->buf[i], NULL);
			kvfree(p);
			done += !!p;
			clear_bit_unlock(i, k->taken);
		}
	}
	return done;
}
VEXFS_EXPORT_KUNIT(vexfs_kept_shrink);

void vexfs_kept_enable(bool enable)
{
	WRITE_ONCE(kept_enabled, enable);
	if (!enable)
		vexfs_kept_shrink(U32_MAX);
}

void vexfs_kept_init(bool debug)
{
	unsigned int s;

	/* Tools that find misuse of buffers need new ones. */
	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		sizes[s].n = debug || IS_ENABLED(CONFIG_KASAN) ? 0 :
			     min(vexfs_pool_huge * num_online_cpus(), KEPT_MAX);
}

void vexfs_kept_exit(void)
{
	unsigned int s;

	vexfs_kept_shrink(U32_MAX);
	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		WARN_ON(!bitmap_empty(sizes[s].taken, KEPT_MAX));
}
