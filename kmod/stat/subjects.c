// SPDX-License-Identifier: GPL-2.0
/*
 * The subjects of the lowest layers: ops and their parts, errors, pools, locks, the stack and
 * events. Name, unit and meaning of each counter are written here and nowhere else; a value
 * without a row does not compile.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/notify.h"
#include "mem/pool.h"
#include "mem/scratch.h"
#include "math/clock.h"
#include "stat/counter.h"
#include "stat/event.h"
#include "stat/lock.h"
#include "stat/op.h"
#include "stat/op_priv.h"
#include "stat/timed.h"

static const struct vexfs_counter op_counters[] = {
	{ "count", "ops", "ops that have ended, errors included", VEXFS_COUNTER },
	{ "errors", "ops", "ops that ended with an error", VEXFS_COUNTER },
	{ "items", "items", "vectors or queries the ops carried", VEXFS_COUNTER },
	{ "ns", "ns", "time the ops took, summed up", VEXFS_COUNTER },
	{ "bytes_in", "bytes", "bytes copied in from users", VEXFS_COUNTER },
	{ "bytes_out", "bytes", "bytes copied out to users", VEXFS_COUNTER },
	{ "distances", "distances", "distances computed", VEXFS_COUNTER },
	{ "heap_gets", "buffers", "buffers the ops took from the pools", VEXFS_COUNTER },
	{ "heap_bytes", "bytes", "bytes the ops took from the pools", VEXFS_COUNTER },
	{ "rate_1s", "mops/s", "thousandths of an op per second, last second", VEXFS_GAUGE },
	{ "rate_10s", "mops/s", "thousandths of an op per second, last 10 s", VEXFS_GAUGE },
	{ "rate_60s", "mops/s", "thousandths of an op per second, last 60 s", VEXFS_GAUGE },
	{ "mean_ns", "ns", "mean time of an op", VEXFS_GAUGE },
	{ "p50_ns", "ns", "median time of an op", VEXFS_GAUGE },
	{ "p95_ns", "ns", "95 of 100 ops were not slower", VEXFS_GAUGE },
	{ "p99_ns", "ns", "99 of 100 ops were not slower", VEXFS_GAUGE },
	{ "p999_ns", "ns", "999 of 1000 ops were not slower", VEXFS_GAUGE },
	{ "max_ns", "ns", "slowest op", VEXFS_GAUGE },
	{ "stack_max", "bytes", "deepest stack measured since load", VEXFS_GAUGE },
};

static_assert(ARRAY_SIZE(op_counters) * sizeof(u64) == offsetof(struct vexfs_op_stats, err));

static const struct vexfs_counter pool_counters[] = {
	{ "allocs", "buffers", "requests that got a buffer", VEXFS_COUNTER },
	{ "hits", "buffers", "requests served without the slab allocator", VEXFS_COUNTER },
	{ "misses", "buffers", "requests served by the slab allocator", VEXFS_COUNTER },
	{ "failures", "buffers", "requests that failed", VEXFS_COUNTER },
	{ "frees", "buffers", "buffers freed", VEXFS_COUNTER },
	{ "bytes", "bytes", "bytes requested", VEXFS_COUNTER },
	{ "reserve_used", "buffers", "requests served by the reserve", VEXFS_COUNTER },
	{ "waits", "times", "requests that waited until a buffer was freed", VEXFS_COUNTER },
	{ "resizes", "times", "changes of the tier's size", VEXFS_COUNTER },
	{ "shrunk", "buffers", "idle buffers freed under memory pressure", VEXFS_COUNTER },
	{ "compactions", "times", "times the stock was packed into fewer slabs", VEXFS_COUNTER },
	{ "locks", "times", "times the lock of the stock was taken", VEXFS_COUNTER },
	{ "scans", "times", "times all CPUs were read for high_water", VEXFS_COUNTER },
	{ "size", "buffers", "buffers the tier keeps", VEXFS_GAUGE },
	{ "held", "buffers", "buffers taken from the slab allocator", VEXFS_GAUGE },
	{ "in_use", "buffers", "buffers in use", VEXFS_GAUGE },
	{ "high_water", "buffers", "largest number of buffers in use at once", VEXFS_GAUGE },
	{ "held_bytes", "bytes", "memory of the buffers held and of the reserve", VEXFS_GAUGE },
	{ "reserve", "buffers", "buffers in reserve", VEXFS_GAUGE },
	{ "hit_ppm", "ppm", "hits of a million requests", VEXFS_GAUGE },
	{ "use_ppm", "ppm", "in_use in millionths of size", VEXFS_GAUGE },
	{ "frag_ppm", "ppm", "slabs that packing would free, in millionths", VEXFS_GAUGE },
};

static_assert(ARRAY_SIZE(pool_counters) == VEXFS_COUNTERS_IN(struct vexfs_pool_stats));

static const struct vexfs_counter timed_counters[] = {
	{ "ops", "ops", "ops whose parts were timed, one in 64", VEXFS_COUNTER },
	{ "in_ns", "ns", "time that these ops spent copying in", VEXFS_COUNTER },
	{ "out_ns", "ns", "time that these ops spent copying out", VEXFS_COUNTER },
	{ "buffers", "buffers", "buffers that these ops took from the pools", VEXFS_COUNTER },
	{ "buffer_ns", "ns", "time it took to get these buffers", VEXFS_COUNTER },
};

static_assert(ARRAY_SIZE(timed_counters) == VEXFS_COUNTERS_IN(struct vexfs_timed));

static const struct vexfs_counter lock_counters[] = {
	{ "acquired", "times", "times a lock of the class was taken", VEXFS_COUNTER },
	{ "contended", "times", "times it was held when it was asked for", VEXFS_COUNTER },
};

static_assert(ARRAY_SIZE(lock_counters) == VEXFS_COUNTERS_IN(struct vexfs_lock_counts));

static const struct vexfs_counter stack_counters[] = {
	{ "violations", "times", "times the stack of an op exceeded the limit", VEXFS_COUNTER },
	{ "alarms", "ops", "ops whose stack exceeded the alarm", VEXFS_COUNTER },
	{ "scratch_stack", "times", "scratch requests served from the stack", VEXFS_COUNTER },
	{ "scratch_heap", "times", "scratch requests served from the pools", VEXFS_COUNTER },
	{ "scratch_large", "times", "scratch requests above stack_large_threshold", VEXFS_COUNTER },
	{ "scratch_failed", "times", "scratch requests that failed", VEXFS_COUNTER },
	{ "scratch_bytes", "bytes", "bytes of scratch requested", VEXFS_COUNTER },
	{ "deepest", "bytes", "deepest stack of any op", VEXFS_GAUGE },
	{ "limit", "bytes", "stack that an op may use", VEXFS_GAUGE },
	{ "alarm", "bytes", "stack above which an op counts as an alarm", VEXFS_GAUGE },
};

static_assert(ARRAY_SIZE(stack_counters) == VEXFS_COUNTERS_IN(struct vexfs_stack_stats));

static const struct vexfs_counter event_counters[] = {
	{ "raised", "events", "events raised", VEXFS_COUNTER },
	{ "thinned", "events", "events dropped because their kind was too frequent", VEXFS_COUNTER },
	{ "overwritten", "events", "events overwritten in the ring", VEXFS_COUNTER },
};

static_assert(ARRAY_SIZE(event_counters) == VEXFS_COUNTERS_IN(struct vexfs_event_stats));

/* Made from the names of the errors. */
static struct vexfs_counter error_counters[VEXFS_ERR_SLOTS];

