// SPDX-License-Identifier: GPL-2.0
/* Vectors with their exact distances for the arithmetic suites, see the header. */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "math/fpu.h"
#include "math_check.h"
#include "math_ref.h"
#include "suites.h"

const u32 vexfs_test_large_dims[LARGE_DIMS] = {
	255, 256, 257, 767, 768, 769, 1535, 1536, 1537, 4096, VEXFS_DIM_MAX
};

/*
 * Caches sums of rows: the same vectors are used for each metric, shape and variant, and
 * the reference is by far the slowest part. Indexed by type, kind and number of the
 * dimension.
 */
static struct ref_sums *known[VEXFS_TYPES][KINDS][SMALL_DIMS + LARGE_DIMS];

u32 vexfs_test_rows_for(u32 dim)
{
	if (dim > 4096)
		return vexfs_kunit_quick ? 1 : 2;
	return dim > 256 ? 5 : 9;
}

int vexfs_test_world_alloc(struct math_world *w)
{
	size_t most = 3 * VEXFS_DIM_MAX * sizeof(u32);

	memset(w, 0, sizeof(*w));
	if (vexfs_test_guarded_alloc(&w->src_area, most + VEXFS_DIM_MAX * sizeof(u32)) ||
	    vexfs_test_guarded_alloc(&w->rows_area, FEW_ROWS * VEXFS_DIM_MAX * sizeof(u32)) ||
	    vexfs_test_guarded_alloc(&w->query_area, VEXFS_DIM_MAX * sizeof(u32)) ||
	    vexfs_test_guarded_alloc(&w->aux_area, PAGE_SIZE) ||
	    vexfs_test_guarded_alloc(&w->keys_area, PAGE_SIZE)) {
		vexfs_test_world_free(w);
		return -ENOMEM;
	}
	return 0;
}

void vexfs_test_world_free(struct math_world *w)
{
	struct ref_sums **k = &known[0][0][0];
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*k); i++) {
		kfree(k[i]);
		k[i] = NULL;
	}
	vexfs_test_guarded_free(&w->src_area);
	vexfs_test_guarded_free(&w->rows_area);
	vexfs_test_guarded_free(&w->query_area);
	vexfs_test_guarded_free(&w->aux_area);
	vexfs_test_guarded_free(&w->keys_area);
}

static void *place(const struct guarded *g, size_t size, bool tail)
{
	return tail ? guarded_tail(g, size) : g->area;
}

static void add_up(const struct vexfs_space *sp, const void *a, const void *b,
		   struct ref_sums *sums)
{
	u32 from, to;
	u64 stamp;

	for (from = 0; from < sp->dim; from = to) {
		to = min(from + REF_PART, sp->dim);
		stamp = vexfs_fpu_begin();
		vexfs_ref_add(sums, sp->type, a, b, from, to);
		vexfs_fpu_end(stamp);
		cond_resched();
	}
}

/* The sums of @n rows against the query that precedes them. Returns NULL without memory. */
static const struct ref_sums *sums_of(const struct vexfs_space *sp, enum math_kind kind,
				      const void *src, u32 n)
{
	u32 raw = vexfs_test_raw_bytes(sp->type, sp->dim);
	struct ref_sums **slot, *sums;
	u32 i = sp->dim - 1;

	if (sp->dim > SMALL_DIMS) {
		for (i = 0; i < LARGE_DIMS && vexfs_test_large_dims[i] != sp->dim; i++)
			;
		if (i == LARGE_DIMS)
			return NULL;
		i += SMALL_DIMS;
	}
	slot = &known[sp->type][kind][i];
	if (*slot)
		return *slot;
	sums = kcalloc(n, sizeof(*sums), GFP_KERNEL);
	if (!sums)
		return NULL;
	for (i = 0; i < n; i++)
		add_up(sp, src, src + (size_t)(i + 1) * raw, &sums[i]);
	*slot = sums;
	return sums;
}

/* The keys that the exact distance allows. */
static void bounds(const struct vexfs_space *sp, const struct ref_sums *sums, u32 *lo, u32 *hi)
{
	u32 lo_bits, hi_bits;
	u64 stamp = vexfs_fpu_begin();

	vexfs_ref_bounds(sums, sp->type, sp->metric, sp->dim, &lo_bits, &hi_bits);
	vexfs_fpu_end(stamp);
	*lo = vexfs_key_from_f32(lo_bits);
	*hi = vexfs_key_from_f32(hi_bits);
}

void vexfs_test_world_fill(struct kunit *test, struct math_world *w, const struct vexfs_space *sp,
			   enum math_kind kind, u32 n, u32 all, bool tail)
{
	u32 raw = vexfs_test_raw_bytes(sp->type, sp->dim);
	const struct ref_sums *sums;
	u64 seed = sp->dim * 64 + sp->type * 8 + kind;
	void *src = place(&w->src_area, (size_t)raw * (n + 1), tail);
	u32 i;

	KUNIT_ASSERT_LE(test, n, all);
	KUNIT_ASSERT_LE(test, (size_t)sp->stride * all, w->rows_area.size);
	w->sp = *sp;
	w->n = all;
	w->rows = place(&w->rows_area, (size_t)sp->stride * all, tail);
	w->query = place(&w->query_area, sp->stride, tail);
	w->aux = place(&w->aux_area, all * sizeof(u32), tail);
	w->keys = place(&w->keys_area, all * sizeof(u32), true);

	/* The query is first in the source; its neighbours in kind follow. */
	for (i = 0; i <= n; i++) {
		void *v = src + (size_t)i * raw;

		if (kind == KIND_IDENTICAL && i)
			memcpy(v, src, raw);
		else if (kind == KIND_ZEROS && i % 2)
			vexfs_test_fill(v, sp->type, sp->dim, KIND_RANDOM, &seed);
		else
			vexfs_test_fill(v, sp->type, sp->dim, kind, &seed);
	}
	/* Padding must come from the import, not from earlier contents. */
	memset(w->rows, 0xff, (size_t)sp->stride * n);
	memset(w->query, 0xff, sp->stride);
	KUNIT_ASSERT_EQ(test, 0, vexfs_math_import_raw(sp, w->query, &w->q_aux, src, raw, 1, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			vexfs_math_import_raw(sp, w->rows, w->aux, src + raw, raw, n, NULL));
	sums = sums_of(sp, kind, src, n);
	KUNIT_ASSERT_NOT_NULL(test, sums);
	for (i = 0; i < n; i++)
		bounds(sp, &sums[i], &w->lo[i], &w->hi[i]);
	for (i = 0; i < all; i++) {
		w->ptr[i] = w->rows + (size_t)i * sp->stride;
		if (i < n)
			continue;
		memcpy(w->rows + (size_t)i * sp->stride, w->ptr[i % n], sp->stride);
		w->aux[i] = w->aux[i % n];
		w->lo[i] = w->lo[i % n];
		w->hi[i] = w->hi[i % n];
	}
}

void vexfs_test_world_check(struct kunit *test, const struct math_world *w, const char *what)
{
	u32 i;

	for (i = 0; i < w->n; i++)
		if (w->keys[i] < w->lo[i] || w->keys[i] > w->hi[i])
			KUNIT_FAIL(test, "%s, dim %u, row %u: key %08x is not within %08x and %08x\n",
				   what, w->sp.dim, i, w->keys[i], w->lo[i], w->hi[i]);
}
