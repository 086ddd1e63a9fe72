// SPDX-License-Identifier: GPL-2.0
/*
 * Block: cuts many queries against many rows into FPU sections, and scans for
 * each query where there is no block shape. Which pairs qualify is decided by the
 * functions of the table.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "math/run.h"
#include "math/variant.h"

/*
 * Rows that a section takes for all its queries together: enough of them to
 * make up for reading the packed queries, few enough to stay in the cache.
 */
#define TILE_ROWS	64u

/*
 * Calls in a row in which the block of codes named too many pairs where the other did
 * not: these vectors do not fit bytes.
 */
#define CODES_LOST	4u

/**
 * struct packed - what stands before the packed queries
 * @ops: whose packed form it is: another variant may be in use by the next call. NULL
 *	for a plain copy of the queries, followed by their auxiliaries
 * @codes: whose packed form lies at @codes_at, or NULL
 * @codes_at: after this header
 * @lost: calls in a row in which @codes was of no use; anybody's to write
 */
struct packed {
	struct vexfs_math_ops *ops;
	const struct vexfs_math_codes *codes;
	size_t codes_at;
	u32 lost;
} __aligned(VEXFS_ROW_ALIGN);

static bool has_block(const struct vexfs_math_ops *ops, const struct vexfs_space *sp)
{
	return ops->block_group && sp->dim <= ops->block_max_dim;
}

static const struct vexfs_math_codes *codes_of(const struct vexfs_math_ops *ops,
					       const struct vexfs_space *sp)
{
	return ops->codes && ops->codes->group && vexfs_code_fits(sp) ? ops->codes : NULL;
}

static size_t copy_bytes(const struct vexfs_space *sp, u32 nq)
{
	return (size_t)nq * (sp->stride + sizeof(u32));
}

/* Upper bound of the bytes of the packed queries. */
static size_t packed_bytes(const struct vexfs_space *sp, u32 nq)
{
	size_t most = copy_bytes(sp, nq);
	unsigned int i;

	/* The maximum over all variants, since any of them may pack the queries. */
	for (i = 0; i < VEXFS_VARIANTS; i++) {
		const struct vexfs_math_ops *ops = &vexfs_variants[i]->ops[sp->type][sp->metric];

		if (has_block(ops, sp))
			most = max(most, ops->block_bytes(sp, nq));
	}
	return round_up(most, VEXFS_ROW_ALIGN);
}

/* Upper bound of the bytes of the queries packed as codes. */
static size_t packed_code_bytes(const struct vexfs_space *sp, u32 nq)
{
	size_t most = 0;
	unsigned int i;

	for (i = 0; i < VEXFS_VARIANTS; i++) {
		const struct vexfs_math_codes *codes =
			codes_of(&vexfs_variants[i]->ops[sp->type][sp->metric], sp);

		if (codes)
			most = max(most, codes->bytes(sp, nq));
	}
	return most;
}

size_t vexfs_math_block_bytes(const struct vexfs_space *sp, u32 nq)
{
	return sizeof(struct packed) + packed_bytes(sp, nq) +
	       round_up(packed_code_bytes(sp, nq), VEXFS_ROW_ALIGN);
}
VEXFS_EXPORT_KUNIT(vexfs_math_block_bytes);

size_t vexfs_math_block_scratch(const struct vexfs_space *sp, u32 n)
{
	return packed_code_bytes(sp, 1) ? (size_t)n * vexfs_code_step(sp) : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_block_scratch);

typedef void (*pack_fn)(const struct vexfs_space *sp, void *packed, const void *queries,
			const u32 *q_aux, u32 nq, u32 first, u32 count);

static void pack_queries(struct vexfs_pace *pace, const struct vexfs_space *sp, pack_fn fn,
			 u32 group, void *body, const void *queries, const u32 *q_aux, u32 nq)
{
	u32 units = vexfs_run_units(sp->stride), done, m;

	for (done = 0; done < nq; done += m) {
		u64 stamp;

		if (done)
			vexfs_fpu_rest();
		m = vexfs_fpu_items(pace, units, nq - done);
		m = min(max(rounddown(m, group), group), nq - done);
		stamp = vexfs_fpu_begin();
		fn(sp, body, queries, q_aux, nq, done, m);
		vexfs_fpu_learn(pace, (u64)m * units, vexfs_fpu_end(stamp));
	}
}

int vexfs_math_block_pack(const struct vexfs_space *sp, void *packed,
			  const void *queries, const u32 *q_aux, u32 nq)
{
	struct vexfs_math_ops *ops = &vexfs_variant()->ops[sp->type][sp->metric];
	struct packed *p = packed;
	void *body = p + 1;
	u32 done;

	*p = (struct packed){ .codes_at = packed_bytes(sp, nq) };
	if (unlikely(ops->fpu && !vexfs_fpu_usable())) {
		ops = &vexfs_math_scalar.ops[sp->type][sp->metric];
		if (ops->fpu)
			return vexfs_fpu_refuse();
		vexfs_fpu_went_without();
	}
	if (!ops->fpu || !has_block(ops, sp)) {
		for (done = 0; done < nq; done++) {
			memcpy(body + (size_t)done * sp->stride,
			       queries + (size_t)done * sp->stride, sp->stride);
			vexfs_fpu_rest();
		}
		memcpy(body + (size_t)nq * sp->stride, q_aux, nq * sizeof(*q_aux));
		return 0;
	}
	p->ops = ops;
	pack_queries(&ops->pace.pack, sp, ops->block_pack, ops->block_group, body, queries, q_aux,
		     nq);
	p->codes = codes_of(ops, sp);
	if (p->codes)
		pack_queries(&ops->pace.code_pack, sp, p->codes->pack, p->codes->group,
			     body + p->codes_at, queries, q_aux, nq);
	return 0;
}
VEXFS_EXPORT_KUNIT(vexfs_math_block_pack);

