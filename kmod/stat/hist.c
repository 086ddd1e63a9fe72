// SPDX-License-Identifier: GPL-2.0
/*
 * Log-linear histograms: where a value belongs, how it is counted without
 * disturbing other CPUs, and what can be read from the counts. A value is
 * never dropped: when there is no memory for its octave it is counted there
 * less precisely.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/buckets.h"
#include "mem/percpu.h"
#include "stat/hist.h"

/* The buckets of one octave of one CPU. */
struct octave {
	u64 n[VEXFS_HIST_SUB];
};

unsigned int vexfs_hist_bucket(u64 ns)
{
	return min(vexfs_bucket_of(ns, VEXFS_HIST_SUB_BITS), VEXFS_HIST_BUCKETS - 1);
}
VEXFS_EXPORT_KUNIT(vexfs_hist_bucket);

u64 vexfs_hist_low(unsigned int bucket)
{
	return vexfs_bucket_low(bucket, VEXFS_HIST_SUB_BITS);
}
VEXFS_EXPORT_KUNIT(vexfs_hist_low);

u64 vexfs_hist_high(unsigned int bucket)
{
	return vexfs_bucket_high(bucket, VEXFS_HIST_SUB_BITS);
}
VEXFS_EXPORT_KUNIT(vexfs_hist_high);

int vexfs_hist_init(struct vexfs_hist *h)
{
	memset(h, 0, sizeof(*h));
	h->cpu = alloc_percpu(struct vexfs_hist_cpu);
	return h->cpu ? 0 : -ENOMEM;
}
VEXFS_EXPORT_KUNIT(vexfs_hist_init);

void vexfs_hist_exit(struct vexfs_hist *h)
{
	unsigned int o;
	int cpu;

	if (!h->cpu)
		return;
	for_each_possible_cpu(cpu)
		for (o = 0; o < VEXFS_HIST_OCTAVES; o++)
			kfree(per_cpu_ptr(h->cpu, cpu)->octave[o]);
	free_percpu(h->cpu);
	h->cpu = NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_hist_exit);

/*
 * Counts on this CPU; false when its octave is not there yet. Interrupts may
 * count as well: one that comes in the middle of this uses the spill.
 */
static bool count_here(struct vexfs_hist *h, unsigned int bucket)
{
	unsigned int octave = bucket / VEXFS_HIST_SUB;
	struct vexfs_hist_cpu *c;
	struct octave *o;

	preempt_disable();
	c = this_cpu_ptr(h->cpu);
	o = c->octave[octave];
	if (likely(o && vexfs_cpu_enter(&c->busy))) {
		u64 *n = &o->n[bucket % VEXFS_HIST_SUB];

		WRITE_ONCE(*n, *n + 1);
		vexfs_cpu_leave(&c->busy);
	} else if (o) {
		atomic64_inc(&h->spill[octave]);
	}
	preempt_enable();
	return o;
}

static noinline void count_first(struct vexfs_hist *h, unsigned int bucket)
{
	unsigned int octave = bucket / VEXFS_HIST_SUB;
	struct octave *o = NULL;

	/* Not in hard interrupts, where PREEMPT_RT has no allocator. */
	if (!in_hardirq())
		o = kzalloc(sizeof(*o), GFP_NOWAIT | __GFP_NOWARN);
	if (o) {
		preempt_disable();
		/* Full barrier: readers find zeroes, not what was there before. */
		if (!cmpxchg(&this_cpu_ptr(h->cpu)->octave[octave], NULL, o))
			o = NULL;
		preempt_enable();
		kfree(o);
	}
	/* The task may have moved to a CPU that has none; that is rare enough. */
	if (!count_here(h, bucket))
		atomic64_inc(&h->spill[octave]);
}

void vexfs_hist_add(struct vexfs_hist *h, u64 ns)
{
	unsigned int bucket = vexfs_hist_bucket(ns);

	if (unlikely(!count_here(h, bucket)))
		count_first(h, bucket);
}
VEXFS_EXPORT_KUNIT(vexfs_hist_add);

struct vexfs_hist_data *vexfs_hist_data_new(void)
{
	const size_t bytes = sizeof(struct vexfs_hist_data);

	return kvzalloc(bytes, GFP_KERNEL);
}
VEXFS_EXPORT_KUNIT(vexfs_hist_data_new);

void vexfs_hist_read(const struct vexfs_hist *h, struct vexfs_hist_data *d)
{
	unsigned int o, i;
	int cpu;

	for (o = 0; o < VEXFS_HIST_OCTAVES; o++) {
		u64 *to = &d->bucket[o * VEXFS_HIST_SUB];
		u64 n = atomic64_read(&h->spill[o]);

		/* The middle of the octave stands for all of it. */
		to[VEXFS_HIST_SUB / 2] += n;
		d->count += n;
		for_each_possible_cpu(cpu) {
			const struct octave *from;

			from = READ_ONCE(per_cpu_ptr(h->cpu, cpu)->octave[o]);
			if (!from)
				continue;
			for (i = 0; i < VEXFS_HIST_SUB; i++) {
				n = READ_ONCE(from->n[i]);
				to[i] += n;
				d->count += n;
			}
		}
	}
}
VEXFS_EXPORT_KUNIT(vexfs_hist_read);

void vexfs_hist_subtract(struct vexfs_hist_data *d, const struct vexfs_hist_data *base)
{
	unsigned int i;

	d->count -= base->count;
	for (i = 0; i < VEXFS_HIST_BUCKETS; i++)
		d->bucket[i] -= base->bucket[i];
}
VEXFS_EXPORT_KUNIT(vexfs_hist_subtract);

/* Rounded up, and without overflow. */
static u64 rank_of(u64 count, u32 ppm)
{
	u32 rest;
	u64 whole = div_u64_rem(count, 1000000, &rest);

	return whole * ppm + div_u64((u64)rest * ppm + 999999, 1000000);
}

u64 vexfs_hist_percentile(const struct vexfs_hist_data *d, u32 ppm)
{
	u64 rank, seen = 0;
	unsigned int i;

	if (!d->count)
		return 0;
	/* The nearest rank: the smallest value that so many are not above. */
	rank = max_t(u64, rank_of(d->count, min(ppm, 1000000u)), 1);
	for (i = 0; i < VEXFS_HIST_BUCKETS - 1; i++) {
		seen += d->bucket[i];
		if (seen >= rank)
			break;
	}
	return vexfs_hist_low(i) + (vexfs_hist_high(i) - vexfs_hist_low(i)) / 2;
}
VEXFS_EXPORT_KUNIT(vexfs_hist_percentile);

u64 vexfs_hist_max(const struct vexfs_hist_data *d)
{
	unsigned int i = VEXFS_HIST_BUCKETS;

	while (i--)
		if (d->bucket[i])
			return vexfs_hist_high(i);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_hist_max);

size_t vexfs_hist_bytes(const struct vexfs_hist *h)
{
	size_t bytes = 0;
	unsigned int o;
	int cpu;

	for_each_possible_cpu(cpu) {
		bytes += sizeof(struct vexfs_hist_cpu);
		for (o = 0; o < VEXFS_HIST_OCTAVES; o++)
			if (READ_ONCE(per_cpu_ptr(h->cpu, cpu)->octave[o]))
				bytes += sizeof(struct octave);
	}
	return bytes;
}
VEXFS_EXPORT_KUNIT(vexfs_hist_bytes);
