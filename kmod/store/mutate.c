// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of collections. Every change passes vexfs_mutate(). The outcome for each vector is
 * decided under the lock of the id map, where it gets its sequence number. Where the vectors came
 * from is not known here.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mem/pool.h"
#include "store/internal.h"
#include "store/stream.h"

#define GROUP	32u	/* vectors that go under the lock together, and whose misses overlap */
#define CLAIMS	128u	/* vectors claimed before they go into the index together */

/* Waits for another writer, between claim and publish. The caller holds no claim. */
static int wait_busy(struct vexfs_collection *c, u64 id)
{
	return wait_event_interruptible(c->busy_wait, !vexfs_idmap_is_busy(c, id)) ? -EINTR : 0;
}

/* Errors that would hit all vectors that follow. */
static bool ends_batch(int err)
{
	return err == -ENOMEM || err == -EINTR;
}

/*
 * Puts or claims one id; makes memory for it and waits for other writers where needed.
 * With @claims_held it must not wait: -EBUSY.
 */
static int put_one(struct vexfs_collection *c, struct vexfs_idput *p, bool claims_held)
{
	int err;

	for (;;) {
		p->leaf = NULL;
		vexfs_ids_lock(c);
		err = vexfs_idmap_put(c, p);
		vexfs_ids_unlock(c);
		if (err == -EAGAIN)
			err = vexfs_idmap_grow(c, p->tag);
		else if (err == -EBUSY && !claims_held)
			err = wait_busy(c, p->id);
		else
			return err;
		if (err)
			return err;
	}
}

static void set_error(struct vexfs_mutation *m, u32 i, int err)
{
	if (m->errors)
		m->errors[i] = err;
}

/* True when the batch continues after a vector that was refused with this error. */
static bool batch_goes_on(const struct vexfs_mutation *m, int err)
{
	return (m->flags & VEXFS_PUT_CONTINUE) && !ends_batch(err);
}

/* Gives back @n slots of the run, from @from on, that no reader has seen. */
static void run_cut(struct vexfs_collection *c, const struct vexfs_run *run, u32 from, u32 n)
{
	struct vexfs_run rest = { .ext = run->ext, .row = run->row + from, .n = n };

	if (n)
		vexfs_unreserve(c, &rest);
}

/* ---- put without an index: every vector is one step ---- */

/*
 * The common case of a bulk load: ids that count up, all of them new. Returns how many were
 * stored, 0 when it is not that case. *@simple is where the next attempt makes sense.
 */
static u32 put_counting(struct vexfs_collection *c, struct vexfs_mutation *m, u32 first,
			struct vexfs_idput *p, u32 *simple)
{
	u32 n = vexfs_idmap_counting(m->ids + first, m->n - first);
	bool stored;

	*simple = first + n;
	if (n < GROUP)
		return 0;
	vexfs_stack_check(m->stack);
	p->id = m->ids[first];
	p->slot = vexfs_run_slot(&m->run) + first;
	vexfs_ids_lock(c);
	stored = vexfs_idmap_put_counting(c, p, n);
	vexfs_ids_unlock(c);
	if (!stored)
		return 0;
	if (m->errors)
		memset(m->errors + first, 0, n * sizeof(*m->errors));
	m->tried += n;
	m->done += n;
	return n;
}

/**
 * struct put_group - up to GROUP vectors of a run that are decided together
 * @n: number of vectors
 * @tried: how many were decided
 * @nold: slots in @old
 * @refused: bit j: vector j was not stored
 * @tags: hashes of the ids
 * @next: where the group behind this one begins
 * @ahead: hashes of its ids
 * @old: slots that were replaced
 */
struct put_group {
	u32 n;
	u32 tried;
	u32 nold;
	u32 refused;
	u32 tags[GROUP];
	u32 next;
	u32 ahead[GROUP];
	u32 old[GROUP];
};

/*
 * One hold of the lock for all of a group, unless an id is busy or its shard full. Returns
 * the error that ends the batch. Refused slots are given back later, without the lock:
 * that clears rows, which may be long.
 */
static int put_locked(struct vexfs_collection *c, struct vexfs_mutation *m, u32 first,
		      struct vexfs_idput *p, struct put_group *g)
{
	u32 slot = vexfs_run_slot(&m->run) + first;
	int err = 0;
	u32 j;