/* Scans for each query in turn, for types without a block shape. */
static int scan_each(const struct vexfs_space *sp, const void *queries, u32 nq, const u32 *limits,
		     const void *rows, const u32 *aux, u32 n, const struct vexfs_block_room *room)
{
	const u32 *q_aux = queries + (size_t)nq * sp->stride;
	const u32 *keys = room->keys;
	u32 q, i, j, m, found = 0;
	int err;

	for (i = 0; i < n; i += m) {
		m = min(n - i, VEXFS_BLOCK_KEYS);
		for (q = 0; q < nq; q++) {
			err = vexfs_math_scan(sp, queries + (size_t)q * sp->stride, q_aux[q],
					      rows + (size_t)i * sp->stride, aux + i, m,
					      room->keys);
			if (err)
				return err;
			for (j = 0; j < m; j++) {
				if (keys[j] > limits[q])
					continue;
				if (found == room->max_hits)
					return -EOVERFLOW;
				room->hits[found++] = (struct vexfs_block_hit){ q, i + j };
			}
			/* Every call may fit a section, all of them together do not. */
			vexfs_fpu_rest();
		}
	}
	return found;
}

/*
 * How many queries and rows the next section takes: all queries and as many rows
 * as fit, or, when that is less than a tile, a tile of rows and as many groups of
 * queries as fit.
 */
static void cut_tile(const struct vexfs_pace *pace, u32 units, u32 group, u32 nq, u32 left,
		     u32 *queries, u32 *rows)
{
	u32 m = vexfs_fpu_items(pace, units * nq, left);
	u32 tile;

	if (m == left || m >= TILE_ROWS) {
		*queries = nq;
		*rows = m == left ? m : round_down(m, TILE_ROWS);
		return;
	}
	tile = min(left, TILE_ROWS);
	m = rounddown(vexfs_fpu_items(pace, units * tile, nq), group);
	if (m) {
		*queries = m;
		*rows = tile;
		return;
	}
	*queries = min(group, nq);
	*rows = vexfs_fpu_items(pace, units * *queries, tile);
}

bool vexfs_math_block_coded(const void *packed)
{
	return ((const struct packed *)packed)->codes;
}
VEXFS_EXPORT_KUNIT(vexfs_math_block_coded);

/* Compares the numbers of the rows, or their bytes when @codes is not NULL. */
static int run_tiles(const struct packed *p, const struct vexfs_space *sp, u32 nq,
		     const u32 *limits, const void *rows, const void *codes, const u32 *aux, u32 n,
		     const struct vexfs_block_room *room)
{
	struct vexfs_math_ops *ops = p->ops;
	struct vexfs_pace *pace = codes ? &ops->pace.code_block :
					  &ops->pace.shape[VEXFS_SHAPE_BLOCK];
	u32 group = codes ? p->codes->group : ops->block_group;
	const void *packed = (const void *)(p + 1) + (codes ? p->codes_at : 0);
	u32 units = vexfs_run_units(sp->stride);
	u32 row, found = 0, m;

	for (row = 0; row < n; row += m) {
		u32 first, queries;

		cut_tile(pace, units, group, nq, n - row, &queries, &m);
		for (first = 0; first < nq; first += queries) {
			u32 count = min(queries, nq - first);
			u64 stamp;
			u32 got;

			if (row || first)
				vexfs_fpu_rest();
			stamp = vexfs_fpu_begin();
			if (codes)
				got = p->codes->block(sp, packed, nq, first, count, limits,
						      codes + (size_t)row * vexfs_code_step(sp),
						      m, row, room->hits + found,
						      room->max_hits - found);
			else
				got = ops->block(sp, packed, nq, first, count, limits,
						 rows + (size_t)row * sp->stride, aux + row,
						 m, row, room->hits + found,
						 room->max_hits - found);
			vexfs_fpu_learn(pace, (u64)count * m * units, vexfs_fpu_end(stamp));
			if (got > room->max_hits - found)
				return -EOVERFLOW;
			found += got;
		}
	}
	return found;
}

int vexfs_math_block(const struct vexfs_space *sp, void *packed, u32 nq,
		     const u32 *limits, const void *rows, const u32 *aux, u32 n,
		     const void *codes, const struct vexfs_block_room *room)
{
	struct packed *p = packed;
	u32 lost = READ_ONCE(p->lost);
	bool by_codes = p->codes && (codes || room->scratch) && lost < CODES_LOST;
	int found;

	if (WARN_ON_ONCE(n > VEXFS_BLOCK_ROWS))
		return -EINVAL;
	if (!p->ops)
		return scan_each(sp, p + 1, nq, limits, rows, aux, n, room);
	if (unlikely(!vexfs_fpu_usable()))
		return vexfs_fpu_refuse();

	if (by_codes) {
		if (!codes) {
			vexfs_code_make(p->ops, sp, room->scratch, rows, aux, n);
			codes = room->scratch;
		}
		found = run_tiles(p, sp, nq, limits, rows, codes, aux, n, room);
		if (found != -EOVERFLOW) {
			if (lost)
				WRITE_ONCE(p->lost, 0);
			return found;
		}
	}
	found = run_tiles(p, sp, nq, limits, rows, NULL, aux, n, room);
	/* when there are too many of them either way, bytes are not to blame */
	if (by_codes && found != -EOVERFLOW)
		WRITE_ONCE(p->lost, lost + 1);
	return found;
}
VEXFS_EXPORT_KUNIT(vexfs_math_block);
