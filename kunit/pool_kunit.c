// SPDX-License-Identifier: GPL-2.0
/*
 * The pools: counters that add up, exhaustion, misuse, and everything at once on every
 * CPU. Most cases create a tier of their own, so that the rest of the module does not
 * interfere.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kasan.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include "compat/compat.h"
#include "mem/pool_priv.h"
#include "mem/tunable.h"
#include "suites.h"

#define SIZE	32u
#define SPARE	3u

static struct vexfs_tier tier;
static void *held_buf[4 * SIZE];

static int pool_case_init(struct kunit *test)
{
	return vexfs_tier_init(&tier, "test", 1024, SIZE, SPARE, false);
}

static void pool_case_exit(struct kunit *test)
{
	if (tier.cache)
		vexfs_tier_exit(&tier);
}

/* Like pool.c, for a tier of our own. */
static void *tier_alloc(struct vexfs_tier *t, size_t size, gfp_t gfp)
{
	void *p;

	preempt_disable();
	p = vexfs_tier_alloc_fast(t, my_cpu_offset, size);
	preempt_enable();
	if (unlikely(!p))
		p = vexfs_tier_alloc_slow(t, size, gfp);
	if (p && (gfp & __GFP_ZERO))
		memset(p, 0, size);
	return p;
}

static void tier_free(struct vexfs_tier *t, void *p, size_t size)
{
	bool done;

	preempt_disable();
	done = vexfs_tier_free_fast(t, my_cpu_offset, p, size);
	preempt_enable();
	if (unlikely(!done))
		vexfs_tier_free_slow(t, p, size);
}

static struct vexfs_pool_stats now(void)
{
	struct vexfs_pool_stats st;

	vexfs_tier_read(&tier, false, &st);
	return st;
}

/* Allocates up to @n, returns the number. */
static unsigned int take_buffers(unsigned int n, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		held_buf[i] = tier_alloc(&tier, 1000, gfp);
		if (!held_buf[i])
			break;
	}
	return i;
}

static void give_back(unsigned int n)
{
	while (n--)
		tier_free(&tier, held_buf[n], 1000);
}

/* After any storm: nothing in use, nothing lost, no more held than configured. */
static void expect_sound(struct kunit *test)
{
	struct vexfs_pool_stats st = now();

	KUNIT_EXPECT_EQ(test, st.in_use, 0);
	KUNIT_EXPECT_EQ(test, st.allocs, st.frees);
	KUNIT_EXPECT_EQ(test, st.allocs, st.hits + st.misses);
	vexfs_tier_gather(&tier);
	vexfs_tier_trim(&tier, tier.size, U32_MAX);
	st = now();
	KUNIT_EXPECT_LE(test, st.held, st.size);
	KUNIT_EXPECT_EQ(test, st.reserve, SPARE);
	KUNIT_EXPECT_EQ(test, st.held, (u64)tier.idle_n);
	KUNIT_EXPECT_EQ(test, st.held_bytes, (st.held + st.reserve) * 1024);
}

static void counts(struct kunit *test)
{
	struct vexfs_pool_stats st;
	unsigned int i, j;

	KUNIT_ASSERT_EQ(test, take_buffers(SIZE, GFP_KERNEL), SIZE);
	for (i = 0; i < SIZE; i++) {
		KUNIT_EXPECT_EQ(test, (unsigned long)held_buf[i] % VEXFS_POOL_ALIGN, 0UL);
		memset(held_buf[i], i, 1000);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, held_buf[i], held_buf[j]);
	}
	st = now();
	KUNIT_EXPECT_EQ(test, st.allocs, SIZE);
	KUNIT_EXPECT_EQ(test, st.misses, 0);
	KUNIT_EXPECT_EQ(test, st.in_use, SIZE);
	KUNIT_EXPECT_EQ(test, st.bytes, SIZE * 1000);
	KUNIT_EXPECT_EQ(test, st.use_ppm, 1000000);
	for (i = 0; i < SIZE; i++)
		KUNIT_EXPECT_EQ(test, ((u8 *)held_buf[i])[999], (u8)i);
	give_back(SIZE);
	st = now();
	KUNIT_EXPECT_EQ(test, st.high_water, SIZE);
	expect_sound(test);

	vexfs_tier_reset(&tier);
	vexfs_tier_read(&tier, true, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 0);
	KUNIT_EXPECT_EQ(test, st.high_water, 0);
	KUNIT_EXPECT_EQ(test, now().allocs, SIZE);
}

