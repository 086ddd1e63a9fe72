// SPDX-License-Identifier: GPL-2.0
/*
 * Renaming: a row gets another id, or a temporary file becomes a row. The module has no
 * rename, so the row is stored under its new id and then deleted under the old one. In
 * between both exist; at no time is neither there.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "coll.h"

/* One side of a rename. */
struct end {
	struct node *n;
	uint64_t id;
	const char *scratch;	/* its name; NULL for a row */
	bool opened;		/* only this rename uses the draft */
};

static int delete_row(struct coll *c, uint64_t id)
{
	struct vexfs_delete del = { .count = 1, .ids = (uintptr_t)&id };
	struct vexfs *h;
	int err;

	h = coll_use(c, &err);
	if (!h)
		return err;
	err = coll_errno(vexfs_do_delete(h, &del, NULL));
	coll_unuse(c);
	coll_touched(c);
	return err;
}

/* Both drafts are complete: one request stores both. */
static int exchange_rows(struct coll *c, const struct end *a, const struct end *b)
{
	size_t row = c->st.row_bytes, rec = c->st.attr_size;
	unsigned char *both = malloc(2 * (row + rec + 1));
	uint64_t ids[2] = { a->id, b->id };
	struct vexfs_put put = {
		.flags = VEXFS_PUT_UPDATE, .format = VEXFS_FORMAT_RAW, .count = 2,
		.ids = (uintptr_t)ids, .vectors = (uintptr_t)both,
	};
	struct vexfs *h;
	int err;

	if (!both)
		return ENOMEM;
	memcpy(both, b->n->draft->data, row);
	memcpy(both + row, a->n->draft->data, row);
	memcpy(both + 2 * row, b->n->draft->attr, rec);
	memcpy(both + 2 * row + rec, a->n->draft->attr, rec);
	put.attrs = rec ? (uintptr_t)(both + 2 * row) : 0;
	h = coll_use(c, &err);
	if (h) {
		err = coll_errno(vexfs_do_put(h, &put, NULL));
		coll_unuse(c);
		coll_touched(c);
	}
	free(both);
	return err;
}

static void end_close(struct end *e)
{
	if (!e->opened)
		return;
	e->n->draft->opens--;
	draft_drop_if_unused(e->n);
	/* The lookup of the rename still holds it. */
	node_unpin(e->n);
}

static int end_open(struct end *e)
{
	int err;

	if (e->n->temp)
		return 0;
	if (e->scratch)
		return ENOENT;
	err = draft_open(e->n, true);
	e->opened = !err;
	return err;
}

/* For a row that is stored: writes back what has changed since. */
static bool whole_row(const struct end *e)
{
	return !e->n->temp && !e->n->draft->spoiled &&
	       e->n->draft->size == e->n->coll->st.row_bytes;
}

static int exchange(struct coll *c, struct end *from, struct end *to)
{
	int err = end_open(from) ?: end_open(to);

	if (!err && (!whole_row(from) || !whole_row(to)))
		err = EINVAL;
	if (!err)
		err = exchange_rows(c, from, to);
	if (!err) {
		from->n->draft->dirty = to->n->draft->dirty = false;
		/* Open descriptors follow to the new name. */
		node_unlist(from->n);
		node_unlist(to->n);
		node_rename(from->n, to->id, NULL);
		node_rename(to->n, from->id, NULL);
	}
	end_close(from);
	end_close(to);
	return err;
}

/* Returns 0 when the name exists. */
static int exists(const struct end *e)
{
	if (e->n->temp)
		return 0;
	return e->scratch ? ENOENT : row_stat(e->n->coll, e->id, NULL);
}

static int to_scratch(struct end *from, struct end *to, unsigned int flags)
{
	/* A stored row cannot become a temporary file: that would delete it. */
	if (!from->scratch)
		return exists(from) ?: EINVAL;
	if (!from->n->temp)
		return ENOENT;
	if (!exists(to)) {
		if (flags & RENAME_NOREPLACE)
			return EEXIST;
		draft_unlink(to->n);
	}
	node_unlist(to->n);
	return node_rename(from->n, 0, to->scratch) ? 0 : ENOMEM;
}

static int to_row(struct coll *c, struct end *from, struct end *to, unsigned int flags)
{
	bool temp = from->n->temp;
	int err;

	err = end_open(from);
	if (err)
		return err;
	if ((flags & RENAME_NOREPLACE) && !exists(to))
		err = EEXIST;
	if (!err)
		err = draft_store_as(from->n, to->id, false);
	if (!err && !temp)
		err = delete_row(c, from->id);
	if (!err) {
		draft_unlink(to->n);
		if (temp)
			node_set_temp(from->n, false);
		node_rename(from->n, to->id, NULL);
		if (from->n->draft->kept)
			draft_unkeep(from->n);
	}
	draft_drop_if_unused(from->n);
	end_close(from);
	return err;
}

static int rename_locked(struct coll *c, struct end *from, struct end *to, unsigned int flags)
{
	if (flags & RENAME_EXCHANGE)
		return from->scratch || to->scratch ? EINVAL : exchange(c, from, to);
	return to->scratch ? to_scratch(from, to, flags) : to_row(c, from, to, flags);
}

static int end_of(struct coll *c, const char *name, struct end *e)
{
	memset(e, 0, sizeof(*e));
	if (strlen(name) > 255)
		return ENAMETOOLONG;
	if (is_scratch_name(name))
		e->scratch = name;
	else if (!id_from_name(name, &e->id))
		return EINVAL;
	e->n = node_lookup(c, NODE_ROW, e->id, e->scratch);
	return e->n ? 0 : ENOMEM;
}

static void lock_both(struct node *a, struct node *b)
{
	pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned int flags)
{
	struct node *dir = node_of(parent), *newdir = node_of(newparent);
	struct end from, to = { 0 };
	int err;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE)) {
		reply_err(req, EINVAL);
		return;
	}
	if (dir->kind != NODE_BY_ID || newdir->kind != NODE_BY_ID) {
		reply_err(req, dir->kind == newdir->kind ? EPERM : EXDEV);
		return;
	}
	if (dir->coll != newdir->coll) {
		reply_err(req, EXDEV);
		return;
	}
	err = end_of(dir->coll, name, &from);
	if (err == EINVAL)
		err = ENOENT;
	if (!err)
		err = end_of(dir->coll, newname, &to);
	if (!err && from.n != to.n) {
		lock_both(from.n, to.n);
		err = rename_locked(dir->coll, &from, &to, flags);
		pthread_mutex_unlock(&from.n->lock);
		pthread_mutex_unlock(&to.n->lock);
	}
	if (from.n)
		node_forget(from.n, 1);
	if (to.n)
		node_forget(to.n, 1);
	reply_err(req, err);
}