	vexfs_stack_check(m->stack);
	p->leaf = NULL;
	vexfs_ids_lock(c);
	for (j = 0; j < g->n && !err; j++) {
		int e;

		p->id = m->ids[first + j];
		p->tag = g->tags[j];
		p->slot = slot + j;
		e = vexfs_idmap_put(c, p);
		if (unlikely(e == -EAGAIN || e == -EBUSY)) {
			vexfs_ids_unlock(c);
			e = put_one(c, p, false);
			p->leaf = NULL;
			vexfs_ids_lock(c);
		}
		if (unlikely(e == -EINTR)) {
			err = e;
			break;
		}
		set_error(m, first + j, e);
		if (unlikely(e)) {
			g->refused |= 1u << j;
			if (!batch_goes_on(m, e))
				err = e;
		} else if (p->old != VEXFS_NO_SLOT) {
			g->old[g->nold++] = p->old;
		}
	}
	vexfs_ids_unlock(c);
	g->tried = j;
	return err;
}

/* Hashes of up to GROUP ids; prefetches what the map will read for them. */
static void tags_ahead(struct vexfs_collection *c, struct vexfs_mutation *m, u32 first, u32 *tags)
{
	if (first < m->n)
		vexfs_idmap_tags(c, m->ids + first, min(GROUP, m->n - first), tags);
}

static int put_group(struct vexfs_collection *c, struct vexfs_mutation *m, u32 first,
		     struct vexfs_idput *p, struct put_group *g)
{
	unsigned long refused;
	int err;
	u32 j;

	g->n = min(GROUP, m->n - first);
	g->nold = 0;
	g->refused = 0;
	if (first == g->next)
		memcpy(g->tags, g->ahead, sizeof(g->tags));
	else
		tags_ahead(c, m, first, g->tags);
	g->next = first + g->n;
	tags_ahead(c, m, g->next, g->ahead);
	err = put_locked(c, m, first, p, g);
	m->tried += g->tried;
	m->done += g->tried - hweight32(g->refused);
	m->replaced += g->nold;
	vexfs_slots_dead(c, g->old, g->nold);
	refused = g->refused;
	for_each_set_bit(j, &refused, GROUP)
		run_cut(c, &m->run, first + j, 1);
	return err;
}

static int put_plain(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	struct vexfs_idput p = { .flags = m->flags, .keep_attrs = !m->attrs };
	struct put_group g = { .next = m->n };
	u32 simple = 0, i, n;
	int err = 0;

	for (i = 0; i < m->n && !err; i += n) {
		n = i >= simple ? put_counting(c, m, i, &p, &simple) : 0;
		if (!n) {
			err = put_group(c, m, i, &p, &g);
			n = g.tried;
		}
	}
	/* after an error that ended the batch */
	run_cut(c, &m->run, i, m->n - i);
	m->seq = p.seq;
	return err;
}

/* ---- put with an index: claim, into the index, publish ---- */

/**
 * struct put_batch - claims of one batch between the two steps
 * @n: number of claims
 * @nold: slots in @old
 * @p: the claims
 * @slots: their new slots
 * @old: slots that were replaced
 */
struct put_batch {
	u32 n;
	u32 nold;
	struct vexfs_idput p[CLAIMS];
	u32 slots[CLAIMS];
	u32 old[CLAIMS];
};

static_assert(sizeof(struct put_batch) <= VEXFS_LARGE_BYTES);

static int batch_finish(struct vexfs_collection *c, struct vexfs_index_ref *index,
			struct vexfs_mutation *m, struct put_batch *b)
{
	u32 i;
	int err;

	if (!b->n)
		return 0;
	err = index->ops->insert(c, index->priv, b->slots, b->n, m->stack);
	b->nold = 0;
	vexfs_ids_lock(c);
	for (i = 0; i < b->n; i++) {
		struct vexfs_idput *p = &b->p[i];

		if (i && !(i % GROUP)) {
			/* other writers wait for the lock */
			vexfs_ids_unlock(c);
			vexfs_ids_lock(c);
		}
		if (err) {
			vexfs_idmap_abort(c, p);
			WRITE_ONCE(vexfs_slot_span(c, p->slot)->to, 0);
			vexfs_slot_set_state(c, p->slot, VEXFS_SLOT_DEAD);
			set_error(m, p->slot - vexfs_run_slot(&m->run), err);
			continue;
		}
		vexfs_idmap_publish(c, p);
		m->seq = p->seq;
		m->done++;
		if (p->old != VEXFS_NO_SLOT)
			b->old[b->nold++] = p->old;
	}
	vexfs_ids_unlock(c);
	if (wq_has_sleeper(&c->busy_wait))
		wake_up_all(&c->busy_wait);
	if (err) {
		vexfs_slots_dead(c, b->slots, b->n);
	} else if (b->nold) {
		m->replaced += b->nold;
		index->ops->remove(c, index->priv, b->old, b->nold, m->stack);
		vexfs_slots_dead(c, b->old, b->nold);
	}
	b->n = 0;
	return err;
}

