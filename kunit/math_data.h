/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inputs of the arithmetic suites: components as bit patterns, made from a fixed
 * seed, and memory that ends, or starts, at a page that faults. No floats.
 */
#ifndef _VEXFS_MATH_DATA_H
#define _VEXFS_MATH_DATA_H

#include <linux/types.h>

/* What the components look like. */
enum math_kind {
	KIND_RANDOM,
	KIND_ZEROS,
	KIND_NEGATIVE,
	KIND_IDENTICAL,
	KIND_EXTREME,		/* the largest and smallest the type has, mixed */
	KIND_LONELY,		/* all zero but one */
	KIND_DENORMAL,
	KIND_HUGE,
	KIND_TINY,
	KIND_MIXED,		/* every exponent there is */
	KINDS
};

const char *vexfs_test_kind_name(enum math_kind kind);

/* Does the type have such components? */
bool vexfs_test_kind_fits(enum math_kind kind, u32 type);

/* A random number generator of no ambition; @state is the seed. */
u32 vexfs_test_random(u64 *state);

/* Bytes of a vector as it comes from outside, without padding. */
u32 vexfs_test_raw_bytes(u32 type, u32 dim);

/* Fill @dst, of any alignment, with a vector. */
void vexfs_test_fill(void *dst, u32 type, u32 dim, enum math_kind kind, u64 *state);

/**
 * struct guarded - memory with a page that faults on both sides
 * @area: of the vmalloc space
 * @size: its bytes, a multiple of the page size
 */
struct guarded {
	void *area;
	size_t size;
};

int vexfs_test_guarded_alloc(struct guarded *g, size_t size);
void vexfs_test_guarded_free(struct guarded *g);

/* @size bytes whose last one is the last before the guard page. */
static inline void *guarded_tail(const struct guarded *g, size_t size)
{
	return g->area + g->size - size;
}

#endif
