// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark of pools and statistics: a separate module that measures when one of its
 * files under vexfs_bench in debugfs is read. Goals and verdicts are in
 * scripts/bench-pools.
 *
 * The contenders take turns in short rounds, and medians are compared, so that both see
 * the same disturbances of the machine.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "mem/pool.h"
#include "stat/hist.h"
#include "stat/op.h"

#define ROUNDS	31
#define PAIRS	4000
#define HELD	8

static struct kmem_cache *cache;
static u64 samples[3][ROUNDS];

/*
 * Picoseconds per pair of alloc and free, with @held buffers at a time. Inlined once for
 * each contender, so that all calls are direct.
 */
static __always_inline u64 time_pairs(void *(*get)(size_t size), void (*put)(void *p, size_t size),
				      size_t size, unsigned int held)
{
	unsigned int i, j, n = PAIRS / held;
	void *p[HELD];
	u64 ns = ktime_get_ns();

	for (i = 0; i < n; i++) {
		for (j = 0; j < held; j++) {
			p[j] = get(size);
			if (!p[j])
				return 0;
		}
		for (j = 0; j < held; j++)
			put(p[j], size);
	}
	return (ktime_get_ns() - ns) * 1000 / (n * held);
}

static __always_inline void *pool_get(size_t size)
{
	return vexfs_pool_alloc(size, GFP_KERNEL);
}

static __always_inline void pool_put(void *p, size_t size)
{
	vexfs_pool_free(p, size);
}

static __always_inline void *cache_get(size_t size)
{
	return kmem_cache_alloc(cache, GFP_KERNEL);
}

static __always_inline void cache_put(void *p, size_t size)
{
	kmem_cache_free(cache, p);
}

static __always_inline void *kv_get(size_t size)
{
	return kvmalloc(size, GFP_KERNEL);
}

static __always_inline void kv_put(void *p, size_t size)
{
	kvfree(p);
}

static noinline u64 time_pool(size_t size, unsigned int held)
{
	return time_pairs(pool_get, pool_put, size, held);
}

static noinline u64 time_cache(size_t size, unsigned int held)
{
	return time_pairs(cache_get, cache_put, size, held);
}

static noinline u64 time_kv(size_t size, unsigned int held)
{
	return time_pairs(kv_get, kv_put, size, held);
}

static int cmp_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(u64 *v)
{
	sort(v, ROUNDS, sizeof(*v), cmp_u64, NULL);
	return v[ROUNDS / 2];
}

static int pairs_of(struct seq_file *m, size_t size, unsigned int held)
{
	unsigned int r;

	cache = kmem_cache_create("vexfs_bench", size, VEXFS_POOL_ALIGN, VEXFS_SLAB_NO_MERGE, NULL);
	if (!cache)
		return -ENOMEM;
	for (r = 0; r < ROUNDS; r++) {
		samples[0][r] = time_pool(size, held);
		samples[1][r] = time_cache(size, held);
		samples[2][r] = time_kv(size, held);
		cond_resched();
	}
	kmem_cache_destroy(cache);
	seq_printf(m, "pair %zu %u %llu %llu %llu\n", size, held, median(samples[0]),
		   median(samples[1]), median(samples[2]));
	return 0;
}

/* Picoseconds of an op that is only counted, and of its parts. */
static void account_cost(struct seq_file *m)
{
	static struct vexfs_hist hist;
	unsigned int r, i;
	struct vexfs_op op;
	u64 ns;

	if (vexfs_hist_init(&hist))
		return;
	for (r = 0; r < ROUNDS; r++) {
		ns = ktime_get_ns();
		for (i = 0; i < PAIRS; i++) {
			vexfs_op_begin(&op, VEXFS_OP_INFO, VEXFS_PRIORITY_MEDIUM, 0);
			vexfs_op_end(&op, 0);
		}
		samples[0][r] = (ktime_get_ns() - ns) * 1000 / PAIRS;
		ns = ktime_get_ns();
		for (i = 0; i < PAIRS; i++)
			(void)vexfs_clock();
		samples[1][r] = (ktime_get_ns() - ns) * 1000 / PAIRS;
		ns = ktime_get_ns();
		for (i = 0; i < PAIRS; i++)
			vexfs_hist_add(&hist, i);
		samples[2][r] = (ktime_get_ns() - ns) * 1000 / PAIRS;
		cond_resched();
	}
	vexfs_hist_exit(&hist);
	seq_printf(m, "account %llu %llu %llu\n", median(samples[0]), median(samples[1]),
		   median(samples[2]));
}