static int put_indexed(struct vexfs_collection *c, struct vexfs_index_ref *index,
		       struct vexfs_mutation *m)
{
	u32 first = vexfs_run_slot(&m->run);
	struct put_batch *b;
	int err = 0, e;
	u32 i = 0;

	b = vexfs_pool_alloc(sizeof(*b), VEXFS_GFP_USER);
	if (!b) {
		run_cut(c, &m->run, 0, m->n);
		return -ENOMEM;
	}
	b->n = 0;
	while (i < m->n && !err) {
		struct vexfs_idput *p;

		if (b->n == CLAIMS) {
			err = batch_finish(c, index, m, b);
			continue;
		}
		p = &b->p[b->n];
		*p = (struct vexfs_idput) {
			.id = m->ids[i],
			.tag = vexfs_idmap_tag(c, m->ids[i]),
			.slot = first + i,
			.flags = m->flags,
			.claim = true,
			.keep_attrs = !m->attrs,
		};
		e = put_one(c, p, b->n);
		if (e == -EBUSY) {
			err = batch_finish(c, index, m, b);
			continue;	/* without claims it may wait */
		}
		if (e == -EINTR) {
			err = e;
			break;
		}
		set_error(m, i, e);
		if (e) {
			run_cut(c, &m->run, i, 1);
			if (!batch_goes_on(m, e)) {
				i++;
				err = e;
				break;
			}
		} else {
			b->slots[b->n++] = p->slot;
		}
		i++;
	}
	/* vectors that were claimed before the failure are still stored */
	e = batch_finish(c, index, m, b);
	if (e)
		err = e;
	m->tried = i;
	run_cut(c, &m->run, i, m->n - i);
	vexfs_pool_free(b, sizeof(*b));
	return err;
}

static int mutate_put(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	struct vexfs_extent *e = m->run.ext;
	u32 row = m->run.row;
	struct vexfs_index_ref *index;
	u64 seq = READ_ONCE(c->seq);
	int idx, err;
	u32 i;

	/* the numbers that they will have when nobody else writes, or had */
	for (i = 0; i < m->n; i++) {
		WRITE_ONCE(e->spans[row + i].from, m->seqs ? m->seqs[i] : ++seq);
		WRITE_ONCE(e->spans[row + i].to, VEXFS_FOREVER);
	}
	memcpy(e->ids + row, m->ids, m->n * sizeof(u64));
	if (e->attrs) {
		void *attrs = vexfs_run_attrs(c, &m->run);

		if (m->attrs)
			memcpy(attrs, m->attrs, (size_t)m->n * c->attr_size);
		else
			memset(attrs, 0, (size_t)m->n * c->attr_size);
	}

	/* rows, ids, spans and records before the states that say they are there */
	smp_wmb();
	idx = vexfs_read_lock(c);
	vexfs_idmap_leaves(c, m->ids, m->n);
	index = vexfs_index(c);
	if (index)
		err = put_indexed(c, index, m);
	else
		err = put_plain(c, m);
	vexfs_read_unlock(c, idx);

	atomic64_add(m->done - m->replaced, &c->count);
	return err;
}

/* ---- delete ---- */

/*
 * Up to GROUP ids under one hold of the lock. Returns the error that ends the batch;
 * @old has the *@nold slots that the ids meant.
 */
static int remove_locked(struct vexfs_collection *c, struct vexfs_mutation *m, u32 first,
			 u32 n, const u32 *tags, u32 *old, u32 *nold)
{
	int err = 0;
	u32 j;

	*nold = 0;
	vexfs_stack_check(m->stack);
	vexfs_ids_lock(c);
	for (j = 0; j < n && !err; j++) {
		u64 id = m->ids[first + j];
		int e;

		while ((e = vexfs_idmap_remove(c, id, tags[j], &old[*nold])) == -EBUSY) {
			vexfs_ids_unlock(c);
			e = wait_busy(c, id);
			vexfs_ids_lock(c);
			if (e)
				break;
		}
		if (unlikely(e == -EINTR)) {
			err = e;
			break;
		}
		set_error(m, first + j, e);
		m->tried++;
		if (!e) {
			++*nold;
			m->seq = c->decided;
		} else if (!(m->flags & VEXFS_DELETE_CONTINUE) || ends_batch(e)) {
			err = e;
		}
	}
	vexfs_ids_unlock(c);
	return err;
}

