// SPDX-License-Identifier: GPL-2.0
/*
 * Drafts: a program writes a file in pieces, but the module stores a row as a whole. All
 * descriptors of a file share one draft.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coll.h"

static pthread_mutex_t scratch_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t scratch_bytes, scratch_files;

static struct draft *draft_new(const struct coll *c)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->data = calloc(1, c->st.row_bytes ? c->st.row_bytes : 1);
	if (!d->data) {
		free(d);
		return NULL;
	}
	return d;
}

static void draft_free(struct node *n)
{
	struct draft *d = n->draft;

	n->draft = NULL;
	if (d)
		free(d->data);
	free(d);
}

static int load(struct node *n)
{
	struct draft *d = n->draft;
	struct vexfs_get get = { 0 };
	struct vexfs *h;
	int err;

	h = coll_use(n->coll, &err);
	if (!h)
		return err;
	get.format = VEXFS_FORMAT_RAW;
	get.count = 1;
	get.ids = (uintptr_t)&n->id;
	get.vectors = (uintptr_t)d->data;
	get.attrs = n->coll->st.attr_size ? (uintptr_t)d->attr : 0;
	get.priority = VEXFS_PRIORITY_HIGH;
	err = coll_errno(vexfs_do_get(h, &get, NULL));
	coll_unuse(n->coll);
	if (!err)
		d->size = n->coll->st.row_bytes;
	return err;
}

int draft_open(struct node *n, bool want)
{
	bool new = !n->draft;
	int err = 0;

	if (new) {
		n->draft = draft_new(n->coll);
		if (!n->draft)
			return ENOMEM;
	}
	/*
	 * A program that opens it sees the current row, unless another one is writing
	 * through this mount.
	 */
	if (want && !n->temp && !n->draft->gone && !n->draft->dirty)
		err = load(n);
	if (err && new)
		draft_free(n);
	if (!err && !n->draft->opens++)
		node_pin(n);
	return err;
}

static void set_mtime(const struct coll *c, struct draft *d)
{
	struct vexfs_value v = { .type = VEXFS_FIELD_U64 };

	if (!d->mtime_set)
		clock_gettime(CLOCK_REALTIME, &d->mtime);
	d->mtime_set = false;
	if (!c->mtime)
		return;
	v.v.u = c->mtime->size == 4 ? (uint64_t)d->mtime.tv_sec :
		(uint64_t)d->mtime.tv_sec * 1000000000 + (uint64_t)d->mtime.tv_nsec;
	if (c->mtime->type == VEXFS_FIELD_I64)
		v.type = VEXFS_FIELD_I64;
	/* A value that does not fit the field leaves it unchanged. */
	vexfs_record_set(c->mtime, d->attr, &v, NULL);
}

static int put(struct coll *c, uint64_t id, const struct draft *d, unsigned int flags)
{
	struct vexfs_put req = {
		.flags = flags,
		.format = VEXFS_FORMAT_RAW,
		.count = 1,
		.ids = (uintptr_t)&id,
		.vectors = (uintptr_t)d->data,
		.attrs = c->st.attr_size ? (uintptr_t)d->attr : 0,
	};
	struct vexfs *h;
	int err;

	h = coll_use(c, &err);
	if (!h)
		return err;
	err = coll_errno(vexfs_do_put(h, &req, NULL));
	coll_unuse(c);
	if (!err)
		coll_touched(c);
	return err;
}

static bool whole(const struct node *n)
{
	return n->draft->size == n->coll->st.row_bytes && !n->draft->spoiled;
}

int draft_store(struct node *n)
{
	struct draft *d = n->draft;
	int err;

	if (!d || d->gone || n->name || !(d->dirty || d->fresh))
		return 0;
	if (!whole(n))
		return EINVAL;
	set_mtime(n->coll, d);
	err = put(n->coll, n->id, d, VEXFS_PUT_UPSERT);
	if (err)
		return err;
	d->dirty = d->fresh = false;
	if (n->temp)
		node_set_temp(n, false);
	return 0;
}

int draft_store_as(struct node *n, uint64_t id, bool only_new)
{
	struct draft *d = n->draft;
	int err;

	if (!whole(n))
		return EINVAL;
	if (d->dirty || d->fresh)
		set_mtime(n->coll, d);
	err = put(n->coll, id, d, only_new ? VEXFS_PUT_INSERT : VEXFS_PUT_UPSERT);
	if (!err)
		d->dirty = d->fresh = false;
	return err;
}

void draft_drop_if_unused(struct node *n)
{
	struct draft *d = n->draft;

	if (!d || d->opens)
		return;
	if (d->kept)
		return;
	if (n->temp)
		node_set_temp(n, false);
	if (d->fresh)
		node_unlist(n);
	draft_free(n);
}

/* Counts a temporary file, or uncounts it. */
static bool scratch_take(size_t room)
{
	bool ok;

	pthread_mutex_lock(&scratch_lock);
	ok = scratch_files < SCRATCH_FILES && scratch_bytes + room <= SCRATCH_BYTES;
	if (ok) {
		scratch_files++;
		scratch_bytes += room;
	}
	pthread_mutex_unlock(&scratch_lock);
	return ok;
}

static void scratch_give(size_t room)
{
	pthread_mutex_lock(&scratch_lock);
	scratch_files--;
	scratch_bytes -= room;
	pthread_mutex_unlock(&scratch_lock);
}

int draft_keep(struct node *n)
{
	size_t room = n->coll->st.row_bytes;

	if (!scratch_take(room))
		return ENOSPC;
	n->draft = draft_new(n->coll);
	if (!n->draft) {
		scratch_give(room);
		return ENOMEM;
	}
	n->draft->fresh = n->draft->kept = true;
	node_set_temp(n, true);
	/* Its name keeps it. */
	node_pin(n);
	return 0;
}

void draft_unkeep(struct node *n)
{
	n->draft->kept = false;
	scratch_give(n->coll->st.row_bytes);
	node_unpin(n);
}

void draft_unlink(struct node *n)
{
	if (n->temp)
		node_set_temp(n, false);
	node_unlist(n);
	if (!n->draft)
		return;
	n->draft->gone = true;
	if (n->draft->kept)
		draft_unkeep(n);
	draft_drop_if_unused(n);
}
