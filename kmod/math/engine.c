// SPDX-License-Identifier: GPL-2.0
/*
 * Which variant computes: finds what this machine can run, keeps the choice and
 * the parameter that changes it. Never computes anything itself.
 *
 * The choice is one pointer to static data, read once by every call. That makes
 * a switch safe at any moment without a lock, a grace period or patched code: a
 * call sees the old engine or the new one whole, and neither ever goes away. A
 * static call for each type, metric and shape would save an indirect branch of
 * a few nanoseconds, but some sixty of them cannot be switched as one.
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
#include "math/cpu.h"
#include "math/engine.h"
#include "math/proof.h"

struct vexfs_engine vexfs_engines[VEXFS_ENGINES] = {
	{ .variant = &vexfs_math_scalar },
#ifdef CONFIG_X86_64
	{ .variant = &vexfs_math_avx2 },
	{ .variant = &vexfs_math_avx512 },
#endif
};
VEXFS_EXPORT_KUNIT(vexfs_engines);

struct vexfs_engine *vexfs_engine_in_use = &vexfs_engines[0];
VEXFS_EXPORT_KUNIT(vexfs_engine_in_use);

/* What was asked for: an engine, or NULL for the best. Under select_lock. */
static struct vexfs_engine *wanted;
static bool started;
/* One switch at a time. Readers of the pointer need no lock. */
static DEFINE_MUTEX(select_lock);

/*
 * Before anything was measured: a few units in a section, so that the first one
 * is short on an emulated machine, too.
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

static struct vexfs_engine *best_engine(void)
{
	unsigned int i = VEXFS_ENGINES;

	while (--i)
		if (vexfs_engine_usable(&vexfs_engines[i]) && !vexfs_engines[i].avoided)
			break;
	return &vexfs_engines[i];
}

static struct vexfs_engine *find_engine(const char *name)
{
	unsigned int i;

	for (i = 0; i < VEXFS_ENGINES; i++)
		if (sysfs_streq(name, vexfs_engines[i].variant->name))
			return &vexfs_engines[i];
	return NULL;
}

BLOCKING_NOTIFIER_HEAD(vexfs_engine_chain);

/* Under select_lock. */
static void use_engine(struct vexfs_engine *e)
{
	if (READ_ONCE(vexfs_engine_in_use) != e) {
		pr_info_ratelimited("arithmetic: %s\n", e->variant->name);
		blocking_notifier_call_chain(&vexfs_engine_chain, VEXFS_ENGINE_USED, e);
	}
	WRITE_ONCE(vexfs_engine_in_use, e);
}

/* Under select_lock. *@e is NULL for the best there is; *@why says what is wrong. */
static int pick_engine(const char *name, struct vexfs_engine **e, const char **why)
{
	*e = NULL;
	if (sysfs_streq(name, "auto"))
		return 0;
	*e = find_engine(name);
	*why = "there is no such variant";
	if (!*e)
		return -EINVAL;
	/* At load the parameter comes before the engines are set up. */
	*why = vexfs_cpu_lacks((*e)->variant->needs);
	if (!*why)
		*why = (*e)->failed;
	return *why ? -EOPNOTSUPP : 0;
}

int vexfs_engine_check(const char *name)
{
	struct vexfs_engine *e;
	const char *why;
	int err;

	mutex_lock(&select_lock);
	err = pick_engine(name, &e, &why);
	mutex_unlock(&select_lock);
	return err;
}

