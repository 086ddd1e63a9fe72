/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Collections and vectors for suites that need some: made-up f32 vectors without
 * an f32 in sight, as the bits of floats.
 */
#ifndef _VEXFS_KUNIT_VECTORS_H
#define _VEXFS_KUNIT_VECTORS_H

#include <kunit/test.h>

#include "store/store.h"

#define TEST_DIM	16u

typedef u32 float_bits;

/* The vector of a version of an id: whole numbers and halves between -8 and 8. */
void vexfs_test_vector(float_bits *v, u32 dim, u64 id, u32 version);

/* A collection of f32 under L2 that nobody else knows; asserts that it was made. */
struct vexfs_collection *vexfs_test_collection(struct kunit *test, const char *name, u32 dim,
					       u32 attr_size);
struct vexfs_collection *vexfs_test_collection_of(struct kunit *test, const char *name, u32 type,
						  u32 metric, u32 dim, u32 attr_size);
/* The same with codes beside the rows. */
struct vexfs_collection *vexfs_test_collection_coded(struct kunit *test, const char *name, u32 type,
						     u32 metric, u32 dim, u32 attr_size);
/* One whose changes wait for storage, not published yet. */
struct vexfs_collection *vexfs_test_collection_durable(struct kunit *test, const char *name,
						       u32 dim);
void vexfs_test_collection_end(struct vexfs_collection *c);

/* Puts @n vectors with ids from @first on; *@seq, if not NULL: of the last one. */
int vexfs_test_put(struct vexfs_collection *c, u64 first, u32 n, u32 flags, u64 *seq);
int vexfs_test_delete(struct vexfs_collection *c, const u64 *ids, u32 n, u32 flags);

#endif
