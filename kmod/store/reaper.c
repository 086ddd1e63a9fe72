// SPDX-License-Identifier: GPL-2.0
/*
 * The reaper takes dead slots and memory back once no reader can see them, and shrinks
 * what has become too large. Rows that a process may map are cleared on the way.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "mem/payer.h"
#include "store/internal.h"
#include "store/stream.h"

#define REAP_BATCH	32u

/* Clears rows of DEAD slots that no reader can see any more. */
static void rows_clear(struct vexfs_collection *c, const u32 *slots, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		memset((void *)vexfs_slot_row(c, slots[i]), 0, c->space.stride);
}

/* Frees a chain of slots after its grace period; true when an extent is empty now. */
static bool reap_slots(struct vexfs_collection *c, u32 head)
{
	u32 slots[REAP_BATCH];
	bool empty = false;

	while (head != VEXFS_NO_SLOT) {
		struct vexfs_index_ref *index;
		bool cleared;
		u32 n, i;
		int idx;

		for (n = 0; n < REAP_BATCH && head != VEXFS_NO_SLOT; n++) {
			struct vexfs_extent *e = vexfs_extent(c, head);

			slots[n] = head;
			head = e->next[head - e->first];
		}
		if (READ_ONCE(c->gated))
			n = vexfs_gate_hold(c, slots, n);
		idx = vexfs_read_lock(c);
		index = vexfs_index(c);
		if (index && index->ops->reuse)
			index->ops->reuse(c, index->priv, slots, n);
		vexfs_read_unlock(c, idx);

		cleared = READ_ONCE(c->zero_rows);
		if (cleared)
			rows_clear(c, slots, n);
		vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
		if (c->zero_rows && !cleared) {
			/* set since: see vexfs_rows_expose() */
			spin_unlock(&c->slots_lock);
			rows_clear(c, slots, n);
			vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
		}
		for (i = 0; i < n; i++) {
			struct vexfs_extent *e = vexfs_extent(c, slots[i]);

			vexfs_slot_free(c, e, slots[i] - e->first);
			empty |= e->nfree == e->nrows && e->first;
		}
		spin_unlock(&c->slots_lock);
		cond_resched();
	}
	return empty;
}

static void reap_garbage(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	while (g) {
		struct vexfs_garbage *next = g->next;

		g->free(c, g);
		g = next;
		cond_resched();
	}
}

/* All slots that this pass found dead are free. */
static void reap_passed(struct vexfs_collection *c)
{
	/* pairs with reap_wait() */
	smp_store_release(&c->reap_done, c->reap_begun);
	if (wq_has_sleeper(&c->reap_wait))
		wake_up_all(&c->reap_wait);
}

static void reap_pass(struct vexfs_collection *c, u32 head, u32 n, struct vexfs_garbage *g)
{
	bool empty;

	synchronize_srcu(&c->srcu);
	empty = reap_slots(c, head);
	reap_passed(c);
	if (empty)
		vexfs_extents_shrink(c);
	reap_garbage(c, g);

	c->reaped += n;
	if (c->reaped > 1024 && c->reaped > 2 * (u64)atomic64_read(&c->count)) {
		int idx = vexfs_read_lock(c);

		c->reaped = 0;
		vexfs_idmap_shrink(c);
		vexfs_read_unlock(c, idx);
	}
}

void vexfs_reap_work(struct work_struct *work)
{
	struct vexfs_collection *c = container_of(to_delayed_work(work),
						  struct vexfs_collection, reaper);
	struct mem_cgroup *payer = NULL, *before;
	struct vexfs_garbage *g;
	u32 head, n;

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	head = c->dead_head;
	n = c->dead_count;
	g = c->garbage;
	c->dead_head = VEXFS_NO_SLOT;
	c->dead_count = 0;
	c->garbage = NULL;
	c->reap_begun++;
	swap(payer, c->reap_payer);
	spin_unlock(&c->slots_lock);

	before = vexfs_payer_begin(payer);
	if (head != VEXFS_NO_SLOT || g)
		reap_pass(c, head, n, g);
	else
		reap_passed(c);
	vexfs_payer_end(before);
	vexfs_payer_put(payer);
}
VEXFS_EXPORT_KUNIT(vexfs_reap_work);