int vexfs_engine_select(const char *name)
{
	struct vexfs_engine *e;
	const char *why;
	int err;

	mutex_lock(&select_lock);
	err = pick_engine(name, &e, &why);
	if (err) {
		pr_err("simd: '%.*s' cannot be used: %s\n", (int)strcspn(name, "\n"), name, why);
	} else {
		wanted = e;
		if (started)
			use_engine(e ? e : best_engine());
	}
	mutex_unlock(&select_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_engine_select);

void vexfs_engine_fail(struct vexfs_engine *e, const char *why)
{
	mutex_lock(&select_lock);
	WRITE_ONCE(e->failed, why);
	pr_err("simd: %s is disabled: %s\n", e->variant->name, why);
	blocking_notifier_call_chain(&vexfs_engine_chain, VEXFS_ENGINE_DISABLED, e);
	if (wanted == e)
		wanted = NULL;
	if (started && vexfs_engine() == e)
		use_engine(best_engine());
	mutex_unlock(&select_lock);
}

bool vexfs_engine_is_auto(void)
{
	return !READ_ONCE(wanted);
}
VEXFS_EXPORT_KUNIT(vexfs_engine_is_auto);

static void set_up_work(struct vexfs_engine *e, u32 cpu, u32 type, u32 metric)
{
	struct vexfs_work *w = &e->work[type][metric];
	unsigned int shape;

	w->form = vexfs_math_find_form(e->variant, cpu, type, metric);
	for (shape = 0; shape < VEXFS_SHAPES; shape++)
		w->pace[shape].ps = PACE_UNKNOWN;
	w->part.ps = PACE_UNKNOWN;
	w->pack.ps = PACE_UNKNOWN;
	w->rough = vexfs_math_find_rough(e->variant, cpu, type, metric);
	w->rough_block.ps = PACE_UNKNOWN;
	w->rough_pack.ps = PACE_UNKNOWN;
	w->rough_rows.ps = PACE_UNKNOWN;
	w->rough_scan.ps = PACE_UNKNOWN;
}

static void set_up_convert(struct vexfs_engine *e, u32 cpu, u32 type)
{
	struct vexfs_convert *c = &e->convert[type];
	unsigned int move;

	c->conv = vexfs_math_find_conv(e->variant, cpu, type);
	for (move = 0; move < VEXFS_MOVES; move++)
		c->pace[move].ps = PACE_UNKNOWN;
}

void vexfs_engines_init(void)
{
	u32 cpu = vexfs_cpu_features();
	u32 type, metric;
	unsigned int i;

	vexfs_cpu_tune();
	for (i = 0; i < VEXFS_ENGINES; i++) {
		struct vexfs_engine *e = &vexfs_engines[i];

		e->lacks = vexfs_cpu_lacks(e->variant->needs);
		if (e->lacks)
			continue;
		e->avoided = vexfs_cpu_avoids(e->variant->needs);
		for (type = 0; type < VEXFS_TYPES; type++) {
			set_up_convert(e, cpu, type);
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				set_up_work(e, cpu, type, metric);
		}
	}
}

void vexfs_engines_start(void)
{
	mutex_lock(&select_lock);
	started = true;
	use_engine(wanted ? wanted : best_engine());
	mutex_unlock(&select_lock);
}

void vexfs_math_show_variants(struct seq_file *m)
{
	const struct vexfs_engine *in_use = vexfs_engine();
	unsigned int i;

	seq_printf(m, "choice %s\n", vexfs_engine_is_auto() ? "auto" : in_use->variant->name);
	for (i = 0; i < VEXFS_ENGINES; i++) {
		const struct vexfs_engine *e = &vexfs_engines[i];
		const char *failed = READ_ONCE(e->failed);

		seq_printf(m, "%s %s", e->variant->name,
			   e == in_use ? "in use" : vexfs_engine_usable(e) ? "usable" : "unusable");
		if (e->lacks || failed)
			seq_printf(m, ": %s", e->lacks ? e->lacks : failed);
		else if (e->avoided)
			seq_puts(m, ", by name only: the kernel prefers 256-bit registers here");
		seq_putc(m, '\n');
	}
	seq_puts(m, "\ntype metric variant form\n");
	for (i = 0; i < VEXFS_ENGINES; i++) {
		const struct vexfs_engine *e = &vexfs_engines[i];
		u32 type, metric;

		for (type = 0; type < VEXFS_TYPES; type++)
			for (metric = 0; metric < VEXFS_METRICS; metric++)
				if (e->work[type][metric].form)
					seq_printf(m, "%s %s %s %s\n", vexfs_type_name(type),
						   vexfs_metric_name(metric), e->variant->name,
						   e->work[type][metric].form->name);
	}
}

static int simd_set(const char *val, const struct kernel_param *kp)
{
	return vexfs_engine_select(val);
}

static int simd_get(char *buf, const struct kernel_param *kp)
{
	const struct vexfs_engine *in_use = vexfs_engine();
	unsigned int i = VEXFS_ENGINES;
	int len = sysfs_emit(buf, "auto");

	while (i--) {
		const struct vexfs_engine *e = &vexfs_engines[i];

		if (vexfs_engine_usable(e))
			len += sysfs_emit_at(buf, len, e == in_use ? " [%s]" : " %s",
					     e->variant->name);
	}
	return len + sysfs_emit_at(buf, len, "\n");
}

static const struct kernel_param_ops simd_ops = {
	.set = simd_set,
	.get = simd_get,
};

module_param_cb(simd, &simd_ops, NULL, 0644);
MODULE_PARM_DESC(simd, "Arithmetic: auto (the best there is), avx512, avx2 or scalar");