static void more_than_size(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, take_buffers(3 * SIZE, GFP_KERNEL), 3 * SIZE);
	KUNIT_EXPECT_EQ(test, now().misses, 2 * SIZE);
	KUNIT_EXPECT_EQ(test, now().held, 3 * SIZE);
	KUNIT_EXPECT_EQ(test, now().high_water, 3 * SIZE);
	give_back(3 * SIZE);
	expect_sound(test);
}

static gfp_t seen_gfp;
static unsigned int fail_after;

/* A slab allocator that fails. */
static void *failing_get(struct vexfs_tier *t, gfp_t gfp)
{
	seen_gfp = gfp;
	if (!fail_after)
		return NULL;
	fail_after--;
	return kmem_cache_alloc(t->cache, gfp);
}

static void exhaustion(struct kunit *test)
{
	struct vexfs_pool_stats st;

	tier.get = failing_get;
	fail_after = 5;
	KUNIT_EXPECT_EQ(test, take_buffers(4 * SIZE, GFP_ATOMIC), SIZE + 5 + SPARE);
	st = now();
	KUNIT_EXPECT_EQ(test, st.reserve_used, SPARE);
	KUNIT_EXPECT_EQ(test, st.reserve, 0);
	KUNIT_EXPECT_EQ(test, st.failures, 1);
	KUNIT_EXPECT_EQ(test, st.waits, 0);
	/* Freed buffers fill the reserve first and serve the next request. */
	tier_free(&tier, held_buf[0], 1000);
	KUNIT_EXPECT_EQ(test, now().reserve, 1);
	held_buf[0] = tier_alloc(&tier, 1000, GFP_ATOMIC | __GFP_NOMEMALLOC);
	KUNIT_EXPECT_NULL(test, held_buf[0]);
	held_buf[0] = tier_alloc(&tier, 1000, GFP_ATOMIC);
	KUNIT_EXPECT_NOT_NULL(test, held_buf[0]);
	give_back(SIZE + 5 + SPARE);
	KUNIT_EXPECT_EQ(test, now().reserve, SPARE);
	/* Everything works again without the slab allocator. */
	KUNIT_EXPECT_EQ(test, take_buffers(SIZE, GFP_ATOMIC), SIZE);
	give_back(SIZE);
	expect_sound(test);
}

static int late_free(void *arg)
{
	msleep(50);
	tier_free(&tier, arg, 1000);
	return 0;
}

static void waiting(struct kunit *test)
{
	struct task_struct *helper;
	void *p;

	tier.get = failing_get;
	fail_after = 0;
	KUNIT_ASSERT_EQ(test, take_buffers(4 * SIZE, GFP_ATOMIC), SIZE + SPARE);
	/* No buffer is freed: the wait is bounded. */
	tier.wait_ms = 30;
	KUNIT_EXPECT_NULL(test, tier_alloc(&tier, 1000, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, now().waits, 1);
	KUNIT_EXPECT_NULL(test, tier_alloc(&tier, 1000, GFP_KERNEL | __GFP_NORETRY));
	KUNIT_EXPECT_EQ(test, now().waits, 1);
	/* A buffer is freed: the waiter gets it. */
	tier.wait_ms = 20000;
	helper = kthread_run(late_free, held_buf[SIZE + SPARE - 1], "vexfs_late");
	KUNIT_ASSERT_FALSE(test, IS_ERR(helper));
	p = tier_alloc(&tier, 1000, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, p);
	held_buf[SIZE + SPARE - 1] = p;
	give_back(SIZE + SPARE);
	expect_sound(test);
}

static void flags(struct kunit *test)
{
	u8 *p;

	tier.get = failing_get;
	fail_after = UINT_MAX;
	KUNIT_ASSERT_EQ(test, take_buffers(SIZE + 1, GFP_KERNEL_ACCOUNT | __GFP_ZERO), SIZE + 1);
	/* Buffers that are reused are not charged, and we clear them. */
	KUNIT_EXPECT_FALSE(test, (__force bool)(seen_gfp & (__GFP_ACCOUNT | __GFP_ZERO)));
	give_back(SIZE + 1);
	p = tier_alloc(&tier, 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0xff, 1024);
	tier_free(&tier, p, 1024);
	/* The buffer that was freed last is allocated first. */
	KUNIT_ASSERT_EQ(test, take_buffers(SIZE, GFP_KERNEL | __GFP_ZERO), SIZE);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, 1000));
	/* Where KASAN guards the bytes behind, they cannot be read. */
	if (!IS_ENABLED(CONFIG_KASAN))
		KUNIT_EXPECT_EQ(test, p[1000], 0xff);
	give_back(SIZE);
}

