// SPDX-License-Identifier: GPL-2.0
/*
 * Vector ops on kernel memory. Vectors are converted and checked straight into
 * the slots they will live in, a run at a time, and become visible by
 * vexfs_mutate(); nothing is written twice.
 */
#include <linux/kernel.h>
#include <linux/prefetch.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/vector.h"
#include "mem/pool.h"
#include "store/stream.h"

int vexfs_vector_import(const struct vexfs_collection *c, u32 format, void *rows, u32 *aux,
			const void *src, u32 n, u32 *bad)
{
	size_t step = vexfs_format_bytes(c, format);

	if (format == VEXFS_FORMAT_F32)
		return vexfs_math_import_f32(&c->space, rows, aux, src, step, n, bad);
	return vexfs_math_import_raw(&c->space, rows, aux, src, step, n, bad);
}
VEXFS_EXPORT_KUNIT(vexfs_vector_import);

void vexfs_vector_export(const struct vexfs_collection *c, u32 format, void *dst,
			 const void *row, u32 aux)
{
	if (format == VEXFS_FORMAT_F32)
		vexfs_math_export_f32(&c->space, dst, row, aux);
	else
		memcpy(dst, row, c->space.row_bytes);
}

/* Stores the first @n of a filled run; the run shrinks by them. */
static int put_filled(struct vexfs_collection *c, struct vexfs_put_part *p,
		      struct vexfs_run *run, u32 n)
{
	u32 at = p->tried;
	struct vexfs_mutation m = {
		.op = VEXFS_MUTATE_PUT,
		.flags = p->flags,
		.run = { .ext = run->ext, .row = run->row, .n = n },
		.ids = p->ids + at,
		.attrs = p->attrs ? p->attrs + (size_t)at * c->attr_size : NULL,
		.seqs = p->seqs ? p->seqs + at : NULL,
		.n = n,
		.errors = p->errors ? p->errors + at : NULL,
		.stack = p->stack,
	};
	void *codes = vexfs_run_codes(c, run);
	int err;

	if (!n)
		return 0;
	if (codes)
		vexfs_math_code_rows(&c->space, codes, vexfs_run_rows(c, run),
				     run->ext->aux + run->row, n);
	err = vexfs_mutate(c, &m);
	run->row += n;
	run->n -= n;
	p->done += m.done;
	p->tried += m.tried;
	p->seq = m.seq ?: p->seq;
	return err;
}

#define AWAY_BYTES	(32u << 10)	/* rows from which on stores bypass the cache */

/*
 * Many rows that only a later search reads bypass the cache. An index and codes read
 * them at once, and a few rows are read soon.
 */
static int import_run(struct vexfs_collection *c, struct vexfs_put_part *p,
		      struct vexfs_run *run, u32 *bad)
{
	size_t step = vexfs_format_bytes(c, p->format);
	const void *src = p->vectors + p->tried * step;
	void *rows = vexfs_run_rows(c, run);
	u32 *aux = run->ext->aux + run->row;
	bool away = run->n * (size_t)c->space.stride >= AWAY_BYTES && !vexfs_run_codes(c, run) &&
		!rcu_access_pointer(c->index);

	if (p->paged) {
		struct vexfs_paged left = *p->paged;

		left.off += p->tried * step;
		return vexfs_math_import_paged(&c->space, rows, aux, &left, run->n, bad, away);
	}
	if (away)
		return vexfs_math_import_away(&c->space, p->format != VEXFS_FORMAT_F32, rows, aux,
					      src, step, run->n, bad);
	return vexfs_vector_import(c, p->format, rows, aux, src, run->n, bad);
}

