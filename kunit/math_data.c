// SPDX-License-Identifier: GPL-2.0
/* Inputs of the arithmetic suites, see the header. Random inputs are the same in every run. */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vexfs.h>
#include <linux/vmalloc.h>

#include "math_data.h"

const char *vexfs_test_kind_name(enum math_kind kind)
{
	static const char * const names[] = {
		[KIND_RANDOM] = "random", [KIND_ZEROS] = "zeros", [KIND_NEGATIVE] = "negative",
		[KIND_IDENTICAL] = "identical", [KIND_EXTREME] = "extreme",
		[KIND_LONELY] = "lonely", [KIND_DENORMAL] = "denormal", [KIND_HUGE] = "huge",
		[KIND_TINY] = "tiny", [KIND_MIXED] = "mixed",
	};

	return names[kind];
}

bool vexfs_test_kind_fits(enum math_kind kind, u32 type)
{
	switch (type) {
	case VEXFS_TYPE_F32:
	case VEXFS_TYPE_F16:
	case VEXFS_TYPE_BF16:
		return true;
	case VEXFS_TYPE_I8:
		return kind < KIND_DENORMAL;
	default:
		return kind < KIND_DENORMAL && kind != KIND_NEGATIVE;
	}
}

u32 vexfs_test_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

u32 vexfs_test_raw_bytes(u32 type, u32 dim)
{
	switch (type) {
	case VEXFS_TYPE_F32:
		return dim * 4;
	case VEXFS_TYPE_F16:
	case VEXFS_TYPE_BF16:
		return dim * 2;
	case VEXFS_TYPE_B1:
		return DIV_ROUND_UP(dim, 8);
	default:
		return dim;
	}
}

/* A float of @exp_bits and @frac_bits; exponents of all ones are not used. */
static u32 make_float(unsigned int exp_bits, unsigned int frac_bits, enum math_kind kind,
		      u64 *state)
{
	u32 top = BIT(exp_bits) - 2, one = top / 2;
	u32 r = vexfs_test_random(state);
	u32 frac = r & (BIT(frac_bits) - 1);
	u32 sign = r >> 30;
	u32 exp;

	/* The fraction uses the low bits of @r, the sign its top bit; these do not overlap. */
	r = *state >> 24;
	switch (kind) {
	case KIND_DENORMAL:
		exp = 0;
		break;
	case KIND_HUGE:
		exp = top - r % 4;
		break;
	case KIND_TINY:
		exp = 1 + r % 4;
		break;
	case KIND_MIXED:
		exp = r % (top + 1);
		break;
	case KIND_EXTREME:
		exp = top;
		frac = BIT(frac_bits) - 1;
		break;
	case KIND_NEGATIVE:
		sign = 1;
		fallthrough;
	default:
		exp = one - 3 + r % 6;
		break;
	}
	return sign << (exp_bits + frac_bits) | exp << frac_bits | frac;
}

static u8 make_byte(u32 type, enum math_kind kind, u64 *state)
{
	u32 r = vexfs_test_random(state);

	if (kind == KIND_NEGATIVE)
		return 0x80 | r;
	if (kind != KIND_EXTREME)
		return r;
	if (type == VEXFS_TYPE_I8)
		return r & 1 ? 0x80 : 0x7f;
	return r & 1 ? 0xff : 0;
}

void vexfs_test_fill(void *dst, u32 type, u32 dim, enum math_kind kind, u64 *state)
{
	u32 only = kind == KIND_LONELY ? vexfs_test_random(state) % dim : 0;
	u32 bits, i;
	u16 half;

	memset(dst, 0, vexfs_test_raw_bytes(type, dim));
	if (kind == KIND_ZEROS)
		return;
	for (i = only; i < dim; i++) {
		switch (type) {
		case VEXFS_TYPE_F32:
			bits = make_float(8, 23, kind, state);
			memcpy(dst + 4 * i, &bits, 4);
			break;
		case VEXFS_TYPE_F16:
			half = make_float(5, 10, kind, state);
			memcpy(dst + 2 * i, &half, 2);
			break;
		case VEXFS_TYPE_BF16:
			half = make_float(8, 7, kind, state);
			memcpy(dst + 2 * i, &half, 2);
			break;
		case VEXFS_TYPE_B1:
			/* Extreme: all set. Bits beyond the dimension are the import's task. */
			if (kind == KIND_EXTREME || kind == KIND_LONELY ||
			    vexfs_test_random(state) & 1)
				((u8 *)dst)[i / 8] |= 1 << i % 8;
			break;
		default:
			((u8 *)dst)[i] = make_byte(type, kind, state);
			break;
		}
		if (kind == KIND_LONELY)
			break;
	}
}

int vexfs_test_guarded_alloc(struct guarded *g, size_t size)
{
	g->size = PAGE_ALIGN(size);
	/* The kernel leaves a page unmapped after every area, and thus before it. */
	g->area = vmalloc(g->size);
	return g->area ? 0 : -ENOMEM;
}

void vexfs_test_guarded_free(struct guarded *g)
{
	vfree(g->area);
	g->area = NULL;
}
