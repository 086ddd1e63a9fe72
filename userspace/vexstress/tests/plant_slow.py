#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""plant_slow.py TREE: plants in a copy of the sources what makes it slower, by parameters:
plant_sleep and plant_alloc add so many percent of its own time to a request, by sleeping and
by allocating; plant_scalar makes so many of a thousand calls of math/ those of the scalar
variant. A share of its own time is the same change on a fast machine and on a slow one."""

import re
import sys

SLOW = """
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

static unsigned int plant_sleep, plant_alloc;
module_param(plant_sleep, uint, 0644);
module_param(plant_alloc, uint, 0644);

static void plant_slow(u64 began)
{
	static atomic64_t owed;
	u64 now = vexfs_clock(), took = vexfs_clock_ns(began, now);
	s64 debt;

	while (plant_alloc && vexfs_clock_ns(now, vexfs_clock()) < took * plant_alloc / 100) {
		void *p = kzalloc(256, GFP_KERNEL);

		barrier_data(p);
		kfree(p);
	}
	if (!plant_sleep)
		return;
	/* a sleep is longer than asked for: the next one is shorter by that */
	debt = atomic64_add_return(took * plant_sleep / 100, &owed);
	if (debt < 50000)
		return;
	now = vexfs_clock();
	usleep_range(debt / 1000, debt / 1000 + 10);
	atomic64_sub(vexfs_clock_ns(now, vexfs_clock()), &owed);
}
"""

SCALAR = """
#include <linux/moduleparam.h>

static unsigned int plant_scalar;
module_param(plant_scalar, uint, 0644);

struct vexfs_math_variant *plant_variant(void)
{
	static atomic_t n;

	return plant_scalar && (u32)atomic_inc_return(&n) % 997 * 617 % 1000 < plant_scalar ?
	       &vexfs_math_scalar : READ_ONCE(vexfs_variant_in_use);
}
"""


def plant(path, pattern, new, head):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text, n = re.subn(pattern, lambda m: new, text, count=1)
    assert n == 1, f"{path}: the place for it is gone"
    at = list(re.finditer(r"^#include .*$", text, re.M))[-1].end()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text[:at] + "\n" + head + text[at:])


top = sys.argv[1]
plant(top + "/kmod/data/dispatch.c", r"\terr = h->handle\(r\);",
      "\tu64 began = vexfs_clock();\n\n\t\terr = h->handle(r);\n\t\tplant_slow(began);", SLOW)
plant(top + "/kmod/math/variant.h", r"return READ_ONCE\(vexfs_variant_in_use\);", "return plant_variant();",
      "\nstruct vexfs_math_variant *plant_variant(void);\n")
plant(top + "/kmod/math/distance.c", r"\Z", "", SCALAR)