/* Stores one run: imports the vectors and skips those that are refused. */
static int put_run(struct vexfs_collection *c, struct vexfs_put_part *p, struct vexfs_run *run)
{
	int err = 0;

	while (run->n && !err) {
		u32 n = run->n, bad = 0;
		int domain = import_run(c, p, run, &bad);

		if (domain && domain != -EDOM)
			return domain;
		err = put_filled(c, p, run, domain ? bad : n);
		if (err || !domain)
			break;
		if (p->errors)
			p->errors[p->tried] = domain;
		p->tried++;
		if (!(p->flags & VEXFS_PUT_CONTINUE))
			return domain;
		/* the slot of the refused vector is the next one's */
		if (run->n > p->n - p->tried) {
			struct vexfs_run last = *run;

			last.row += run->n - 1;
			last.n = 1;
			run->n--;
			vexfs_unreserve(c, &last);
		}
	}
	return err;
}

/* Takes as many slots as are free; sets @full when the next vector has none. */
static int put_runs(struct vexfs_collection *c, struct vexfs_put_part *p, bool *full)
{
	struct vexfs_run run = { };
	u32 n = p->n - p->tried, before = p->done;
	int err = p->nowait && !p->tried ? vexfs_write_try(c) :
					   vexfs_write_begin(c, n, p->deadline_ns);

	*full = false;
	if (err)
		return err;
	if (p->busy)
		p->busy(p->arg, true);
	while (p->tried < p->n && !err) {
		err = vexfs_reserve(c, p->n - p->tried, &run);
		if (err) {
			*full = err != -EINTR;
			break;
		}
		err = put_run(c, p, &run);
		if (run.n)
			vexfs_unreserve(c, &run);
	}
	if (p->busy)
		p->busy(p->arg, false);
	vexfs_write_end(c, n - (p->done - before));
	return err;
}

int vexfs_put_vectors(struct vexfs_collection *c, struct vexfs_put_part *p)
{
	bool full;
	int err;

	p->done = 0;
	p->tried = 0;
	p->seq = 0;
	err = put_runs(c, p, &full);
	if (!full)
		return err;
	if (p->nowait && !p->tried)
		return -EAGAIN;
	/* freeing recently deleted slots may suffice; nobody else waits for their readers */
	err = vexfs_reap_slots(c) ?: put_runs(c, p, &full);
	if (!full || !READ_ONCE(c->gated))
		return err;
	/* and what is kept for storage */
	return vexfs_durable_wait(c, vexfs_seq(c), p->deadline_ns, true) ?: vexfs_reap_slots(c) ?:
	       put_runs(c, p, &full);
}
VEXFS_EXPORT_KUNIT(vexfs_put_vectors);

static void get_one(struct vexfs_collection *c, struct vexfs_get_part *p, u32 i, u32 slot)
{
	size_t bytes = vexfs_format_bytes(c, p->format);
	void *vector = p->vectors ? p->vectors + i * bytes : NULL;
	void *attrs = p->attrs ? p->attrs + (size_t)i * c->attr_size : NULL;

	p->errors[i] = slot == VEXFS_NO_SLOT ? -ENOENT : 0;
	if (slot == VEXFS_NO_SLOT) {
		if (vector)
			memset(vector, 0, bytes);
		if (attrs)
			memset(attrs, 0, c->attr_size);
		return;
	}
	p->done++;
	if (vector)
		vexfs_vector_export(c, p->format, vector, vexfs_slot_row(c, slot),
				    vexfs_slot_aux(c, slot));
	if (attrs && c->attr_size)
		memcpy(attrs, vexfs_slot_attrs(c, slot), c->attr_size);
}

void vexfs_get_vectors(struct vexfs_collection *c, struct vexfs_get_part *p)
{
	u32 slots[32];
	u32 i, j, n;
	int idx;

	p->done = 0;
	idx = vexfs_read_lock(c);
	for (i = 0; i < p->n; i += n) {
		n = min_t(u32, p->n - i, ARRAY_SIZE(slots));
		vexfs_find_many(c, p->ids + i, n, slots);
		for (j = 0; j < n; j++)
			get_one(c, p, i + j, slots[j]);
	}
	vexfs_read_unlock(c, idx);
}
VEXFS_EXPORT_KUNIT(vexfs_get_vectors);

