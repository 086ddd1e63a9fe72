#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""plant_slow.py TREE: plants in a copy of the sources what makes it slower, by parameters:
plant_sleep and plant_alloc add so many nanoseconds to a request, by sleeping and by
allocating; plant_scalar makes so many of a thousand calls of math/ those of the scalar
variant. What adds time keeps an account, so that the mean is what was asked for."""

import re
import sys

SLOW = """
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

static unsigned int plant_sleep, plant_alloc;
module_param(plant_sleep, uint, 0644);
module_param(plant_alloc, uint, 0644);

static void plant_slow(void)
{
	static atomic64_t owed;
	u64 began = ktime_get_ns();
	s64 debt;

	while (plant_alloc && ktime_get_ns() - began < plant_alloc) {
		void *p = kzalloc(4096, GFP_KERNEL);

		barrier_data(p);
		kfree(p);
	}
	if (!plant_sleep)
		return;
	debt = atomic64_add_return(plant_sleep, &owed);
	if (debt < 500000)
		return;
	usleep_range(debt / 1000, debt / 1000 + 10);
	atomic64_sub(ktime_get_ns() - began, &owed);
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
plant(top + "/kmod/data/dispatch.c", r"\terr = h->handle\(r\);", "\tplant_slow();\n\t\terr = h->handle(r);", SLOW)
plant(top + "/kmod/math/variant.h", r"return READ_ONCE\(vexfs_variant_in_use\);", "return plant_variant();",
      "\nstruct vexfs_math_variant *plant_variant(void);\n")
plant(top + "/kmod/math/distance.c", r"\Z", "", SCALAR)