static int mutate_delete(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	struct vexfs_index_ref *index;
	u32 tags[GROUP], old[GROUP];
	u32 i, n, nold;
	int idx, err = 0;

	idx = vexfs_read_lock(c);
	index = vexfs_index(c);
	for (i = 0; i < m->n && !err; i += n) {
		n = min(GROUP, m->n - i);
		vexfs_idmap_tags(c, m->ids + i, n, tags);
		err = remove_locked(c, m, i, n, tags, old, &nold);
		m->done += nold;
		atomic64_sub(nold, &c->count);
		if (nold && index)
			index->ops->remove(c, index->priv, old, nold, m->stack);
		vexfs_slots_dead(c, old, nold);
	}
	vexfs_read_unlock(c, idx);
	return err;
}

/* ---- changes of the collection as a whole ---- */

static int mutate_set(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	int err;

	if (m->set->what & VEXFS_SET_DURABILITY)
		return vexfs_durability_set(c, m);
	err = vexfs_write_begin(c, 1, 0);
	if (err)
		return err;
	err = vexfs_registry_set(c, m->set, m->set_layout, &m->seq);
	m->done = !err;
	vexfs_write_end(c, !m->done);
	return err;
}

/* Nobody but who made it knows it before; and its writers do after the gate is there. */
static int mutate_create(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	int err;

	if (down_write_killable(&c->quiesce))
		return -EINTR;
	if (c->durability != VEXFS_DURABILITY_NONE)
		vexfs_gate_on(c, c->restoring);
	err = vexfs_registry_add(c);
	m->done = !err;
	if (!err)
		c->restoring = false;
	else if (c->gated)
		vexfs_gate_off(c);
	up_write(&c->quiesce);
	return err;
}

/* No writer is active: none gets a sequence number after that of the drop. */
static int mutate_drop(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	int err = vexfs_change_begin(c, m->forced);

	if (err)
		return err;
	if (m->empty && atomic64_read(&c->count))
		err = -ENOTEMPTY;
	else
		err = vexfs_registry_remove(c, &m->seq);
	m->done = !err;
	vexfs_change_end(c, !m->done);
	return err;
}

static void tell_readers(struct vexfs_collection *c)
{
	struct vexfs_stream *s = READ_ONCE(c->stream);

	if (s)
		vexfs_stream_tell(s);
}

int vexfs_mutate(struct vexfs_collection *c, struct vexfs_mutation *m)
{
	int err = -EINVAL;

	m->done = 0;
	m->tried = 0;
	m->replaced = 0;
	m->seq = 0;
	switch (m->op) {
	case VEXFS_MUTATE_PUT:
		lockdep_assert_held_read(&c->quiesce);
		err = mutate_put(c, m);
		break;
	case VEXFS_MUTATE_DELETE:
		lockdep_assert_held_read(&c->quiesce);
		err = mutate_delete(c, m);
		break;
	case VEXFS_MUTATE_SET:
		err = mutate_set(c, m);
		break;
	case VEXFS_MUTATE_CREATE:
		err = mutate_create(c, m);
		if (!err)
			vexfs_registry_changed(VEXFS_EVENT_CREATED, c);
		break;
	case VEXFS_MUTATE_DROP:
		err = mutate_drop(c, m);
		if (!err)
			vexfs_registry_changed(VEXFS_EVENT_DROPPED, c);
		break;
	case VEXFS_MUTATE_FORGET:
		err = vexfs_registry_forget(c);
		m->done = !err;
		if (!err)
			vexfs_registry_changed(VEXFS_EVENT_DROPPED, c);
		break;
	}
	if (m->seq)
		tell_readers(c);
	/* changes of vectors are waited for at the end of the request */
	if (!err && !m->forced && (m->op == VEXFS_MUTATE_SET || m->op == VEXFS_MUTATE_DROP))
		err = vexfs_durable_wait(c, m->seq, 0, false);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_mutate);