/* A refused change has no effect, whichever allocation fails. */
static void resize_fails(struct kunit *test)
{
	unsigned int n;

	tier.get = failing_get;
	for (n = 0; n < SIZE; n++) {
		fail_after = n;
		mutex_lock(&tier.manage);
		KUNIT_EXPECT_EQ(test, vexfs_tier_resize(&tier, 2 * SIZE), -ENOMEM);
		mutex_unlock(&tier.manage);
		KUNIT_EXPECT_EQ(test, now().size, SIZE);
		KUNIT_EXPECT_EQ(test, now().held, SIZE);
	}
	KUNIT_EXPECT_EQ(test, now().resizes, 0);
	fail_after = SIZE;
	mutex_lock(&tier.manage);
	KUNIT_EXPECT_EQ(test, vexfs_tier_resize(&tier, 2 * SIZE), 0);
	KUNIT_EXPECT_EQ(test, now().held, 2 * SIZE);
	KUNIT_EXPECT_EQ(test, vexfs_tier_resize(&tier, 0), 0);
	mutex_unlock(&tier.manage);
	KUNIT_EXPECT_EQ(test, now().held, 0);
	KUNIT_EXPECT_EQ(test, now().resizes, 2);
	KUNIT_EXPECT_EQ(test, now().reserve, SPARE);
}

static void shrink(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, take_buffers(4, GFP_KERNEL), 4);
	vexfs_tier_gather(&tier);
	KUNIT_EXPECT_EQ(test, vexfs_tier_shrink(&tier, 10), 10);
	KUNIT_EXPECT_EQ(test, vexfs_tier_shrink(&tier, U32_MAX), SIZE - 14);
	KUNIT_EXPECT_EQ(test, now().held, 4);
	KUNIT_EXPECT_EQ(test, now().in_use, 4);
	KUNIT_EXPECT_EQ(test, now().shrunk, SIZE - 4);
	KUNIT_EXPECT_EQ(test, now().size, SIZE);
	give_back(4);
	/* It is allocated again on demand. */
	KUNIT_ASSERT_EQ(test, take_buffers(SIZE, GFP_KERNEL), SIZE);
	KUNIT_EXPECT_EQ(test, now().misses, SIZE - 4);
	give_back(SIZE);
	KUNIT_EXPECT_EQ(test, now().held, SIZE);
	expect_sound(test);
}

static void compaction(struct kunit *test)
{
	unsigned int i, n = 4 * SIZE;
	u64 before;

	mutex_lock(&tier.manage);
	KUNIT_ASSERT_EQ(test, vexfs_tier_resize(&tier, n), 0);
	KUNIT_ASSERT_EQ(test, take_buffers(n, GFP_KERNEL), n);
	/* One in eight stays: thinly spread over the slabs. */
	for (i = 0; i < n; i++)
		if (i % 8)
			tier_free(&tier, held_buf[i], 1000);
	KUNIT_ASSERT_EQ(test, vexfs_tier_resize(&tier, n / 4), 0);
	before = now().frag_ppm;
	KUNIT_EXPECT_EQ(test, vexfs_tier_compact(&tier), 0);
	mutex_unlock(&tier.manage);
	KUNIT_EXPECT_LE(test, now().frag_ppm, before);
	KUNIT_EXPECT_EQ(test, now().held, n / 4);
	KUNIT_EXPECT_EQ(test, now().compactions, 1);
	for (i = 0; i < n; i += 8)
		tier_free(&tier, held_buf[i], 1000);
	expect_sound(test);
}

/* The storm: threads on all CPUs, each with a working set that it verifies. */

#define STORM_SLOTS	12

struct stormer {
	struct completion done;
	u64 seed;
	unsigned int faults;
	unsigned int steps;
};

static bool storm_stop;