int vexfs_row_by_id(struct vexfs_collection *c, u64 id, void *row, u32 *aux)
{
	int idx = vexfs_read_lock(c);
	u32 slot = vexfs_find(c, id);

	if (slot != VEXFS_NO_SLOT) {
		memcpy(row, vexfs_slot_row(c, slot), c->space.stride);
		*aux = vexfs_slot_aux(c, slot);
	}
	vexfs_read_unlock(c, idx);
	return slot == VEXFS_NO_SLOT ? -ENOENT : 0;
}
VEXFS_EXPORT_KUNIT(vexfs_row_by_id);

/**
 * struct distance_work - scratch of a batch of distances
 * @slots: slots of the ids
 * @rows: of those that there are
 * @aux: auxiliaries of the rows
 * @keys: distances of the rows
 */
struct distance_work {
	u32 slots[VEXFS_RUN_MAX];
	const void *rows[VEXFS_RUN_MAX];
	u32 aux[VEXFS_RUN_MAX];
	u32 keys[VEXFS_RUN_MAX];
};

int vexfs_distances(struct vexfs_collection *c, struct vexfs_op *op, const void *q, u32 q_aux,
		    const u64 *ids, u32 n, u32 *distances, s32 *errors)
{
	struct distance_work *w = vexfs_op_alloc(op, sizeof(*w), VEXFS_GFP_USER);
	u32 i, found = 0;
	int idx, err;

	if (!w)
		return -ENOMEM;
	n = min(n, VEXFS_RUN_MAX);
	idx = vexfs_read_lock(c);
	vexfs_find_many(c, ids, n, w->slots);
	for (i = 0; i < n; i++) {
		if (w->slots[i] == VEXFS_NO_SLOT)
			continue;
		w->rows[found] = vexfs_slot_row(c, w->slots[i]);
		w->aux[found++] = vexfs_slot_aux(c, w->slots[i]);
	}
	err = vexfs_math_gather(&c->space, q, q_aux, w->rows, w->aux, found, w->keys);
	vexfs_read_unlock(c, idx);

	for (found = 0, i = 0; i < n && !err; i++) {
		bool there = w->slots[i] != VEXFS_NO_SLOT;

		errors[i] = there ? 0 : -ENOENT;
		distances[i] = there ? vexfs_key_to_f32(w->keys[found++]) : VEXFS_F32_INFINITY;
	}
	op->distances += found;
	vexfs_pool_free(w, sizeof(*w));
	return err ?: found;
}

static void walk_one(struct vexfs_collection *c, struct vexfs_walk_part *p, u32 slot)
{
	size_t bytes = vexfs_format_bytes(c, p->format);

	p->ids[p->n] = vexfs_slot_id(c, slot);
	if (p->vectors)
		vexfs_vector_export(c, p->format, p->vectors + p->n * bytes,
				    vexfs_slot_row(c, slot), vexfs_slot_aux(c, slot));
	if (p->attrs && c->attr_size)
		memcpy(p->attrs + (size_t)p->n * c->attr_size, vexfs_slot_attrs(c, slot),
		       c->attr_size);
	p->n++;
}

#define WALK_AHEAD	4u	/* rows prefetched before they are copied */

void vexfs_walk_vectors(struct vexfs_collection *c, struct vexfs_walk_part *p)
{
	int idx = vexfs_read_lock(c);
	u32 i, n;

	p->n = 0;
	while (p->n < p->room && p->walk.part != VEXFS_IDWALK_END) {
		n = vexfs_idwalk_step(c, &p->walk, p->slots, p->room - p->n);
		for (i = 0; i < n; i++) {
			if (p->vectors && i + WALK_AHEAD < n)
				prefetch(vexfs_slot_row(c, p->slots[i + WALK_AHEAD]));
			walk_one(c, p, p->slots[i]);
		}
		cond_resched();
	}
	vexfs_read_unlock(c, idx);
}
VEXFS_EXPORT_KUNIT(vexfs_walk_vectors);
