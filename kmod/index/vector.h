/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vector ops on kernel memory: store, read, compare. Joins the store, which knows
 * slots, and the arithmetic, which knows bytes; the data plane and the kernel
 * API bring the memory. Never touches user pointers.
 */
#ifndef _VEXFS_INDEX_VECTOR_H
#define _VEXFS_INDEX_VECTOR_H

#include "stat/op.h"
#include "store/store.h"

/* Bytes of a vector in a request of @format (enum vexfs_format, checked). */
static inline size_t vexfs_format_bytes(const struct vexfs_collection *c, u32 format)
{
	return format == VEXFS_FORMAT_F32 ? c->space.dim * 4ul : c->space.row_bytes;
}

/* True when vectors of @format have the bytes of rows, except for the padding. */
static inline bool vexfs_vector_as_is(const struct vexfs_collection *c, u32 format)
{
	return format == VEXFS_FORMAT_RAW || c->space.type == VEXFS_TYPE_F32;
}

/* As vexfs_math_import_f32() or _raw(). */
int vexfs_vector_import(const struct vexfs_collection *c, u32 format, void *rows, u32 *aux,
			const void *src, u32 n, u32 *bad);
/* Writes one row as vexfs_format_bytes() bytes. */
void vexfs_vector_export(const struct vexfs_collection *c, u32 format, void *dst,
			 const void *row, u32 aux);

/**
 * struct vexfs_put_part - vectors to store
 * @flags: VEXFS_PUT_*
 * @format: enum vexfs_format
 * @n: vectors
 * @ids: ids of the vectors
 * @vectors: @n of them, without gaps
 * @paged: or, instead, in the user's pages; only what vexfs_vector_as_is()
 * @attrs: @n attribute records, or NULL
 * @seqs: of a collection that is being restored: the numbers that they had
 * @errors: 0 or -errno of each, or NULL
 * @stack: of the op, or NULL
 * @deadline_ns: until when to wait for storage that has no room, or 0
 * @nowait: -EAGAIN, and nothing is stored, where the first of them would have to wait
 * @busy: NULL, or called with true when the part has waited for what it needs and begins to use
 *	a processor, and with false when that ends; perhaps several times
 * @arg: for that
 * @done: out: stored
 * @tried: out: decided
 * @seq: out: sequence number of the last one stored; 0 when none was
 */
struct vexfs_put_part {
	u32 flags;
	u32 format;
	u32 n;
	const u64 *ids;
	const void *vectors;
	const struct vexfs_paged *paged;
	const void *attrs;
	const u64 *seqs;
	s32 *errors;
	struct vexfs_stack_mark *stack;
	u64 deadline_ns;
	bool nowait;
	void (*busy)(void *arg, bool busy);
	void *arg;
	u32 done;
	u32 tried;
	u64 seq;
};

/* Errors as vexfs_mutate(), and -EDOM for NaN and infinity. */
int vexfs_put_vectors(struct vexfs_collection *c, struct vexfs_put_part *p);

/**
 * struct vexfs_get_part - vectors to read
 * @format: enum vexfs_format
 * @n: ids, at most VEXFS_RUN_MAX
 * @ids: ids to get
 * @vectors: where they go, or NULL
 * @attrs: where the attribute records go, or NULL
 * @errors: 0 or -ENOENT of each
 * @done: out: number found
 */
struct vexfs_get_part {
	u32 format;
	u32 n;
	const u64 *ids;
	void *vectors;
	void *attrs;
	s32 *errors;
	u32 done;
};

void vexfs_get_vectors(struct vexfs_collection *c, struct vexfs_get_part *p);

/*
 * Distances (f32 bits) from the row @q to the vectors of @n ids, at most
 * VEXFS_RUN_MAX; +infinity and -ENOENT in @errors where there is none. Returns how
 * many there were, or -errno.
 */
int vexfs_distances(struct vexfs_collection *c, struct vexfs_op *op, const void *q, u32 q_aux,
		    const u64 *ids, u32 n, u32 *distances, s32 *errors);

/* The row and aux of a stored vector, copied. -ENOENT. */
int vexfs_row_by_id(struct vexfs_collection *c, u64 id, void *row, u32 *aux);

/**
 * struct vexfs_walk_part - a part of a walk over every vector
 * @walk: in and out: how far it is
 * @format: enum vexfs_format
 * @room: vectors that fit
 * @slots: for the walk's own use, @room of them
 * @ids: room for ids
 * @vectors: where vectors go, or NULL
 * @attrs: where attribute records go, or NULL
 * @n: out: number of vectors
 */
struct vexfs_walk_part {
	struct vexfs_idwalk walk;
	u32 format;
	u32 room;
	u32 *slots;
	u64 *ids;
	void *vectors;
	void *attrs;
	u32 n;
};

void vexfs_walk_vectors(struct vexfs_collection *c, struct vexfs_walk_part *p);

#define VEXFS_F32_INFINITY	0x7f800000u

#endif
