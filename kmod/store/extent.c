// SPDX-License-Identifier: GPL-2.0
/*
 * Where rows lie: extents and their columns, and slots, which are handed out in runs. A
 * row never moves, and is never written while somebody may read it.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "mem/user.h"
#include "store/internal.h"

#define SMALL_EXTENT_BYTES	(16u << 10)	/* rows of extent 0, about */
#define FIRST_ROOM		16u		/* of the first directory */

/* ---- extents ---- */

static size_t extent_row_bytes(const struct vexfs_collection *c, u32 nrows)
{
	return (size_t)nrows * c->space.stride;
}

static size_t extent_code_bytes(const struct vexfs_collection *c, u32 nrows)
{
	return PAGE_ALIGN((size_t)nrows * c->code_bytes);
}

static size_t extent_column_bytes(const struct vexfs_collection *c, u32 nrows)
{
	return (size_t)nrows * (sizeof(u64) + sizeof(struct vexfs_span) + sizeof(u32) +
				sizeof(u32) + c->attr_size + 1);
}

/*
 * Contiguous pages if they are available without reclaim, otherwise NULL. @zero: 0 or __GFP_ZERO.
 */
static void *block_alloc(size_t bytes, gfp_t zero)
{
	return alloc_pages_exact(bytes, VEXFS_GFP_SPARE | zero);
}

static void *rows_alloc(size_t bytes, gfp_t gfp)
{
	void *rows = NULL;

	if (get_order(bytes) <= get_order(VEXFS_EXTENT_BYTES))
		rows = block_alloc(bytes, gfp & __GFP_ZERO);
	return rows ?: vexfs_user_vmalloc(bytes, gfp);
}

static void rows_free(void *rows, size_t bytes)
{
	if (is_vmalloc_addr(rows))
		vfree(rows);
	else if (rows)
		free_pages_exact(rows, bytes);
}

static void extent_free(struct vexfs_collection *c, struct vexfs_extent *e)
{
	size_t codes = e->codes ? extent_code_bytes(c, e->nrows) : 0;

	rows_free(e->rows, e->block);
	rows_free(e->codes, codes);
	if (e->block == extent_row_bytes(c, e->nrows))
		kvfree(e->ids);
	vexfs_collection_uncharge(c, e->bytes + codes);
	kfree(e);
}

static void extent_gone(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_extent *e = container_of(g, struct vexfs_extent, garbage);

	vexfs_index_extent_gone(c, e);
	extent_free(c, e);
}

/*
 * Rows take somewhat less than a power of two, which is what the page allocator hands out.
 * The columns go behind the rows where they fit and leave no more than an eighth unused.
 * Both are then in the same large page, and no tail is given back page by page.
 */
static size_t extent_block(size_t rows, size_t columns)
{
	size_t room = PAGE_SIZE << get_order(rows);

	if (rows + columns <= room && room - rows - columns <= room / 8 &&
	    room <= VEXFS_EXTENT_BYTES)
		return room;
	return rows;
}

/* Allocates rows and columns, in one piece or two. */
static void extent_memory(struct vexfs_extent *e, size_t rows, size_t columns, gfp_t zero)
{
	if (e->block > rows)
		e->rows = block_alloc(e->block, zero);
	if (e->rows) {
		e->ids = e->rows + rows;
		return;
	}
	e->block = rows;
	e->rows = rows_alloc(rows, VEXFS_GFP_USER | zero);
	e->ids = vexfs_user_alloc(columns, VEXFS_GFP_USER);
}

static struct vexfs_extent *extent_new(struct vexfs_collection *c, u32 number)
{
	u32 nrows = vexfs_extent_rows(c, number);
	size_t bytes = extent_row_bytes(c, nrows);
	size_t columns = extent_column_bytes(c, nrows);
	size_t codes = c->code ? extent_code_bytes(c, nrows) : 0;
	size_t all = sizeof(struct vexfs_extent) + max(extent_block(bytes, columns), bytes + columns);
	bool zero = READ_ONCE(c->zero_rows);
	struct vexfs_extent *e;
	u8 *p;
	int err;

