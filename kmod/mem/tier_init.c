// SPDX-License-Identifier: GPL-2.0
/*
 * Creation of a tier with its cache and its reserve, and its end.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/tier_priv.h"

static void *cache_get(struct vexfs_tier *t, gfp_t gfp)
{
	return kmem_cache_alloc(t->cache, gfp);
}

static int fill_reserve(struct vexfs_tier *t, u32 n)
{
	while (t->spare_n < n) {
		void *p = vexfs_tier_slab_get(t, GFP_KERNEL);

		if (!p)
			return -ENOMEM;
		if (!t->per_slab) {
			size_t slab = page_size(virt_to_head_page(p));

			t->per_slab = max_t(size_t, 1, slab / kmem_cache_size(t->cache));
		}
		vexfs_chain_push(&t->spare, p);
		t->spare_n++;
	}
	t->spare_size = n;
	return 0;
}

int vexfs_tier_init(struct vexfs_tier *t, const char *name, u32 bytes, u32 size, u32 spare,
		    bool debug)
{
	u32 room = bytes + (debug ? VEXFS_TIER_TRAILER : 0);
	char cache_name[32];
	int err = -ENOMEM;

	memset(t, 0, sizeof(*t));
	t->name = name;
	t->bytes = bytes;
	t->get = cache_get;
	t->debug = debug;
	t->wait_ms = 1000;
	raw_spin_lock_init(&t->lock);
	init_waitqueue_head(&t->waiters);
	mutex_init(&t->manage);
	init_llist_head(&t->returned);
	xa_init_flags(&t->known, XA_FLAGS_LOCK_IRQ);
	t->cpu = alloc_percpu(struct vexfs_tier_cpu);
	t->slab_uses = kvcalloc(SLAB_HASH_SIZE, sizeof(*t->slab_uses), GFP_KERNEL);
	snprintf(cache_name, sizeof(cache_name), "vexfs_%s", name);
	/* Users' bytes are copied straight into buffers and out of them. */
	t->cache = kmem_cache_create_usercopy(cache_name, room, VEXFS_POOL_ALIGN,
					      VEXFS_SLAB_NO_MERGE, 0, bytes, NULL);
	if (!t->cpu || !t->slab_uses || !t->cache)
		goto fail;
	err = fill_reserve(t, max(spare, 1u));
	if (err)
		goto fail;
	mutex_lock(&t->manage);
	err = vexfs_tier_resize(t, size);
	mutex_unlock(&t->manage);
	if (err)
		goto fail;
	atomic64_set(&t->resizes, 0);
	return 0;
fail:
	vexfs_tier_exit(t);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_init);

void vexfs_tier_exit(struct vexfs_tier *t)
{
	int cpu;

	if (t->cpu && t->slab_uses && t->cache) {
		/* No task uses the tier any more, on any CPU, online or not. */
		for_each_possible_cpu(cpu)
			vexfs_tier_gather_dead(t, cpu);
		vexfs_tier_trim(t, 0, U32_MAX);
		vexfs_tier_slab_put(t, t->spare);
	}
	if (t->cache) {
		/* A buffer that was never given back makes the cache complain. */
		kmem_cache_destroy(t->cache);
	}
	xa_destroy(&t->known);
	kvfree(t->slab_uses);
	free_percpu(t->cpu);
	t->cache = NULL;
	t->slab_uses = NULL;
	t->cpu = NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_tier_exit);
