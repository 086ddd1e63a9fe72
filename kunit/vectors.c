// SPDX-License-Identifier: GPL-2.0
/*
 * Collections and vectors for suites. Nothing is tested here.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/index.h"
#include "index/vector.h"
#include "vectors.h"

/* The bits of x / 2 as an f32, for |x| < 2^23. */
static float_bits half_of(int x)
{
	u32 sign = x < 0 ? 1u << 31 : 0, a = x < 0 ? -x : x, top;

	if (!a)
		return 0;
	top = fls(a) - 1;
	return sign | (127 - 1 + top) << 23 | ((a << (23 - top)) & 0x7fffff);
}

void vexfs_test_vector(float_bits *v, u32 dim, u64 id, u32 version)
{
	u64 x = id * 0x9e3779b97f4a7c15ULL + version;
	u32 i;

	for (i = 0; i < dim; i++) {
		x ^= x >> 29;
		x = x * 0xbf58476d1ce4e5b9ULL + i + 1;
		v[i] = half_of((int)(x >> 40) % 33 - 16);
	}
}

static struct vexfs_collection *collection(struct kunit *test, const char *name, u32 type,
					   u32 metric, u32 dim, u32 attr_size, u32 code,
					   u8 durability)
{
	const struct vexfs_create req = { .index = VEXFS_INDEX_NONE, .code = code };
	struct vexfs_spec *spec = kunit_kzalloc(test, sizeof(*spec), GFP_KERNEL);
	struct vexfs_collection *c = NULL;

	KUNIT_ASSERT_NOT_NULL(test, spec);
	KUNIT_ASSERT_EQ(test, vexfs_space_init(&spec->space, type, metric, dim), 0);
	KUNIT_ASSERT_EQ(test, vexfs_index_spec(&req, spec), 0);
	strscpy(spec->name, name, sizeof(spec->name));
	spec->mode = 0600;
	spec->attr_size = attr_size;
	spec->durability = durability;
	KUNIT_ASSERT_EQ(test, vexfs_collection_create(spec, &c), 0);
	kunit_kfree(test, spec);
	return c;
}

struct vexfs_collection *vexfs_test_collection_of(struct kunit *test, const char *name, u32 type,
						  u32 metric, u32 dim, u32 attr_size)
{
	return collection(test, name, type, metric, dim, attr_size, VEXFS_CODE_NONE,
			  VEXFS_DURABILITY_NONE);
}

struct vexfs_collection *vexfs_test_collection_coded(struct kunit *test, const char *name, u32 type,
						     u32 metric, u32 dim, u32 attr_size)
{
	return collection(test, name, type, metric, dim, attr_size, VEXFS_CODE_I8,
			  VEXFS_DURABILITY_NONE);
}

struct vexfs_collection *vexfs_test_collection_durable(struct kunit *test, const char *name,
						       u32 dim)
{
	return collection(test, name, VEXFS_TYPE_F32, VEXFS_METRIC_L2, dim, 0, VEXFS_CODE_NONE,
			  VEXFS_DURABILITY_GROUP);
}

struct vexfs_collection *vexfs_test_collection(struct kunit *test, const char *name, u32 dim,
					       u32 attr_size)
{
	return vexfs_test_collection_of(test, name, VEXFS_TYPE_F32, VEXFS_METRIC_L2, dim,
					attr_size);
}

int vexfs_test_put(struct vexfs_collection *c, u64 first, u32 n, u32 flags, u64 *seq)
{
	u32 dim = c->space.dim, i;
	float_bits *v = kvcalloc(n, dim * sizeof(*v), GFP_KERNEL);
	u64 *ids = kvcalloc(n, sizeof(*ids), GFP_KERNEL);
	struct vexfs_put_part p = { .flags = flags, .n = n, .ids = ids, .vectors = v };
	int err = -ENOMEM;

	for (i = 0; ids && v && i < n; i++) {
		ids[i] = first + i;
		vexfs_test_vector(v + (size_t)i * dim, dim, first + i, 1);
	}
	if (ids && v)
		err = vexfs_put_vectors(c, &p);
	if (seq)
		*seq = p.seq;
	kvfree(ids);
	kvfree(v);
	return err;
}

void vexfs_test_collection_end(struct vexfs_collection *c)
{
	vexfs_collection_put(c);
	vexfs_store_settle();
}

int vexfs_test_delete(struct vexfs_collection *c, const u64 *ids, u32 n, u32 flags)
{
	struct vexfs_mutation m = {
		.op = VEXFS_MUTATE_DELETE, .flags = flags, .ids = ids, .n = n,
	};
	int err = vexfs_write_begin(c, n, 0);

	if (err)
		return err;
	err = vexfs_mutate(c, &m);
	vexfs_write_end(c, n - m.done);
	return err;
}
