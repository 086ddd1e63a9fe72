// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of layers that do not register their own: FPU sections, SIMD variants, and
 * the store as a whole. Single collections are not subjects, since they come and go: the
 * commands for collections list them.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/notifier.h>

#include "control/subjects.h"
#include "math/variant.h"
#include "math/fpu.h"
#include "stat/counter.h"
#include "stat/event.h"
#include "store/store.h"

static const struct vexfs_counter fpu_counters[] = {
	{ "sections", "sections", "FPU sections", VEXFS_COUNTER },
	{ "ns", "ns", "time spent in FPU sections", VEXFS_COUNTER },
	{ "longest_ns", "ns", "the longest FPU section", VEXFS_GAUGE },
	{ "over", "sections", "FPU sections that exceeded their time budget", VEXFS_COUNTER },
	{ "refused", "calls", "calls refused where the FPU may not be used", VEXFS_COUNTER },
	{ "without", "calls", "calls served by integer code where the FPU may not be used", VEXFS_COUNTER },
};

static_assert(ARRAY_SIZE(fpu_counters) == VEXFS_COUNTERS_IN(struct vexfs_fpu_totals));

static const struct vexfs_counter simd_counters[] = {
	{ "usable", "flag", "1 if the variant can run here and passed its self-test", VEXFS_GAUGE },
	{ "in_use", "flag", "1 if the variant is in use", VEXFS_GAUGE },
};

static const struct vexfs_counter store_counters[] = {
	{ "collections", "collections", "number of collections", VEXFS_GAUGE },
	{ "changes", "times", "collections created or dropped", VEXFS_COUNTER },
	{ "vectors", "vectors", "vectors in all collections", VEXFS_GAUGE },
	{ "bytes", "bytes", "memory of all collections", VEXFS_GAUGE },
};

static unsigned int one_instance(void)
{
	return 1;
}

static const char *instance_all(unsigned int i)
{
	return "all";
}

static int fpu_read(unsigned int i, bool since_reset, u64 *values)
{
	vexfs_fpu_totals((struct vexfs_fpu_totals *)values);
	return 0;
}

static unsigned int simd_instances(void)
{
	return VEXFS_VARIANTS;
}

static const char *simd_instance(unsigned int i)
{
	return vexfs_variants[i]->name;
}

static int simd_read(unsigned int i, bool since_reset, u64 *values)
{
	values[0] = vexfs_variant_usable(vexfs_variants[i]);
	values[1] = vexfs_variant() == vexfs_variants[i];
	return 0;
}

static int store_read(unsigned int i, bool since_reset, u64 *values)
{
	struct vexfs_totals t;

	vexfs_store_totals(&t);
	values[0] = t.collections;
	values[1] = t.changes;
	values[2] = t.vectors;
	values[3] = t.bytes;
	return 0;
}

static struct vexfs_subject subjects[] = {
	{
		.name = "fpu", .doc = "FPU sections",
		.counters = fpu_counters, .counters_n = ARRAY_SIZE(fpu_counters),
		.instances = one_instance, .instance = instance_all, .read = fpu_read,
	}, {
		.name = "simd", .doc = "variants of the arithmetic",
		.counters = simd_counters, .counters_n = ARRAY_SIZE(simd_counters),
		.instances = simd_instances, .instance = simd_instance, .read = simd_read,
	}, {
		.name = "store", .doc = "all collections together",
		.counters = store_counters, .counters_n = ARRAY_SIZE(store_counters),
		.instances = one_instance, .instance = instance_all, .read = store_read,
	},
};

static int variant_news(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct vexfs_math_variant *e = data;

	enum vexfs_event_kind kind = what == VEXFS_VARIANT_DISABLED ? VEXFS_EVENT_VARIANT_BAD :
								     VEXFS_EVENT_VARIANT;

	vexfs_event_raise(kind, 0, 0, e->name);
	return NOTIFY_OK;
}

static struct notifier_block variant_listener = { .notifier_call = variant_news };

int vexfs_control_subjects_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		int err = vexfs_subject_add(&subjects[i]);

		if (err) {
			while (i--)
				vexfs_subject_del(&subjects[i]);
			return err;
		}
	}
	blocking_notifier_chain_register(&vexfs_variant_chain, &variant_listener);
	return 0;
}

void vexfs_control_subjects_exit(void)
{
	unsigned int i = ARRAY_SIZE(subjects);

	blocking_notifier_chain_unregister(&vexfs_variant_chain, &variant_listener);

	while (i--)
		vexfs_subject_del(&subjects[i]);
}
