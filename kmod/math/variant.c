// SPDX-License-Identifier: GPL-2.0
/*
 * Which variant computes: finds what this machine can run, keeps the choice and
 * the parameter that changes it. Never computes anything itself.
 *
 * The choice is one pointer to static data, read once by every call. That makes
 * a switch safe at any moment without a lock, a grace period or patched code: a
 * call sees the old table or the new one whole, and neither ever goes away. A
 * static call for each operation would save an indirect branch of a few
 * nanoseconds, but some sixty of them cannot be switched as one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat/compat.h"
#include "math/arch.h"
#include "math/proof.h"
#include "math/variant.h"

struct vexfs_math_variant *const vexfs_variants[VEXFS_VARIANTS] = {
	&vexfs_math_scalar, VEXFS_ARCH_LIST
};
VEXFS_EXPORT_KUNIT(vexfs_variants);

struct vexfs_math_variant *vexfs_variant_in_use = &vexfs_math_scalar;
VEXFS_EXPORT_KUNIT(vexfs_variant_in_use);

/* The requested variant, or NULL for the best. Protected by select_lock. */
static struct vexfs_math_variant *wanted;
/* The allowed instruction sets, and whether only the scalar variant is allowed. */
static u32 permitted = VEXFS_SETS_ALL;
static bool plain;
/* A requested variant that cannot be used selects the best one instead of an error. */
static bool fallback;
static bool started;
/* Serialises switches. Readers of the pointer need no lock. */
static DEFINE_MUTEX(select_lock);

/*
 * The pace before the calibration: a few units per section, so that the first one is short on an
 * emulated machine, too.
 */
#define PACE_UNKNOWN	10000000u

