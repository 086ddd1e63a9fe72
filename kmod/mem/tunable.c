// SPDX-License-Identifier: GPL-2.0
/*
 * Setting of tunables. A value out of bounds is refused with a line in the log and changes nothing.
 * The files that use tunables define them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat/compat.h"
#include "mem/tunable.h"

/* Serialises changes by sysfs, netlink and the configuration. */
static DEFINE_MUTEX(tunable_lock);

int vexfs_tunable_check(const struct vexfs_tunable *t, u32 v)
{
	if (v < t->min || v > t->max) {
		pr_err("%s is %u to %u %s, not %u\n", t->name, t->min, t->max, t->unit, v);
		return -EINVAL;
	}
	return t->check ? t->check(t, v) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_tunable_check);

int vexfs_tunable_set(const struct vexfs_tunable *t, u32 v)
{
	int err;

	mutex_lock(&tunable_lock);
	err = vexfs_tunable_check(t, v);
	if (!err && t->apply)
		err = t->apply(t, v);
	else if (!err)
		WRITE_ONCE(*t->value, v);
	mutex_unlock(&tunable_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_tunable_set);

void vexfs_tunables_default(const char *prefix)
{
	u32 i;

	for (i = 0; i < THIS_MODULE->num_kp; i++) {
		const struct kernel_param *kp = &THIS_MODULE->kp[i];
		const struct vexfs_tunable *t = kp->arg;

		if (kp->ops == &vexfs_tunable_param_ops && !t->read_only &&
		    strstarts(t->name, prefix))
			vexfs_tunable_set(t, t->def);
	}
}

static int param_set(const char *val, const struct kernel_param *kp)
{
	u32 v;
	int err = kstrtou32(val, 0, &v);

	return err ? err : vexfs_tunable_set(kp->arg, v);
}

static int param_get(char *buf, const struct kernel_param *kp)
{
	const struct vexfs_tunable *t = kp->arg;

	return sysfs_emit(buf, "%u\n", READ_ONCE(*t->value));
}

const struct kernel_param_ops vexfs_tunable_param_ops = {
	.set = param_set,
	.get = param_get,
};