static int storm_thread(void *arg)
{
	struct stormer *s = arg;
	u64 *slot[STORM_SLOTS] = {};
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, s->seed);
	while (!READ_ONCE(storm_stop)) {
		i = prandom_u32_state(&rnd) % STORM_SLOTS;
		if (slot[i]) {
			/* No other task may have changed it meanwhile. */
			if (slot[i][0] != s->seed + i || slot[i][127] != s->seed + i)
				s->faults++;
			tier_free(&tier, slot[i], 1024);
			slot[i] = NULL;
		} else {
			slot[i] = tier_alloc(&tier, 1024, GFP_KERNEL);
			if (!slot[i])
				continue;
			slot[i][0] = s->seed + i;
			slot[i][127] = s->seed + i;
		}
		WRITE_ONCE(s->steps, s->steps + 1);
		/* If every step waits for a lock whose holder is not running, this is long. */
		if (!(s->steps % 16))
			cond_resched();
	}
	for (i = 0; i < STORM_SLOTS; i++)
		if (slot[i])
			tier_free(&tier, slot[i], 1024);
	complete(&s->done);
	return 0;
}

static void run_storm(struct kunit *test, void (*meanwhile)(struct kunit *test))
{
	unsigned int n = 2 * num_online_cpus(), i, up, cpu;
	struct stormer *s = kunit_kcalloc(test, n, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	storm_stop = false;
	for (up = 0; up < n; up++) {
		struct task_struct *t;

		init_completion(&s[up].done);
		s[up].seed = 1 + up * 1000;
		t = kthread_create(storm_thread, &s[up], "vexfs_storm/%u", up);
		if (IS_ERR(t))
			break;
		cpu = cpumask_nth(up / 2, cpu_online_mask);
		if (cpu < nr_cpu_ids)
			kthread_bind(t, cpu);
		wake_up_process(t);
	}
	meanwhile(test);
	/* Interrupts may have taken all of a thread's time. */
	for (i = 0; i < up; i++)
		while (!READ_ONCE(s[i].steps))
			usleep_range(1000, 2000);
	WRITE_ONCE(storm_stop, true);
	for (i = 0; i < up; i++) {
		wait_for_completion(&s[i].done);
		KUNIT_EXPECT_EQ(test, s[i].faults, 0);
	}
	KUNIT_EXPECT_EQ(test, up, n);
	expect_sound(test);
}

static void just_wait(struct kunit *test)
{
	msleep(vexfs_kunit_quick ? 100 : 300);
}

static void all_cpus(struct kunit *test)
{
	run_storm(test, just_wait);
}

/* A timer on each CPU, which interrupts whatever the CPU does. */
struct interrupter {
	struct timer_list timer;
	struct completion done;
	unsigned int left;
	unsigned int failed;
};

static void interrupt(struct timer_list *t)
{
	struct interrupter *in = container_of(t, struct interrupter, timer);
	unsigned int i, n;
	void *p[3];

	for (n = 0; n < 10; n++) {
		for (i = 0; i < 3; i++) {
			p[i] = tier_alloc(&tier, 100, GFP_ATOMIC);
			in->failed += !p[i];
		}
		for (i = 0; i < 3; i++)
			if (p[i])
				tier_free(&tier, p[i], 100);
	}
	if (--in->left)
		mod_timer(t, jiffies + 1);
	else
		complete(&in->done);
}

static void keep_interrupting(struct kunit *test)
{
	struct interrupter *in = kunit_kcalloc(test, nr_cpu_ids, sizeof(*in), GFP_KERNEL);
	unsigned int cpu;

	KUNIT_ASSERT_NOT_NULL(test, in);
	for_each_online_cpu(cpu) {
		init_completion(&in[cpu].done);
		in[cpu].left = vexfs_kunit_quick ? 20 : 60;
		timer_setup(&in[cpu].timer, interrupt, TIMER_PINNED);
		in[cpu].timer.expires = jiffies + 1;
		add_timer_on(&in[cpu].timer, cpu);
	}
	for_each_online_cpu(cpu) {
		wait_for_completion(&in[cpu].done);
		timer_delete_sync(&in[cpu].timer);
		KUNIT_EXPECT_EQ(test, in[cpu].failed, 0);
	}
}

static void from_interrupts(struct kunit *test)
{
	run_storm(test, keep_interrupting);
}

static void keep_resizing(struct kunit *test)
{
	static const u32 all_sizes[] = { 512, 8, 100, 0, 1024, 1, SIZE };
	static const u32 few_sizes[] = { 64, 8, 20, 0, 80, 1, SIZE };
	/* A tier with checks takes its lock at every step. */
	const bool few = vexfs_kunit_quick || tier.debug;
	const u32 *sizes = few ? few_sizes : all_sizes;
	/* A step takes seconds if the host stops processors that hold a lock. */
	const unsigned long end = jiffies + 5 * HZ;
	const unsigned int steps = (few ? 1 : 3) * ARRAY_SIZE(all_sizes);
	unsigned int step;

	for (step = 0; step < steps && (step < 2 || time_before(jiffies, end)); step++) {
		mutex_lock(&tier.manage);
		KUNIT_EXPECT_EQ(test, vexfs_tier_resize(&tier, sizes[step % ARRAY_SIZE(all_sizes)]), 0);
		if (step % 3 == 0)
			KUNIT_EXPECT_EQ(test, vexfs_tier_compact(&tier), 0);
		mutex_unlock(&tier.manage);
		vexfs_tier_shrink(&tier, 16);
		usleep_range(1000, 2000);
	}
	mutex_lock(&tier.manage);
	KUNIT_EXPECT_EQ(test, vexfs_tier_resize(&tier, SIZE), 0);
	mutex_unlock(&tier.manage);
}

static void resize_under_load(struct kunit *test)
{
	run_storm(test, keep_resizing);
}

/* Misuse, in a tier with checks. */

static unsigned int faults_seen;

static void note_fault(struct vexfs_tier *t, enum vexfs_tier_fault what, const void *p)
{
	faults_seen |= BIT(what);
}

static void misuse(struct kunit *test)
{
	static u8 foreign[2048] __aligned(64);
	u8 *p, *q;

	vexfs_tier_exit(&tier);
	KUNIT_ASSERT_EQ(test, vexfs_tier_init(&tier, "watched", 1024, SIZE, SPARE, true), 0);
	tier.fault = note_fault;

	faults_seen = 0;
	KUNIT_ASSERT_EQ(test, take_buffers(SIZE, GFP_KERNEL), SIZE);
	give_back(SIZE);
	KUNIT_EXPECT_EQ(test, faults_seen, 0);

	p = tier_alloc(&tier, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	tier_free(&tier, p, 1000);
	tier_free(&tier, p, 1000);
	KUNIT_EXPECT_EQ(test, faults_seen, BIT(VEXFS_FAULT_DOUBLE_FREE));

	faults_seen = 0;
	tier_free(&tier, foreign, 1000);
	tier_free(&tier, p + 1, 1000);
	KUNIT_EXPECT_EQ(test, faults_seen, BIT(VEXFS_FAULT_FOREIGN));
	KUNIT_EXPECT_EQ(test, atomic_read(&tier.faults[VEXFS_FAULT_FOREIGN]), 2);

	/* One byte is enough, behind the request and behind the buffer. */
	faults_seen = 0;
	p = tier_alloc(&tier, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	p[1000] = 1;
	tier_free(&tier, p, 1000);
	KUNIT_EXPECT_EQ(test, faults_seen, BIT(VEXFS_FAULT_OVERRUN));
	faults_seen = 0;
	p = tier_alloc(&tier, 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	p[1024] ^= 1;
	tier_free(&tier, p, 1024);
	KUNIT_EXPECT_EQ(test, faults_seen, BIT(VEXFS_FAULT_OVERRUN));

	faults_seen = 0;
	p = tier_alloc(&tier, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	tier_free(&tier, p, 999);
	KUNIT_EXPECT_EQ(test, faults_seen, BIT(VEXFS_FAULT_SIZE));

	/* The same buffer is allocated again, and a write after free is detected. */
	faults_seen = 0;
	OPTIMIZER_HIDE_VAR(p);
	p[500] = 1;
	q = tier_alloc(&tier, 1000, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, p, q);
	KUNIT_EXPECT_EQ(test, faults_seen, BIT(VEXFS_FAULT_USE_AFTER_FREE));
	tier_free(&tier, q, 1000);
}

static void misuse_storm(struct kunit *test)
{
	vexfs_tier_exit(&tier);
	KUNIT_ASSERT_EQ(test, vexfs_tier_init(&tier, "watched", 1024, SIZE, SPARE, true), 0);
	tier.fault = note_fault;
	faults_seen = 0;
	run_storm(test, keep_resizing);
	KUNIT_EXPECT_EQ(test, faults_seen, 0);
}

/* Lockless readings may be slightly off, but never wrap. */
static void never_below_zero(struct kunit *test)
{
	struct vexfs_pool_stats st;
	int held = atomic_read(&tier.held);

	atomic_set(&tier.held, 0);
	st = now();
	atomic_set(&tier.held, held);
	KUNIT_EXPECT_EQ(test, st.in_use, 0);
	KUNIT_EXPECT_EQ(test, st.use_ppm, 0);
}

static bool reset_stop;
static atomic_t wrapped;

/* Resets as fast as possible, concurrent with readers. */
static int reset_thread(void *arg)
{
	struct completion *done = arg;

	while (!READ_ONCE(reset_stop)) {
		vexfs_tier_reset(&tier);
		cond_resched();
	}
	complete(done);
	return 0;
}

static void read_since_reset(struct kunit *test)
{
	struct completion done;
	struct task_struct *t;
	unsigned int i, k;

	init_completion(&done);
	reset_stop = false;
	t = kthread_run(reset_thread, &done, "vexfs_reset");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	for (i = 0; i < 20000; i++) {
		struct vexfs_pool_stats st;
		const u64 *v = (const u64 *)&st;

		vexfs_tier_read(&tier, true, &st);
		for (k = 0; k < sizeof(st) / sizeof(u64); k++)
			if ((s64)v[k] < 0)
				atomic_inc(&wrapped);
		if (!(i % 64))
			cond_resched();
	}
	WRITE_ONCE(reset_stop, true);
	wait_for_completion(&done);
}

static void reset_races(struct kunit *test)
{
	atomic_set(&wrapped, 0);
	run_storm(test, read_since_reset);
	KUNIT_EXPECT_EQ(test, atomic_read(&wrapped), 0);
	expect_sound(test);
}

/* A CPU that went offline has left its magazine unchanged. */
static void dead_cpu(struct kunit *test)
{
	struct vexfs_tier_cpu *c;
	unsigned int cpu;

	/* Uses this CPU throughout, as another one would. */
	migrate_disable();
	cpu = smp_processor_id();
	c = per_cpu_ptr(tier.cpu, cpu);
	KUNIT_EXPECT_EQ(test, take_buffers(4, GFP_KERNEL), 4);
	give_back(4);
	KUNIT_EXPECT_GT(test, vexfs_magazine_count(c), 0);
	vexfs_tier_gather_dead(&tier, cpu);
	KUNIT_EXPECT_EQ(test, vexfs_magazine_count(c), 0);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, tier.idle_n, SIZE);
	expect_sound(test);
}

/*
 * As many threads as CPUs, each with as many buffers of one tier at a time as an op has:
 * few take the lock, and hardly any reads what others write.
 */
#define OP_BUFFERS	6u
#define OP_ROUNDS	4000u

static int op_thread(void *arg)
{
	struct stormer *s = arg;
	struct rnd_state rnd;
	unsigned int i, n, round;
	void *p[OP_BUFFERS];

	prandom_seed_state(&rnd, s->seed);
	for (round = 0; round < OP_ROUNDS; round++) {
		n = 1 + prandom_u32_state(&rnd) % OP_BUFFERS;
		for (i = 0; i < n; i++)
			p[i] = tier_alloc(&tier, 1024, GFP_KERNEL);
		while (i--)
			tier_free(&tier, p[i], 1024);
		s->steps += 2 * n;
		if (!(round % 16))
			cond_resched();
	}
	complete(&s->done);
	return 0;
}

static void slow_paths(struct kunit *test)
{
	struct vexfs_pool_stats before, st;
	struct stormer *s;
	u64 steps = 0;
	int cpu;

	s = kunit_kcalloc(test, nr_cpu_ids, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	before = now();
	for_each_online_cpu(cpu) {
		struct task_struct *t;

		s[cpu].seed = cpu + 1;
		init_completion(&s[cpu].done);
		t = kthread_create_on_cpu(op_thread, &s[cpu], cpu, "vexfs_op/%u");
		if (IS_ERR(t)) {
			KUNIT_FAIL(test, "no thread on CPU %d", cpu);
			complete(&s[cpu].done);
		} else {
			wake_up_process(t);
		}
	}
	for_each_online_cpu(cpu) {
		wait_for_completion(&s[cpu].done);
		steps += s[cpu].steps;
	}
	st = now();
	kunit_info(test, "%u CPUs: %llu steps, %llu locks, %llu scans", num_online_cpus(), steps,
		   st.locks - before.locks, st.scans - before.scans);
	KUNIT_EXPECT_LT(test, 20 * (st.locks - before.locks), steps);
	KUNIT_EXPECT_LT(test, 1000 * (st.scans - before.scans), steps);
	expect_sound(test);
}

#ifdef CONFIG_KASAN_GENERIC
/* KASAN's shadow of the byte: 0 is accessible. The shadow itself has none. */
static s8 __no_sanitize_address mark_of(const void *p)
{
	return READ_ONCE(*(s8 *)kasan_mem_to_shadow(p));
}

static void kasan_marks(struct kunit *test)
{
	u8 *p = tier_alloc(&tier, 600, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < 600; i += 8)
		KUNIT_EXPECT_EQ(test, mark_of(p + i), 0);
	for (; i < 1024; i += 8)
		KUNIT_EXPECT_NE(test, mark_of(p + i), 0);
	tier_free(&tier, p, 600);
	for (i = sizeof(struct llist_node); i < 1024; i += 8)
		KUNIT_EXPECT_NE(test, mark_of(p + i), 0);
}
#else
static void kasan_marks(struct kunit *test)
{
	kunit_skip(test, "there is no KASAN in this kernel");
}
#endif

static void auto_sizing(struct kunit *test)
{
	struct vexfs_pool_round r = {};
	unsigned int i;
	u32 size;

	/* Well used, with hits: stays. */
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 100, 100, 70, 1000, 990), 100);
	KUNIT_EXPECT_EQ(test, r.hit_ppm, 990000);
	KUNIT_EXPECT_EQ(test, r.use_ppm, 700000);
	/* Too full, or with misses: grows to where the peak fits. */
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 100, 100, 81, 1000, 1000), 126);
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 100, 100, 50, 1000, 899), 126);
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 100, 100, 800, 1000, 1000), 1001);
	/* A few requests are not significant. */
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 100, 100, 50, 10, 0), 100);
	/* Half empty: shrinks after a while, a little, and not below the floor. */
	r.calm = 0;
	for (i = 1; i < 30; i++)
		KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 1000, 100, 300, 1000, 1000), 1000);
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 1000, 100, 300, 1000, 1000), 900);
	KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, 900, 100, 300, 1000, 1000), 900);
	/* One busy round restarts the count. */
	vexfs_pool_judge(&r, 900, 100, 500, 1000, 1000);
	KUNIT_EXPECT_EQ(test, r.calm, 0);
	/* The grown size is not too large by the shrink rule: no oscillation. */
	size = vexfs_pool_judge(&r, 100, 100, 81, 1000, 1000);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, vexfs_pool_judge(&r, size, 100, 81, 1000, 1000), size);
}