void vexfs_reap_all(struct vexfs_collection *c)
{
	do {
		cancel_delayed_work_sync(&c->reaper);
		vexfs_reap_work(&c->reaper.work);
	} while (c->garbage || c->dead_count);
	cancel_delayed_work_sync(&c->reaper);
}

/* Waits until a pass that begins from here on has freed its slots. */
static int reap_again(struct vexfs_collection *c)
{
	u64 begun;

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	begun = c->reap_begun;
	spin_unlock(&c->slots_lock);
	mod_delayed_work(vexfs_store_wq, &c->reaper, 0);
	/* pairs with reap_passed() */
	return wait_event_interruptible(c->reap_wait, smp_load_acquire(&c->reap_done) > begun) ?
	       -EINTR : 0;
}

int vexfs_reap_slots(struct vexfs_collection *c)
{
	/* slots first, then the extents they leave behind, then what that retired */
	return reap_again(c) ?: reap_again(c) ?: reap_again(c) ?: reap_again(c);
}
VEXFS_EXPORT_KUNIT(vexfs_reap_slots);

/* ---- mapped rows ---- */

/* Clears the FREE rows of an extent, while nobody reserves any. */
static void extent_clear(struct vexfs_collection *c, struct vexfs_extent *e)
{
	u32 row, n;

	for (row = 0; row < e->nrows; row += max(n, 1u)) {
		for (n = 0; row + n < e->nrows && READ_ONCE(e->state[row + n]) == VEXFS_SLOT_FREE; n++)
			;
		memset(e->rows + (size_t)row * c->space.stride, 0, (size_t)n * c->space.stride);
	}
}

/* Writers are kept out for one extent at a time. */
static int clear_all_free(struct vexfs_collection *c)
{
	struct vexfs_extent *e;
	struct vexfs_dir *d;
	u32 number;

	/* without writers no extent is being made that does not see the flag */
	if (down_write_killable(&c->quiesce))
		return -EINTR;
	/* slots that are FREE already are cleared below, later ones by the reaper */
	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	WRITE_ONCE(c->zero_rows, true);
	spin_unlock(&c->slots_lock);
	up_write(&c->quiesce);

	for (number = 0; number < READ_ONCE(c->nextents); number++) {
		/* and no slot is FILLING */
		if (down_write_killable(&c->quiesce))
			return -EINTR;
		mutex_lock(&c->grow_lock);
		d = vexfs_dir(c);
		e = number < d->room ? d->ext[number] : NULL;
		if (e)
			extent_clear(c, e);
		mutex_unlock(&c->grow_lock);
		up_write(&c->quiesce);
		cond_resched();
	}
	/* pairs with vexfs_rows_expose(): the rows before the flag */
	smp_store_release(&c->rows_clear, true);
	return 0;
}

/* Waits until slots that are DEAD now are FREE. */
static int reap_wait(struct vexfs_collection *c)
{
	u64 pass;

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	/* the pass in progress has them, or the next one will */
	pass = c->reap_begun + (c->dead_head != VEXFS_NO_SLOT);
	spin_unlock(&c->slots_lock);
	/* pairs with reap_passed(): the rows are cleared */
	if (smp_load_acquire(&c->reap_done) >= pass)
		return 0;
	mod_delayed_work(vexfs_store_wq, &c->reaper, 0);
	return wait_event_killable(c->reap_wait, smp_load_acquire(&c->reap_done) >= pass) ? -EINTR : 0;
}

int vexfs_rows_expose(struct vexfs_collection *c)
{
	int err = smp_load_acquire(&c->rows_clear) ? 0 : clear_all_free(c);

	/* rows that are kept for storage would be seen */
	if (!err && READ_ONCE(c->gated))
		err = vexfs_durable_wait(c, vexfs_seq(c), 0, true);
	return err ?: reap_wait(c);
}
