/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a collection is changed.
 */
#ifndef _VEXFS_STORE_MUTATE_H
#define _VEXFS_STORE_MUTATE_H

#include "store/extent.h"

#define VEXFS_RUN_MAX	256u	/* vectors of most calls */
#define VEXFS_RUN_LONG	4096u	/* slots reserved at once, and vectors of a put */

/**
 * struct vexfs_run - slots in FILLING, one after another, that the caller fills
 * @ext: extent of the slots
 * @row: the first, as a row of @ext
 * @n: number of slots
 */
struct vexfs_run {
	struct vexfs_extent *ext;
	u32 row;
	u32 n;
};

static inline u32 vexfs_run_slot(const struct vexfs_run *r)
{
	return r->ext->first + r->row;
}

static inline void *vexfs_run_rows(const struct vexfs_collection *c, const struct vexfs_run *r)
{
	return r->ext->rows + (size_t)r->row * c->space.stride;
}

/* The codes of the rows of a run; NULL while its extent has none. */
static inline void *vexfs_run_codes(const struct vexfs_collection *c, const struct vexfs_run *r)
{
	void *codes = READ_ONCE(r->ext->codes);

	return codes ? codes + (size_t)r->row * c->code_bytes : NULL;
}

static inline void *vexfs_run_attrs(const struct vexfs_collection *c, const struct vexfs_run *r)
{
	return r->ext->attrs ? r->ext->attrs + (size_t)r->row * c->attr_size : NULL;
}

/*
 * Writing: vexfs_write_begin(), then any number of reserve, fill and mutate, then
 * vexfs_write_end(). What happens in between may sleep, but must not wait for user
 * memory nor for readers, and is kept to a batch of about VEXFS_RUN_LONG vectors. @n is
 * the number of changes that may be made, @unused how many of them were not: in a durable
 * collection the first may wait for storage, until @deadline_ns where that is not 0.
 * Begin returns -ENOENT when the collection was dropped, -EINTR when a signal came, -ETIME,
 * -EROFS, -EDEADLK. Does not nest.
 */
int vexfs_write_begin(struct vexfs_collection *c, u32 n, u64 deadline_ns);
/* Without waiting: -EAGAIN for a durable collection, and while somebody keeps writers out. */
int vexfs_write_try(struct vexfs_collection *c);
void vexfs_write_end(struct vexfs_collection *c, u32 unused);
/* The same for one change that nobody else may write beside; @forced: it does not fail. */
int vexfs_change_begin(struct vexfs_collection *c, bool forced);
void vexfs_change_end(struct vexfs_collection *c, u32 unused);

/*
 * Between one and @want (at most VEXFS_RUN_LONG) neighbouring slots. -ENOMEM, or
 * -ENOSPC when the owner's quota is used up: what was deleted lately may be enough after
 * vexfs_reap_slots(). -EINTR. May sleep. What is not given to vexfs_mutate() goes back with
 * vexfs_unreserve().
 */
int vexfs_reserve(struct vexfs_collection *c, u32 want, struct vexfs_run *run);
void vexfs_unreserve(struct vexfs_collection *c, const struct vexfs_run *run);

enum vexfs_mutation_op {
	VEXFS_MUTATE_PUT	= 1,	/* @run's vectors; between begin and end */
	VEXFS_MUTATE_DELETE	= 2,	/* @ids; between begin and end */
	VEXFS_MUTATE_SET	= 3,	/* @set: mode, owner, capacity, layout */
	VEXFS_MUTATE_CREATE	= 4,	/* the collection becomes known by its name */
	VEXFS_MUTATE_DROP	= 5,	/* ... and unknown */
	VEXFS_MUTATE_FORGET	= 6,	/* likewise at module unload, without recording a change */
};

/**
 * struct vexfs_mutation - one change of a collection
 * @op: which
 * @flags: VEXFS_PUT_INSERT, VEXFS_PUT_UPDATE (or both), VEXFS_PUT_CONTINUE;
 *	VEXFS_DELETE_CONTINUE
 * @run: put: the slots, with row, aux and code written. They no longer belong to the
 *	caller afterwards, whatever the result
 * @ids: put and delete: the ids
 * @attrs: put: attribute records, or NULL to keep the old one of an update
 *	and start with zeroes otherwise
 * @seqs: put, while the collection is restored: the numbers that the vectors had
 * @n: ids, at most VEXFS_RUN_LONG; for a put, @run.n
 * @set: what to change
 * @set_layout: the new description, in kernel memory
 * @forced: drop: waits for nobody, and does not fail for storage
 * @empty: drop: -ENOTEMPTY when there is a vector
 * @errors: put and delete: -errno or 0 of each vector tried; may be NULL
 * @stack: put and delete: of the op, measured deep inside; may be NULL
 * @done: out: vectors stored or deleted
 * @tried: out: vectors that were decided; less than @n after an error without CONTINUE,
 *	and after -EINTR, which decides nothing: it is the error of no vector
 * @replaced: out: put: of the stored, those that took the place of another
 * @seq: out: the sequence number of the last change that was made; 0 when none was
 */
struct vexfs_mutation {
	enum vexfs_mutation_op op;
	u32 flags;
	struct vexfs_run run;
	const u64 *ids;
	const void *attrs;
	const u64 *seqs;
	u32 n;
	const struct vexfs_set *set;
	const void *set_layout;
	bool forced;
	bool empty;
	s32 *errors;
	struct vexfs_stack_mark *stack;
	u32 done;
	u32 tried;
	u32 replaced;
	u64 seq;
};

/*
 * Every change of a collection's contents, settings and existence goes through this
 * function; changes of one id happen one after the other. Returns 0, or the error of the first vector that was refused (with
 * CONTINUE only errors that end the whole batch), or -ENOENT when the
 * collection was dropped, -EINTR when a signal came while it waited for a busy
 * id. May sleep; not inside vexfs_read_lock().
 */
int vexfs_mutate(struct vexfs_collection *c, struct vexfs_mutation *m);

#endif