static void whole_pools(struct kunit *test)
{
	struct vexfs_pool_stats st, before;
	size_t size;
	void *p;

	for (size = 1; size <= 3 * VEXFS_POOL_MAX; size = size * 2 + 1) {
		enum vexfs_tier_id id = vexfs_pool_tier(size);

		KUNIT_EXPECT_TRUE(test, id == VEXFS_TIER_HUGE ||
				  size <= vexfs_pool_tier_bytes(id));
		vexfs_pool_read(id, false, &before);
		p = vexfs_pool_alloc(size, GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, size));
		vexfs_pool_read(id, false, &st);
		KUNIT_EXPECT_GE(test, st.in_use, 1);
		KUNIT_EXPECT_GT(test, st.allocs, before.allocs);
		vexfs_pool_free(p, size);
	}
	vexfs_pool_free(NULL, 1);
	vexfs_pool_read(VEXFS_TIER_HUGE, false, &before);
	KUNIT_EXPECT_NULL(test, vexfs_pool_alloc((size_t)INT_MAX + 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, vexfs_pool_alloc(SIZE_MAX, GFP_KERNEL));
	vexfs_pool_read(VEXFS_TIER_HUGE, false, &st);
	KUNIT_EXPECT_EQ(test, st.failures, before.failures + 2);
}

