// SPDX-License-Identifier: GPL-2.0
/*
 * Codes. i8: components against the largest of the vector (cosine does not mind)
 * or against one scale for all, taken from the first vectors that came. bf16:
 * components without their lower half. b1: signs. A code may be wrong about
 * which of two rows is nearer; results are ranked by the rows themselves.
 */
#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "index/graph_code.h"

#define F32_ABS		0x7fffffffu
#define I8_MOST		127u

int vexfs_graph_code_space(const struct vexfs_space *of, u32 code, struct vexfs_space *sp)
{
	bool angle = of->metric == VEXFS_METRIC_COS || of->metric == VEXFS_METRIC_IP;

	if (code == VEXFS_CODE_NONE) {
		*sp = *of;
		return 0;
	}
	if (of->type != VEXFS_TYPE_F32)
		return -EINVAL;
	switch (code) {
	case VEXFS_CODE_I8:
		return vexfs_space_init(sp, VEXFS_TYPE_I8, of->metric, of->dim);
	case VEXFS_CODE_BF16:
		return vexfs_space_init(sp, VEXFS_TYPE_BF16, of->metric, of->dim);
	case VEXFS_CODE_B1:
		return angle ? vexfs_space_init(sp, VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING, of->dim) :
			       -EINVAL;
	default:
		return -EINVAL;
	}
}

static u32 largest_float(const u32 *f, u32 n)
{
	u32 i, most = 0;

	for (i = 0; i < n; i++)
		most = max(most, f[i] & F32_ABS);
	return most;
}

static u32 mantissa_of(u32 f)
{
	return f >> 23 ? (f & 0x7fffff) | 0x800000 : (f & 0x7fffff) << 1;
}

/* Each component over @most, times 127, rounded; what is larger saturates. */
static void code_i8(const u32 *f, u32 n, u32 most, s8 *out)
{
	u32 exp = most >> 23, i;
	u64 factor;

	if (exp < 32) {
		/* all components are zero or nearly so */
		memset(out, 0, n);
		return;
	}
	factor = div_u64((u64)I8_MOST << 39, mantissa_of(most));
	for (i = 0; i < n; i++) {
		u32 a = f[i] & F32_ABS, down = 39 + exp - (a >> 23), v;

		if (a >= most)
			v = I8_MOST;
		else if (down > 62)
			v = 0;
		else
			v = (mantissa_of(a) * factor + (1ULL << (down - 1))) >> down;
		out[i] = f[i] >> 31 ? -(s32)v : v;
	}
}

static void code_bf16(const u32 *f, u32 n, u16 *out)
{
	u32 i;

	/* Rounding up must not make an infinity. */
	for (i = 0; i < n; i++)
		out[i] = (f[i] & F32_ABS) >= 0x7f7f0000u ? f[i] >> 16 :
			 (f[i] + 0x7fff + (f[i] >> 16 & 1)) >> 16;
}

static void code_b1(const u32 *f, u32 n, u8 *out)
{
	u32 i;

	memset(out, 0, DIV_ROUND_UP(n, 8));
	for (i = 0; i < n; i++)
		out[i / 8] |= !(f[i] >> 31) << (i % 8);
}

int vexfs_graph_code_row(struct vexfs_graph *g, const void *row, void *raw, void *code, u32 *aux)
{
	u32 dim = g->sp.dim;

	if (g->code == VEXFS_CODE_I8)
		code_i8(row, dim, g->sp.metric == VEXFS_METRIC_COS ? largest_float(row, dim) :
			READ_ONCE(g->scale), raw);
	else if (g->code == VEXFS_CODE_BF16)
		code_bf16(row, dim, raw);
	else
		code_b1(row, dim, raw);
	return vexfs_math_import_raw(&g->sp, code, aux, raw, g->sp.row_bytes, 1, NULL);
}

int vexfs_graph_code_slots(struct vexfs_graph *g, const u32 *slots, u32 n)
{
	u32 dim = g->sp.dim, most = 0, i;
	struct vexfs_scratch raw;
	int err = 0;

	if (!g->code)
		return 0;
	/* From the pools: the arithmetic below is deep, and 512 bytes here were above the budget. */
	if (!vexfs_scratch_get(&raw, NULL, NULL, 0, g->c->space.stride, VEXFS_GFP_USER))
		return -ENOMEM;
	if (!READ_ONCE(g->scale)) {
		for (i = 0; i < n; i++)
			most = max(most, largest_float(vexfs_slot_row(g->c, slots[i]), dim));
		/* The first scale stays: a task that finds one has written no code yet. */
		cmpxchg(&g->scale, 0, max(most, 1u));
	}
	for (i = 0; i < n && !err; i++) {
		u32 at;
		const struct graph_ext *ge = vexfs_graph_ext(g, slots[i], &at);

		err = vexfs_graph_code_row(g, vexfs_slot_row(g->c, slots[i]), raw.p,
					   ge->codes + (size_t)at * g->sp.stride,
					   &ge->code_aux[at]);
		cond_resched();
	}
	vexfs_scratch_put(&raw);
	return err;
}