static int speed_show(struct seq_file *m, void *unused)
{
	static const size_t sizes[] = { 1024, 4096, 16384 };
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		err = pairs_of(m, sizes[i], 1);
		if (!err)
			err = pairs_of(m, sizes[i], HELD);
		if (err)
			return err;
	}
	account_cost(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(speed);

/*
 * The storm: two threads per CPU, which together have twice as many slots as three
 * quarters of the default sizes, and fill or empty one at random. One request in 500 is
 * huge.
 */
#define STORM_SMALL	192
#define STORM_MEDIUM	96
#define STORM_LARGE	48
#define STORM_SLOTS	(STORM_SMALL + STORM_MEDIUM + STORM_LARGE)
#define STORM_WARM_MS	6000
#define STORM_MS	2000

struct slot {
	void *p;
	size_t size;
};

struct stormer {
	struct task_struct *task;
	struct slot *slot;
	unsigned int n;
	u64 seed;
	u64 steps;
	struct completion done;
};

static bool storm_stop;

static size_t size_for(unsigned int slot, u32 random)
{
	if (random % 500 == 0)
		return 16385 + random % 50000;
	slot %= STORM_SLOTS;
	if (slot < STORM_SMALL)
		return 1 + random % 1024;
	if (slot < STORM_SMALL + STORM_MEDIUM)
		return 1025 + random % 3072;
	return 4097 + random % 12288;
}

static int storm_thread(void *arg)
{
	struct stormer *s = arg;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, s->seed);
	while (!READ_ONCE(storm_stop)) {
		struct slot *slot = &s->slot[prandom_u32_state(&rnd) % s->n];

		if (slot->p) {
			vexfs_pool_free(slot->p, slot->size);
			slot->p = NULL;
		} else {
			/* The slots of a tier are distributed round-robin over the threads. */
			slot->size = size_for((slot - s->slot) * (STORM_SLOTS / s->n),
					      prandom_u32_state(&rnd));
			slot->p = vexfs_pool_alloc(slot->size, GFP_KERNEL);
		}
		if (!(++s->steps % 1024))
			cond_resched();
	}
	for (i = 0; i < s->n; i++)
		if (s->slot[i].p)
			vexfs_pool_free(s->slot[i].p, s->slot[i].size);
	complete(&s->done);
	return 0;
}

static void sum_up(u64 *allocs, u64 *hits)
{
	struct vexfs_pool_stats st;
	unsigned int i;

	*allocs = 0;
	*hits = 0;
	for (i = 0; i < VEXFS_TIER_COUNT; i++) {
		vexfs_pool_read(i, false, &st);
		*allocs += st.allocs;
		*hits += st.hits;
	}
}

static int storm_show(struct seq_file *m, void *unused)
{
	unsigned int threads = 2 * num_online_cpus(), i, up;
	u64 allocs, hits, allocs_end, hits_end;
	struct stormer *s;
	int err = -ENOMEM;

	s = kcalloc(threads, sizeof(*s), GFP_KERNEL);
	if (!s)
		return err;
	storm_stop = false;
	for (up = 0; up < threads; up++) {
		init_completion(&s[up].done);
		s[up].n = max(STORM_SLOTS / threads, 1u);
		s[up].seed = 1000 + up;
		s[up].slot = kcalloc(s[up].n, sizeof(struct slot), GFP_KERNEL);
		if (!s[up].slot)
			break;
		s[up].task = kthread_create(storm_thread, &s[up], "vexfs_storm/%u", up);
		if (IS_ERR(s[up].task))
			break;
		kthread_bind(s[up].task, cpumask_nth(up / 2, cpu_online_mask));
		wake_up_process(s[up].task);
	}
	if (up == threads) {
		msleep(STORM_WARM_MS);
		sum_up(&allocs, &hits);
		msleep(STORM_MS);
		sum_up(&allocs_end, &hits_end);
		err = 0;
	}
	WRITE_ONCE(storm_stop, true);
	for (i = 0; i < up; i++)
		wait_for_completion(&s[i].done);
	for (i = 0; i < threads; i++)
		kfree(s[i].slot);
	kfree(s);
	if (!err)
		seq_printf(m, "storm %llu %llu\n", allocs_end - allocs, hits_end - hits);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(storm);

static struct dentry *dir;

static int __init bench_init(void)
{
	dir = debugfs_create_dir("vexfs_bench", NULL);
	debugfs_create_file("speed", 0400, dir, NULL, &speed_fops);
	debugfs_create_file("storm", 0400, dir, NULL, &storm_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove_recursive(dir);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of vexfs's pools and account");
MODULE_AUTHOR("vexfs maintainers");
MODULE_LICENSE("GPL");
VEXFS_IMPORT_KUNIT;
