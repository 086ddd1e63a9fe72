/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tunables: numbers that an operator may change while the module runs. Each file keeps its
 * own. Module parameters and all other ways to set them share one check, and a refused value
 * changes nothing.
 */
#ifndef _VEXFS_MEM_TUNABLE_H
#define _VEXFS_MEM_TUNABLE_H

#include <linux/moduleparam.h>
#include <linux/types.h>

/**
 * struct vexfs_tunable - one number
 * @name: as in /sys/module/vexfs/parameters
 * @unit: what it counts
 * @doc: what it does, one sentence
 * @min: smallest legal value
 * @max: largest
 * @def: value when no parameter is given
 * @value: where it is kept; readers use READ_ONCE()
 * @check: NULL, or a further test: -errno refuses @v; changes nothing
 * @apply: NULL, or what makes the value effective and stores it; -errno
 *	refuses it, and then nothing has changed. May sleep.
 * @read_only: settable only when the module is loaded
 */
struct vexfs_tunable {
	const char *name;
	const char *unit;
	const char *doc;
	u32 min;
	u32 max;
	u32 def;
	u32 *value;
	int (*check)(const struct vexfs_tunable *t, u32 v);
	int (*apply)(const struct vexfs_tunable *t, u32 v);
	bool read_only;
};

int vexfs_tunable_check(const struct vexfs_tunable *t, u32 v);
int vexfs_tunable_set(const struct vexfs_tunable *t, u32 v);
/* Those whose names begin with @prefix get their defaults. */
void vexfs_tunables_default(const char *prefix);

extern const struct kernel_param_ops vexfs_tunable_param_ops;

/*
 * VEXFS_TUNABLE - a tunable that is a module parameter as well. The rest are
 * further initialisers of struct vexfs_tunable.
 */
#define VEXFS_TUNABLE(sym, def_, lo, hi, unit_, doc_, mode, ...)			\
	u32 vexfs_##sym = (def_);						\
	static const struct vexfs_tunable vexfs_tunable_##sym = {			\
		.name = #sym, .unit = (unit_), .doc = (doc_),			\
		.min = (lo), .max = (hi), .def = (def_), .value = &vexfs_##sym,	\
		.read_only = !((mode) & 0200), ##__VA_ARGS__			\
	};									\
	module_param_cb(sym, &vexfs_tunable_param_ops,				\
			(void *)&vexfs_tunable_##sym, mode);			\
	MODULE_PARM_DESC(sym, doc_ " [" #def_ ", " #lo " to " #hi ", " unit_ "]")

#endif