static unsigned int one_instance(void)
{
	return 1;
}

static const char *no_name(unsigned int i)
{
	return "";
}

static unsigned int op_instances(void)
{
	return VEXFS_OP_KINDS;
}

static int op_read(unsigned int i, bool since_reset, u64 *values)
{
	struct vexfs_op_stats st;
	int err = vexfs_op_read(i, since_reset, &st, NULL);

	if (!err)
		memcpy(values, &st, sizeof(u64) * ARRAY_SIZE(op_counters));
	return err;
}

static int error_read(unsigned int i, bool since_reset, u64 *values)
{
	return vexfs_op_read_errors(i, since_reset, values);
}

static unsigned int class_instances(void)
{
	return VEXFS_CLASS_COUNT;
}

static int class_read(unsigned int i, bool since_reset, u64 *values)
{
	struct vexfs_op_stats st;
	int err = vexfs_op_read_class(i, since_reset, &st, NULL);

	if (!err)
		memcpy(values, &st, sizeof(u64) * ARRAY_SIZE(op_counters));
	return err;
}

static unsigned int pool_instances(void)
{
	return VEXFS_TIER_COUNT;
}

static const char *pool_instance(unsigned int i)
{
	return vexfs_pool_tier_name(i);
}

static int pool_read(unsigned int i, bool since_reset, u64 *values)
{
	struct vexfs_pool_stats st;

	vexfs_pool_read(i, since_reset, &st);
	memcpy(values, &st, sizeof(st));
	return 0;
}

static int pool_reset(void)
{
	vexfs_pool_reset();
	return 0;
}

static int stack_read(unsigned int i, bool since_reset, u64 *values)
{
	struct vexfs_stack_stats st;

	vexfs_stack_read(since_reset, &st);
	memcpy(values, &st, sizeof(st));
	return 0;
}

static int stack_reset(void)
{
	vexfs_stack_reset();
	return 0;
}

static int event_read(unsigned int i, bool since_reset, u64 *values)
{
	struct vexfs_event_stats st;

	vexfs_event_stats(&st);
	memcpy(values, &st, sizeof(st));
	return 0;
}

