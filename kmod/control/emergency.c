// SPDX-License-Identifier: GPL-2.0
/*
 * What an operator may take away from all layers at once: instruction sets, and in an
 * emergency everything that makes vexfs fast but that it could do without. Nothing of it
 * changes an answer, each takes effect with the next op, and taking it back restores what
 * the other settings say, for none of them is touched.
 */
#include "index/search.h"
#include "math/variant.h"
#include "mem/pool.h"
#include "mem/tunable.h"

enum {
	EMERGENCY_PLAIN = 1,	/* scalar arithmetic, queries one by one */
	EMERGENCY_SAFE = 2,	/* pools as they are, one worker */
	EMERGENCY_MINIMAL = 4,	/* no work for later searches: codes */
};

static int apply_emergency(const struct vexfs_tunable *t, u32 v)
{
	WRITE_ONCE(*t->value, v);
	vexfs_variant_plain(v & EMERGENCY_PLAIN);
	vexfs_pool_fix(v & EMERGENCY_SAFE);
	vexfs_exact_restrict((v & EMERGENCY_PLAIN ? VEXFS_PLAIN_ONE_BY_ONE : 0) |
			     (v & EMERGENCY_SAFE ? VEXFS_PLAIN_ALONE : 0) |
			     (v & EMERGENCY_MINIMAL ? VEXFS_PLAIN_CODES : 0));
	return 0;
}

static VEXFS_TUNABLE(emergency_mode, 0, 0, 7, "bits",
		     "What to do without: 1 SIMD and batches, 2 workers and resizing, 4 codes", 0644,
		     .apply = apply_emergency);

static int apply_mask(const struct vexfs_tunable *t, u32 v)
{
	WRITE_ONCE(*t->value, v);
	vexfs_variant_permit(v);
	return 0;
}

static VEXFS_TUNABLE(simd_mask, 7, 0, 7, "bits",
		     "Instruction sets that may be used: 1 AVX2, 2 FMA, 4 AVX-512", 0644,
		     .apply = apply_mask);

static int apply_fallback(const struct vexfs_tunable *t, u32 v)
{
	WRITE_ONCE(*t->value, v);
	vexfs_variant_fall_back(v);
	return 0;
}

static VEXFS_TUNABLE(simd_fallback, 0, 0, 1, "flag",
		     "A variant that cannot be used stands for the best there is", 0644,
		     .apply = apply_fallback);
