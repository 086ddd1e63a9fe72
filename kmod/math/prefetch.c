// SPDX-License-Identifier: GPL-2.0
/*
 * Prefetch distances: how far ahead a scan prefetches, and how much of a row a walk does.
 * The best distance differs between processors by half of the speed. Measuring it when the
 * module is loaded would need more memory than any cache has, so it is a property of known
 * processors.
 */
#ifdef __KERNEL__
#include "compat/compat.h"
#else
#define VEXFS_EXPORT_KUNIT(sym)
#endif
#include "ops.h"

bool vexfs_scan_far;
VEXFS_EXPORT_KUNIT(vexfs_scan_far);

#define SHORT_ROW	256u
#define LONG_ROW	1024u
#define ROW_AHEAD_MAX	4096u

/*
 * Zen 5 prefetches the rest of a long row by itself, as soon as it is read, and is slowed
 * down when whole rows of a list are prefetched: 1.2 times the searches over rows of
 * 3 KiB. Zen 4 was faster when they were.
 */
u32 vexfs_math_prefetch_bytes(const struct vexfs_space *sp)
{
	if (vexfs_scan_far && sp->stride > LONG_ROW)
		return SHORT_ROW;
	return sp->stride < ROW_AHEAD_MAX ? sp->stride : ROW_AHEAD_MAX;
}

bool vexfs_math_prefetch_late(const struct vexfs_space *sp)
{
	return vexfs_scan_far && sp->stride > SHORT_ROW;
}