static int timed_read(unsigned int i, bool since_reset, u64 *values)
{
	vexfs_timed_read(since_reset, (struct vexfs_timed *)values);
	return 0;
}

static int timed_reset(void)
{
	vexfs_timed_reset();
	return 0;
}

static unsigned int lock_instances(void)
{
	return VEXFS_LOCK_CLASSES;
}

static int lock_read(unsigned int i, bool since_reset, u64 *values)
{
	vexfs_lock_read(i, since_reset, (struct vexfs_lock_counts *)values);
	return 0;
}

static int lock_reset(void)
{
	vexfs_lock_reset();
	return 0;
}

static struct vexfs_subject subjects[] = {
	{
		.name = "class",
		.doc = "ops by class",
		.counters = op_counters,
		.counters_n = ARRAY_SIZE(op_counters),
		.instances = class_instances,
		.instance = vexfs_class_name,
		.read = class_read,
	}, {
		.name = "op",
		.doc = "ops by kind; a reset is one of class and errors as well",
		.counters = op_counters,
		.counters_n = ARRAY_SIZE(op_counters),
		.instances = op_instances,
		.instance = vexfs_op_name,
		.read = op_read,
		.reset = vexfs_op_reset,
	}, {
		.name = "errors",
		.doc = "errors by kind of op and errno",
		.counters = error_counters,
		.counters_n = ARRAY_SIZE(error_counters),
		.instances = op_instances,
		.instance = vexfs_op_name,
		.read = error_read,
	}, {
		.name = "pool",
		.doc = "tiers of the pools",
		.counters = pool_counters,
		.counters_n = ARRAY_SIZE(pool_counters),
		.instances = pool_instances,
		.instance = pool_instance,
		.read = pool_read,
		.reset = pool_reset,
	}, {
		.name = "stack",
		.doc = "the stack budget and scratch memory",
		.counters = stack_counters,
		.counters_n = ARRAY_SIZE(stack_counters),
		.instances = one_instance,
		.instance = no_name,
		.read = stack_read,
		.reset = stack_reset,
	}, {
		.name = "timed",
		.doc = "parts of ops; those of one op in 64 are timed",
		.counters = timed_counters,
		.counters_n = ARRAY_SIZE(timed_counters),
		.instances = one_instance,
		.instance = no_name,
		.read = timed_read,
		.reset = timed_reset,
	}, {
		.name = "lock",
		.doc = "spinlocks of collections, by class",
		.counters = lock_counters,
		.counters_n = ARRAY_SIZE(lock_counters),
		.instances = lock_instances,
		.instance = vexfs_lock_class_name,
		.read = lock_read,
		.reset = lock_reset,
	}, {
		.name = "events",
		.doc = "the ring of events",
		.counters = event_counters,
		.counters_n = ARRAY_SIZE(event_counters),
		.instances = one_instance,
		.instance = no_name,
		.read = event_read,
	},
};

int vexfs_subjects_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < VEXFS_ERR_SLOTS; i++)
		error_counters[i] = (struct vexfs_counter){
			.name = vexfs_errno_name(i),
			.unit = "ops",
			.doc = "ops that ended with this error",
			.kind = VEXFS_COUNTER,
		};
	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		err = vexfs_subject_add(&subjects[i]);
		if (err) {
			while (i--)
				vexfs_subject_del(&subjects[i]);
			return err;
		}
	}
	return 0;
}

void vexfs_subjects_exit(void)
{
	unsigned int i = ARRAY_SIZE(subjects);

	while (i--)
		vexfs_subject_del(&subjects[i]);
}

/* The memory layer reports what happens without knowing of events. */
static int hear_news(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct vexfs_mem_news *news = data;
	static const u8 event[] = {
		[VEXFS_NEWS_STACK] = VEXFS_EVENT_STACK,
		[VEXFS_NEWS_EXHAUSTED] = VEXFS_EVENT_EXHAUSTED,
		[VEXFS_NEWS_RESIZED] = VEXFS_EVENT_RESIZED,
	};

	vexfs_event_raise(event[what], news->a, news->b, news->name);
	return NOTIFY_OK;
}

static struct notifier_block mem_listener = { .notifier_call = hear_news };

int vexfs_stat_init(void)
{
	int err;

	err = vexfs_op_init();
	if (err)
		return err;
	err = vexfs_rate_init();
	if (err)
		goto fail_op;
	err = vexfs_subjects_init();
	if (err)
		goto fail_rate;
	atomic_notifier_chain_register(&vexfs_mem_chain, &mem_listener);
	return 0;
fail_rate:
	vexfs_rate_exit();
fail_op:
	vexfs_op_exit();
	return err;
}

void vexfs_stat_exit(void)
{
	atomic_notifier_chain_unregister(&vexfs_mem_chain, &mem_listener);
	vexfs_subjects_exit();
	vexfs_rate_exit();
	vexfs_op_exit();
}