static void sizes_by_hand(struct kunit *test)
{
	const u32 three[VEXFS_TIER_HUGE] = { 512, 256, 128 };
	const u32 absurd[VEXFS_TIER_HUGE] = { 512, 256, UINT_MAX };
	u32 old[VEXFS_TIER_HUGE];
	struct vexfs_pool_stats st;
	unsigned int i;

	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_pool_read(i, false, &st);
		old[i] = st.size;
	}
	KUNIT_EXPECT_EQ(test, vexfs_pool_resize(VEXFS_TIER_HUGE, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_pool_resize_all(absurd), -E2BIG);
	KUNIT_EXPECT_EQ(test, vexfs_pool_resize(VEXFS_TIER_LARGE, UINT_MAX), -E2BIG);
	KUNIT_EXPECT_EQ(test, vexfs_pool_grow(0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_pool_grow(1001), -EINVAL);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_pool_read(i, false, &st);
		KUNIT_EXPECT_EQ(test, st.size, old[i]);
	}
	KUNIT_EXPECT_EQ(test, vexfs_pool_resize_all(three), 0);
	KUNIT_EXPECT_EQ(test, vexfs_pool_grow(50), 0);
	for (i = 0; i < VEXFS_TIER_HUGE; i++) {
		vexfs_pool_read(i, false, &st);
		KUNIT_EXPECT_EQ(test, st.size, three[i] + three[i] / 2);
		KUNIT_EXPECT_GE(test, st.held, st.size);
	}
	vexfs_pool_drain(false);
	vexfs_pool_read(VEXFS_TIER_LARGE, false, &st);
	KUNIT_EXPECT_LT(test, st.held, st.size);
	KUNIT_EXPECT_EQ(test, vexfs_pool_refill(), 0);
	vexfs_pool_read(VEXFS_TIER_LARGE, false, &st);
	KUNIT_EXPECT_GE(test, st.held, st.size);
	KUNIT_EXPECT_GE(test, vexfs_pool_compact(0), 0);
	KUNIT_EXPECT_EQ(test, vexfs_pool_resize_all(old), 0);
}