	err = vexfs_collection_charge(c, all + codes);
	if (err)
		return ERR_PTR(err);
	e = vexfs_user_room(all + codes) ? kzalloc(sizeof(*e), VEXFS_GFP_USER) : NULL;
	if (!e) {
		vexfs_collection_uncharge(c, all + codes);
		return ERR_PTR(-ENOMEM);
	}
	e->bytes = all;
	e->nrows = nrows;
	e->block = extent_block(bytes, columns);
	extent_memory(e, bytes, columns, zero ? __GFP_ZERO : 0);
	if (codes)
		e->codes = rows_alloc(codes, VEXFS_GFP_USER);
	if (!e->rows || !e->ids || (codes && !e->codes)) {
		if (!e->codes)
			vexfs_collection_uncharge(c, codes);
		extent_free(c, e);
		return ERR_PTR(-ENOMEM);
	}
	/* from the beginning each writer makes the codes of its rows */
	e->coding = codes ? ~0ul : 0;
	e->coded = e->coding;
	if (codes)
		WRITE_ONCE(c->has_codes, true);
	p = (u8 *)e->ids + nrows * sizeof(u64);
	e->spans = (struct vexfs_span *)p;
	p += nrows * sizeof(struct vexfs_span);
	e->aux = (u32 *)p;
	p += nrows * sizeof(u32);
	e->next = (u32 *)p;
	p += nrows * sizeof(u32);
	if (c->attr_size)
		e->attrs = p;
	p += (size_t)nrows * c->attr_size;
	e->state = p;
	memset(e->state, VEXFS_SLOT_FREE, nrows);
	e->first = vexfs_extent_first(c, number);
	e->nfree = nrows;
	e->garbage.free = extent_gone;
	return e;
}

/* ---- codes that come later ---- */

void *vexfs_codes_get(struct vexfs_collection *c, const struct vexfs_extent *e)
{
	size_t bytes = extent_code_bytes(c, e->nrows);
	void *codes;

	static_assert(VEXFS_EXTENT_BYTES / VEXFS_ROW_ALIGN <= VEXFS_CODED_ROWS * BITS_PER_LONG);
	if (vexfs_collection_charge(c, bytes))
		return NULL;
	codes = vexfs_user_room(bytes) ? rows_alloc(bytes, VEXFS_GFP_SPARE) : NULL;
	if (!codes)
		vexfs_collection_uncharge(c, bytes);
	return codes;
}

void vexfs_codes_give(struct vexfs_collection *c, struct vexfs_extent *e, void *codes)
{
	size_t bytes = extent_code_bytes(c, e->nrows);

	/* readers that see the codes see their neutral contents */
	if (cmpxchg(&e->codes, NULL, codes)) {
		rows_free(codes, bytes);
		vexfs_collection_uncharge(c, bytes);
	}
	WRITE_ONCE(c->has_codes, true);
}

/* ---- the directory ---- */

static void dir_free(struct vexfs_collection *c, struct vexfs_garbage *g)
{
	struct vexfs_dir *d = container_of(g, struct vexfs_dir, garbage);

	vexfs_collection_uncharge(c, struct_size(d, ext, d->room));
	kvfree(d);
}

static struct vexfs_dir *dir_new(struct vexfs_collection *c, u32 room)
{
	struct vexfs_dir *d;
	int err = vexfs_collection_charge(c, struct_size(d, ext, room));

	if (err)
		return ERR_PTR(err);
	d = vexfs_user_alloc(struct_size(d, ext, room), VEXFS_GFP_USER | __GFP_ZERO);
	if (!d) {
		vexfs_collection_uncharge(c, struct_size(d, ext, room));
		return ERR_PTR(-ENOMEM);
	}
	d->room = room;
	d->garbage.free = dir_free;
	return d;
}

/* The bitmap of @room extents that have FREE slots. */
static size_t free_bytes(u32 room)
{
	return BITS_TO_LONGS(room) * sizeof(long);
}

