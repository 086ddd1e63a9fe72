// SPDX-License-Identifier: GPL-2.0
/*
 * What a pool under pool_debug=1 watches for: buffers given back twice, that
 * were never ours, written beyond their end or after they were given back. A
 * misuse is reported and counted, and the buffer is not used again. None
 * of this runs unless the tier asks for it.
 *
 * Each buffer has a trailer behind it that tells its state. What lies between
 * the bytes asked for and the trailer is filled with a pattern, and so is a
 * whole buffer while nobody uses it, except for the link at its beginning.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/tier.h"

#define MAGIC		0x7665786673706f6fULL
#define FILL_IDLE	0x6b
#define FILL_BEYOND	0xbb

enum state {
	IDLE = 0x1d1e,
	USED = 0x05ed,
};

/* Written by whoever has the buffer in hand; the registry by anyone. */
struct trailer {
	u64 magic;
	u32 state;
	u32 size;
};

static_assert(sizeof(struct trailer) <= VEXFS_TIER_TRAILER);

static const char *const fault_names[VEXFS_FAULTS] = {
	[VEXFS_FAULT_DOUBLE_FREE] = "was given back twice",
	[VEXFS_FAULT_FOREIGN] = "was never ours",
	[VEXFS_FAULT_OVERRUN] = "was written beyond its end",
	[VEXFS_FAULT_USE_AFTER_FREE] = "was written after it was given back",
	[VEXFS_FAULT_SIZE] = "is given back with another size",
};

static struct trailer *trailer_of(struct vexfs_tier *t, const void *p)
{
	return (struct trailer *)((char *)p + t->bytes);
}

static unsigned long key_of(const void *p)
{
	return (unsigned long)p / VEXFS_POOL_ALIGN;
}

static void report_fault(struct vexfs_tier *t, enum vexfs_tier_fault what, const void *p)
{
	atomic_inc(&t->faults[what]);
	if (t->fault)
		t->fault(t, what, p);
	else
		WARN(1, "pool %s: buffer %p %s\n", t->name, p, fault_names[what]);
}

static void mark_idle(struct vexfs_tier *t, void *p)
{
	struct trailer *tr = trailer_of(t, p);

	memset(p, FILL_IDLE, t->bytes);
	tr->magic = MAGIC;
	tr->size = 0;
	tr->state = IDLE;
}

int vexfs_debug_learn(struct vexfs_tier *t, void *p)
{
	unsigned long flags;
	int err;

	mark_idle(t, p);
	/* Never waits, so the lock is not let go in between, whatever our context. */
	xa_lock_irqsave(&t->known, flags);
	err = xa_err(__xa_store(&t->known, key_of(p), p, GFP_ATOMIC | __GFP_NOWARN));
	xa_unlock_irqrestore(&t->known, flags);
	return err;
}

void vexfs_debug_forget(struct vexfs_tier *t, void *p)
{
	unsigned long flags;

	xa_lock_irqsave(&t->known, flags);
	__xa_erase(&t->known, key_of(p));
	xa_unlock_irqrestore(&t->known, flags);
}

void vexfs_debug_alloc(struct vexfs_tier *t, void *p, size_t size)
{
	const size_t link = sizeof(struct llist_node);
	struct trailer *tr = trailer_of(t, p);

	if (tr->magic != MAGIC || tr->state != IDLE ||
	    memchr_inv((char *)p + link, FILL_IDLE, t->bytes - link))
		report_fault(t, VEXFS_FAULT_USE_AFTER_FREE, p);
	memset((char *)p + size, FILL_BEYOND, t->bytes - size);
	tr->magic = MAGIC;
	tr->size = size;
	tr->state = USED;
}

bool vexfs_debug_free(struct vexfs_tier *t, void *p, size_t size)
{
	struct trailer *tr = trailer_of(t, p);

	/* Before anything is read: a foreign pointer may point anywhere. */
	if (!IS_ALIGNED((unsigned long)p, VEXFS_POOL_ALIGN) ||
	    xa_load(&t->known, key_of(p)) != p) {
		report_fault(t, VEXFS_FAULT_FOREIGN, p);
		return false;
	}
	if (tr->magic == MAGIC && cmpxchg(&tr->state, USED, IDLE) == IDLE) {
		report_fault(t, VEXFS_FAULT_DOUBLE_FREE, p);
		return false;
	}
	if (tr->magic != MAGIC ||
	    memchr_inv((char *)p + tr->size, FILL_BEYOND, t->bytes - tr->size))
		report_fault(t, VEXFS_FAULT_OVERRUN, p);
	else if (tr->size != size)
		report_fault(t, VEXFS_FAULT_SIZE, p);
	mark_idle(t, p);
	return true;
}