static void size_buckets(struct kunit *test)
{
	unsigned int b;

	KUNIT_EXPECT_EQ(test, vexfs_pool_size_bucket(0), 0);
	for (b = 0; b < VEXFS_POOL_SIZES - 1; b++) {
		KUNIT_EXPECT_EQ(test, vexfs_pool_size_bucket(64UL << b), b);
		KUNIT_EXPECT_EQ(test, vexfs_pool_size_bucket((64UL << b) + 1), b + 1);
	}
	KUNIT_EXPECT_EQ(test, vexfs_pool_size_bucket(SIZE_MAX), VEXFS_POOL_SIZES - 1);
}

static u32 tuned = 5;

static int apply_even(const struct vexfs_tunable *t, u32 v)
{
	if (v % 2)
		return -EBUSY;
	WRITE_ONCE(*t->value, v);
	return 0;
}

static void tunables(struct kunit *test)
{
	struct vexfs_tunable t = {
		.name = "kunit", .unit = "things", .doc = "", .min = 2, .max = 9, .value = &tuned,
	};

	tuned = 5;
	KUNIT_EXPECT_EQ(test, vexfs_tunable_set(&t, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vexfs_tunable_set(&t, 10), -EINVAL);
	KUNIT_EXPECT_EQ(test, tuned, 5);
	KUNIT_EXPECT_EQ(test, vexfs_tunable_set(&t, 9), 0);
	KUNIT_EXPECT_EQ(test, tuned, 9);
	t.apply = apply_even;
	KUNIT_EXPECT_EQ(test, vexfs_tunable_set(&t, 7), -EBUSY);
	KUNIT_EXPECT_EQ(test, tuned, 9);
	KUNIT_EXPECT_EQ(test, vexfs_tunable_set(&t, 8), 0);
	KUNIT_EXPECT_EQ(test, tuned, 8);
}

static struct kunit_case pool_cases[] = {
	KUNIT_CASE(counts),
	KUNIT_CASE(more_than_size),
	KUNIT_CASE(exhaustion),
	KUNIT_CASE(waiting),
	KUNIT_CASE(flags),
	KUNIT_CASE(resize_fails),
	KUNIT_CASE(shrink),
	KUNIT_CASE(compaction),
	KUNIT_CASE(all_cpus),
	KUNIT_CASE(from_interrupts),
	KUNIT_CASE(resize_under_load),
	KUNIT_CASE(misuse),
	KUNIT_CASE(misuse_storm),
	KUNIT_CASE(never_below_zero),
	KUNIT_CASE(reset_races),
	KUNIT_CASE(dead_cpu),
	KUNIT_CASE(slow_paths),
	KUNIT_CASE(kasan_marks),
	KUNIT_CASE(auto_sizing),
	KUNIT_CASE(whole_pools),
	KUNIT_CASE(sizes_by_hand),
	KUNIT_CASE(size_buckets),
	KUNIT_CASE(tunables),
	{}
};

static struct kunit_suite pool_suite = {
	.name = "vexfs_pool",
	.init = pool_case_init,
	.exit = pool_case_exit,
	.test_cases = pool_cases,
};

kunit_test_suite(pool_suite);