static unsigned long *free_new(struct vexfs_collection *c, u32 room)
{
	unsigned long *bits;
	int err = vexfs_collection_charge(c, free_bytes(room));

	if (err)
		return ERR_PTR(err);
	bits = vexfs_user_alloc(free_bytes(room), VEXFS_GFP_USER | __GFP_ZERO);
	if (bits)
		return bits;
	vexfs_collection_uncharge(c, free_bytes(room));
	return ERR_PTR(-ENOMEM);
}

static void free_free(struct vexfs_collection *c, unsigned long *bits, u32 room)
{
	vexfs_collection_uncharge(c, free_bytes(room));
	kvfree(bits);
}

/* Doubles the directory and its bitmap; grow_lock held. */
static int dir_double(struct vexfs_collection *c)
{
	struct vexfs_dir *old = vexfs_dir(c);
	struct vexfs_dir *d = dir_new(c, old->room * 2);
	unsigned long *bits, *old_bits;

	if (IS_ERR(d))
		return PTR_ERR(d);
	bits = free_new(c, d->room);
	if (IS_ERR(bits)) {
		dir_free(c, &d->garbage);
		return PTR_ERR(bits);
	}
	memcpy(d->ext, old->ext, old->room * sizeof(d->ext[0]));

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	bitmap_copy(bits, c->free_extents, old->room);
	old_bits = c->free_extents;
	c->free_extents = bits;
	rcu_assign_pointer(c->dir, d);
	spin_unlock(&c->slots_lock);

	free_free(c, old_bits, old->room);
	vexfs_retire(c, &old->garbage);
	return 0;
}

/* Adds an extent with the lowest free number. */
static int extents_grow(struct vexfs_collection *c)
{
	struct vexfs_extent *e;
	struct vexfs_dir *d;
	u32 number;
	int err = 0;

	if (mutex_lock_interruptible(&c->grow_lock))
		return -EINTR;
	d = vexfs_dir(c);

	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	number = find_first_bit(c->free_extents, d->room);
	spin_unlock(&c->slots_lock);
	if (number < d->room)
		goto out;	/* another writer was faster */

	for (number = 0; number < d->room && d->ext[number]; number++)
		;
	if ((u64)vexfs_extent_first(c, number) + vexfs_extent_rows(c, number) > VEXFS_SLOTS_MAX) {
		err = -ENOSPC;
		goto out;
	}
	if (number == d->room) {
		err = dir_double(c);
		if (err)
			goto out;
		d = vexfs_dir(c);
	}
	e = extent_new(c, number);
	if (IS_ERR(e)) {
		err = PTR_ERR(e);
		goto out;
	}
	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	/* pairs with vexfs_extent(): the columns before the extent */
	smp_store_release(&d->ext[number], e);
	__set_bit(number, c->free_extents);
	spin_unlock(&c->slots_lock);
	if (number >= c->nextents)
		WRITE_ONCE(c->nextents, number + 1);
out:
	mutex_unlock(&c->grow_lock);
	return err;
}

/* ---- slots ---- */

/* Cuts a run out of an extent that has FREE slots; slots_lock held. */
static void carve(struct vexfs_collection *c, u32 number, u32 want, struct vexfs_run *run)
{
	struct vexfs_extent *e = vexfs_dir(c)->ext[number];
	u8 *p = memchr(e->state + e->hint, VEXFS_SLOT_FREE, e->nrows - e->hint);
	u32 row, n, most;

	row = p - e->state;
	most = min(want, e->nrows - row);
	for (n = 1; n < most && e->state[row + n] == VEXFS_SLOT_FREE; n++)
		;
	memset(e->state + row, VEXFS_SLOT_FILLING, n);
	e->nfree -= n;
	e->hint = row + n;
	if (!e->nfree)
		__clear_bit(number, c->free_extents);
	run->ext = e;
	run->row = row;
	run->n = n;
}