const char *vexfs_type_name(u32 type)
{
	static const char * const names[] = {
		[VEXFS_TYPE_F32] = "f32", [VEXFS_TYPE_F16] = "f16", [VEXFS_TYPE_BF16] = "bf16",
		[VEXFS_TYPE_I8] = "i8", [VEXFS_TYPE_U8] = "u8", [VEXFS_TYPE_B1] = "b1",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_type_name);

const char *vexfs_metric_name(u32 metric)
{
	static const char * const names[] = {
		[VEXFS_METRIC_L2] = "l2", [VEXFS_METRIC_IP] = "ip", [VEXFS_METRIC_COS] = "cos",
		[VEXFS_METRIC_L1] = "l1", [VEXFS_METRIC_HAMMING] = "hamming",
		[VEXFS_METRIC_JACCARD] = "jaccard",
	};

	return metric < ARRAY_SIZE(names) ? names[metric] : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_metric_name);

/* Variants that simd_mask does not name need none of its sets. */
static bool may_use(const struct vexfs_math_variant *v)
{
	u32 sets = 0;

	if (!strncmp(v->name, "avx", 3))
		sets = VEXFS_SETS_AVX2 | VEXFS_SETS_FMA;
	if (!strncmp(v->name, "avx512", 6))
		sets |= VEXFS_SETS_AVX512;
	return !(sets & ~permitted);
}

static struct vexfs_math_variant *best_variant(void)
{
	unsigned int i = VEXFS_VARIANTS;

	while (--i)
		if (vexfs_variant_usable(vexfs_variants[i]) && !vexfs_variants[i]->avoided &&
		    may_use(vexfs_variants[i]))
			break;
	return vexfs_variants[i];
}

static struct vexfs_math_variant *find_variant(const char *name)
{
	unsigned int i;

	for (i = 0; i < VEXFS_VARIANTS; i++)
		if (sysfs_streq(name, vexfs_variants[i]->name))
			return vexfs_variants[i];
	return NULL;
}

BLOCKING_NOTIFIER_HEAD(vexfs_variant_chain);

/* Under select_lock. */
static void use_variant(struct vexfs_math_variant *v)
{
	if (READ_ONCE(vexfs_variant_in_use) != v) {
		pr_info_ratelimited("arithmetic: %s\n", v->name);
		blocking_notifier_call_chain(&vexfs_variant_chain, VEXFS_VARIANT_USED, v);
	}
	WRITE_ONCE(vexfs_variant_in_use, v);
}

/* Under select_lock. *@v is NULL for the best there is; *@why says what is wrong. */
static int pick_variant(const char *name, struct vexfs_math_variant **v, const char **why)
{
	*v = NULL;
	if (sysfs_streq(name, "auto"))
		return 0;
	*v = find_variant(name);
	*why = "there is no such variant";
	if (!*v)
		return -EINVAL;
	/* At load the parameter is set before the tables are filled. */
	*why = vexfs_cpu_lacks((*v)->needs);
	if (!*why)
		*why = (*v)->failed;
	if (!*why && !may_use(*v))
		*why = "simd_mask does not allow it";
	if (*why && fallback) {
		*v = NULL;
		return 0;
	}
	return *why ? -EOPNOTSUPP : 0;
}

/* Under select_lock: the variant that follows from all that was asked for. */
static void use_choice(void)
{
	struct vexfs_math_variant *v = plain ? &vexfs_math_scalar : wanted;

	if (started)
		use_variant(v && may_use(v) ? v : best_variant());
}

void vexfs_variant_permit(u32 sets)
{
	mutex_lock(&select_lock);
	permitted = sets;
	use_choice();
	mutex_unlock(&select_lock);
}

void vexfs_variant_plain(bool on)
{
	mutex_lock(&select_lock);
	plain = on;
	use_choice();
	mutex_unlock(&select_lock);
}

void vexfs_variant_fall_back(bool on)
{
	mutex_lock(&select_lock);
	fallback = on;
	mutex_unlock(&select_lock);
}

int vexfs_variant_check(const char *name)
{
	struct vexfs_math_variant *v;
	const char *why;
	int err;

	mutex_lock(&select_lock);
	err = pick_variant(name, &v, &why);
	mutex_unlock(&select_lock);
	return err;
}

int vexfs_variant_select(const char *name)
{
	struct vexfs_math_variant *v;
	const char *why;
	int err;

	mutex_lock(&select_lock);
	err = pick_variant(name, &v, &why);
	if (err) {
		pr_err("simd: '%.*s' cannot be used: %s\n", (int)strcspn(name, "\n"), name, why);
	} else {
		wanted = v;
		use_choice();
	}
	mutex_unlock(&select_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_variant_select);

void vexfs_variant_fail(struct vexfs_math_variant *v, const char *why)
{
	mutex_lock(&select_lock);
	WRITE_ONCE(v->failed, why);
	pr_err("simd: %s is disabled: %s\n", v->name, why);
	blocking_notifier_call_chain(&vexfs_variant_chain, VEXFS_VARIANT_DISABLED, v);
	if (wanted == v)
		wanted = NULL;
	if (vexfs_variant() == v)
		use_choice();
	mutex_unlock(&select_lock);
}

bool vexfs_variant_is_auto(void)
{
	return !READ_ONCE(wanted);
}
VEXFS_EXPORT_KUNIT(vexfs_variant_is_auto);

static const struct vexfs_pace unknown = { .ps = PACE_UNKNOWN };

static void fill_ops(struct vexfs_math_variant *v, u32 cpu, u32 type, u32 metric)
{
	const struct vexfs_math_ops *best = vexfs_math_find_ops(v, cpu, type, metric);
	struct vexfs_math_ops *ops = &v->ops[type][metric];

	if (!best)
		return;
	*ops = *best;
	ops->codes = vexfs_math_find_codes(v, cpu, type, metric);
	ops->pace = (struct vexfs_math_paces){
		.shape = { unknown, unknown, unknown },
		.part = unknown, .pack = unknown,
		.code_block = unknown, .code_pack = unknown,
		.code_rows = unknown, .code_scan = unknown,
	};
}

static void fill_convert(struct vexfs_math_variant *v, u32 cpu, u32 type)
{
	const struct vexfs_math_conv *best = vexfs_math_find_conv(v, cpu, type);
	unsigned int move;

	if (!best)
		return;
	v->convert[type] = *best;
	for (move = 0; move < VEXFS_MOVES; move++)
		v->convert[type].pace[move] = unknown;
}

void vexfs_variants_init(void)
{
	u32 cpu = vexfs_cpu_features();
	u32 type, metric;
	unsigned int i;

	vexfs_cpu_tune();
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		struct vexfs_math_variant *v = vexfs_variants[i];

		v->lacks = vexfs_cpu_lacks(v->needs);
		if (v->lacks)
			continue;
		v->avoided = vexfs_cpu_avoids(v->needs);
		for (type = 0; type < VEXFS_TYPES; type++) {
			fill_convert(v, cpu, type);
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				fill_ops(v, cpu, type, metric);
		}
	}
}

void vexfs_variants_start(void)
{
	mutex_lock(&select_lock);
	started = true;
	use_choice();
	mutex_unlock(&select_lock);
}

void vexfs_math_show_variants(struct seq_file *m)
{
	const struct vexfs_math_variant *in_use = vexfs_variant();
	unsigned int i;

	seq_printf(m, "choice %s\n", vexfs_variant_is_auto() ? "auto" : in_use->name);
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		const struct vexfs_math_variant *v = vexfs_variants[i];
		const char *failed = READ_ONCE(v->failed);

		seq_printf(m, "%s %s", v->name,
			   v == in_use ? "in use" :
			   vexfs_variant_usable(v) ? "usable" : "unusable");
		if (v->lacks || failed)
			seq_printf(m, ": %s", v->lacks ? v->lacks : failed);
		else if (v->avoided)
			seq_puts(m, ", by name only: the kernel prefers 256-bit registers here");
		seq_putc(m, '\n');
	}
	seq_puts(m, "\ntype metric variant form\n");
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		const struct vexfs_math_variant *v = vexfs_variants[i];
		u32 type, metric;

		for (type = 0; type < VEXFS_TYPES; type++)
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				if (v->ops[type][metric].scan)
					seq_printf(m, "%s %s %s %s\n", vexfs_type_name(type),
						   vexfs_metric_name(metric), v->name,
						   v->ops[type][metric].name);
	}
}

static int simd_set(const char *val, const struct kernel_param *kp)
{
	return vexfs_variant_select(val);
}

static int simd_get(char *buf, const struct kernel_param *kp)
{
	const struct vexfs_math_variant *in_use = vexfs_variant();
	unsigned int i = VEXFS_VARIANTS;
	int len = sysfs_emit(buf, "auto");

	while (i--) {
		const struct vexfs_math_variant *v = vexfs_variants[i];

		if (vexfs_variant_usable(v))
			len += sysfs_emit_at(buf, len, v == in_use ? " [%s]" : " %s",
					     v->name);
	}
	return len + sysfs_emit_at(buf, len, "\n");
}

static const struct kernel_param_ops simd_ops = {
	.set = simd_set,
	.get = simd_get,
};

module_param_cb(simd, &simd_ops, NULL, 0644);
MODULE_PARM_DESC(simd, "Arithmetic: auto (the best there is), avx512, avx2 or scalar");
