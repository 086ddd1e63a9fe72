/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which variant computes: those there are on this architecture, and the one in use.
 */
#ifndef _VEXFS_MATH_VARIANT_H
#define _VEXFS_MATH_VARIANT_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "math/arch.h"
#include "math/ops.h"

/* From the plainest to the fastest; the first is the scalar one, always usable. */
#define VEXFS_VARIANTS	(1 + VEXFS_ARCH_VARIANTS)
extern struct vexfs_math_variant *const vexfs_variants[VEXFS_VARIANTS];

static inline bool vexfs_variant_usable(const struct vexfs_math_variant *v)
{
	return !v->lacks && !READ_ONCE(v->failed);
}

extern struct vexfs_math_variant *vexfs_variant_in_use;

/* The variant in use. It may change at any time: read it once per call. */
static inline struct vexfs_math_variant *vexfs_variant(void)
{
	return READ_ONCE(vexfs_variant_in_use);
}

/* True when the best variant is in use (auto), false when one was requested by name. */
bool vexfs_variant_is_auto(void);

/**
 * vexfs_variant_select - use another one from now on
 * @name: of a variant, or "auto" for the best there is
 *
 * Calls that run meanwhile finish with the one they started with; all give
 * the same keys. Returns -EINVAL for a name that is none and -EOPNOTSUPP for a
 * variant that cannot be used here; the log says why, and nothing has changed.
 */
int vexfs_variant_select(const char *name);

/* Whether vexfs_variant_select() would take @name now; changes nothing. */
int vexfs_variant_check(const char *name);

/* @v gives wrong results for the reason @why (a constant): never use it again. */
void vexfs_variant_fail(struct vexfs_math_variant *v, const char *why);

/*
 * This directory knows nobody above it: whoever registers is told which variant is in use from
 * now on or was disabled, with select_lock held: it may not change that in turn.
 */
enum vexfs_variant_news {
	VEXFS_VARIANT_USED,
	VEXFS_VARIANT_DISABLED,
};

struct blocking_notifier_head;
extern struct blocking_notifier_head vexfs_variant_chain;

/* Instruction sets that an operator may allow and forbid, as bits of simd_mask. */
#define VEXFS_SETS_AVX2		1u
#define VEXFS_SETS_FMA		2u
#define VEXFS_SETS_AVX512	4u
#define VEXFS_SETS_ALL		7u

/*
 * Which of them may be used from now on. A variant that was asked for by name and needs
 * others gives way to the best that does not, and comes back with them.
 */
void vexfs_variant_permit(u32 sets);
/* While @on, only the scalar variant is used, whatever was requested. */
void vexfs_variant_plain(bool on);
/* While @on, a name that cannot be used stands for the best there is. */
void vexfs_variant_fall_back(bool on);

void vexfs_variants_init(void);

/* Called after the self-test: selects the requested variant, or the best. */
void vexfs_variants_start(void);

#endif