int vexfs_reserve(struct vexfs_collection *c, u32 want, struct vexfs_run *run)
{
	int err;

	lockdep_assert_held_read(&c->quiesce);
	want = min(want, VEXFS_RUN_LONG);
	for (;;) {
		u32 room, number;

		vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
		room = vexfs_dir(c)->room;
		number = find_first_bit(c->free_extents, room);
		if (number < room)
			carve(c, number, want, run);
		spin_unlock(&c->slots_lock);
		if (number < room) {
			/* FILLING before whatever the caller writes: see vexfs_dead_had() */
			smp_wmb();
			return 0;
		}

		err = extents_grow(c);
		if (err)
			return err;
	}
}
VEXFS_EXPORT_KUNIT(vexfs_reserve);

void vexfs_slot_free(struct vexfs_collection *c, struct vexfs_extent *e, u32 row)
{
	WRITE_ONCE(e->state[row], VEXFS_SLOT_FREE);
	if (!e->nfree++)
		__set_bit(vexfs_extent_number(c, e->first), c->free_extents);
	e->hint = min(e->hint, row);
}

/*
 * No reader has seen these slots, so they need no grace period. Their rows may not have
 * been written, and must not show old memory to a later mapping.
 */
void vexfs_unreserve(struct vexfs_collection *c, const struct vexfs_run *run)
{
	u32 i;

	memset(vexfs_run_rows(c, run), 0, extent_row_bytes(c, run->n));
	vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
	for (i = run->n; i--;)
		vexfs_slot_free(c, run->ext, run->row + i);
	spin_unlock(&c->slots_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_unreserve);

void vexfs_extents_shrink(struct vexfs_collection *c)
{
	struct vexfs_extent *e;
	struct vexfs_dir *d;
	u32 number, last = 0;

	mutex_lock(&c->grow_lock);
	d = vexfs_dir(c);
	for (number = 1; number < c->nextents; number++) {
		bool gone = false;

		e = d->ext[number];
		if (!e)
			continue;
		if (READ_ONCE(e->nfree) == e->nrows) {
			vexfs_lock(&c->slots_lock, VEXFS_LOCK_SLOTS);
			if (e->nfree == e->nrows) {
				__clear_bit(number, c->free_extents);
				WRITE_ONCE(d->ext[number], NULL);
				gone = true;
			}
			spin_unlock(&c->slots_lock);
		}
		if (gone)
			vexfs_retire(c, &e->garbage);
		else
			last = number;
	}
	if (c->nextents)
		WRITE_ONCE(c->nextents, last + 1);
	mutex_unlock(&c->grow_lock);
}

/* ---- beginning and end ---- */

int vexfs_extents_init(struct vexfs_collection *c)
{
	u32 stride = c->space.stride;
	/* a whole number of pages for every stride */
	u32 least = stride % PAGE_SIZE ? ilog2(PAGE_SIZE) - __ffs(stride) : 0;
	unsigned long *bits;
	struct vexfs_dir *d;

	c->small_shift = max_t(u32, least, ilog2(max(SMALL_EXTENT_BYTES / stride, 1u)));
	c->full_shift = max_t(u32, c->small_shift, ilog2(max(VEXFS_EXTENT_BYTES / stride, 1u)));
	c->dead_head = VEXFS_NO_SLOT;
	d = dir_new(c, FIRST_ROOM);
	if (IS_ERR(d))
		return PTR_ERR(d);
	bits = free_new(c, FIRST_ROOM);
	if (IS_ERR(bits)) {
		dir_free(c, &d->garbage);
		return PTR_ERR(bits);
	}
	c->free_extents = bits;
	rcu_assign_pointer(c->dir, d);
	return 0;
}

/* Called when no reader, writer or reaper is active. */
void vexfs_extents_destroy(struct vexfs_collection *c)
{
	struct vexfs_dir *d = vexfs_dir(c);
	struct vexfs_extent *e;
	u32 number;

	if (!d)
		return;
	WARN_ON_ONCE(c->garbage || c->reap_payer);
	vexfs_for_each_extent(d, number, e) {
		extent_free(c, e);
		cond_resched();
	}
	free_free(c, c->free_extents, d->room);
	dir_free(c, &d->garbage);
}
