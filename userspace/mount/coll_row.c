// SPDX-License-Identifier: GPL-2.0
/* Rows as files: by-id/ID. The kernel has checked permissions before a request arrives here. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coll.h"

int row_stat(struct coll *c, uint64_t id, void *attr)
{
	unsigned char record[VEXFS_ATTR_MAX];
	struct vexfs_get get = { 0 };
	struct vexfs *h;
	int err;

	h = coll_use(c, &err);
	if (!h)
		return err;
	get.format = VEXFS_FORMAT_RAW;
	get.count = 1;
	get.ids = (uintptr_t)&id;
	get.attrs = c->st.attr_size ? (uintptr_t)(attr ? attr : record) : 0;
	get.priority = VEXFS_PRIORITY_HIGH;
	err = coll_errno(vexfs_do_get(h, &get, NULL));
	coll_unuse(c);
	return err;
}

static void mtime_from(const struct coll *c, const void *record, struct stat *st)
{
	struct vexfs_value v;
	int64_t t;

	if (!c->mtime)
		return;
	vexfs_record_get(c->mtime, record, &v);
	t = v.type == VEXFS_FIELD_I64 ? v.v.i : (int64_t)v.v.u;
	if (c->mtime->size == 4) {
		st->st_mtim = (struct timespec){ .tv_sec = t };
	} else {
		st->st_mtim.tv_sec = t / 1000000000 - (t % 1000000000 < 0);
		st->st_mtim.tv_nsec = (t % 1000000000 + 1000000000) % 1000000000;
	}
}

int row_attr(struct node *n, struct stat *st)
{
	unsigned char record[VEXFS_ATTR_MAX] = { 0 };
	const struct draft *d;
	int err = 0;

	st->st_size = n->coll->st.row_bytes;
	pthread_mutex_lock(&n->lock);
	d = n->draft;
	if (d) {
		st->st_size = (off_t)d->size;
		st->st_nlink = d->gone ? 0 : 1;
		mtime_from(n->coll, d->attr, st);
		if (d->mtime_set)
			st->st_mtim = d->mtime;
		else if (d->fresh || d->dirty)
			clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	} else {
		err = row_stat(n->coll, n->id, record);
		mtime_from(n->coll, record, st);
	}
	st->st_ctim = st->st_mtim;
	st->st_blocks = (st->st_size + 511) / 512;
	st->st_ino = node_ino(n->coll, NODE_ROW, n->id, n->name);
	pthread_mutex_unlock(&n->lock);
	return err;
}

/* ---- open, read, write, close ---- */

static bool writes(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY;
}

static void truncate_draft(struct draft *d)
{
	d->size = 0;
	d->spoiled = false;
	d->dirty = true;
}

static int open_locked(struct node *n, struct fuse_file_info *fi)
{
	/* Truncating keeps the record. */
	int err = draft_open(n, true);

	if (err)
		return err;
	/* A draft made by mknod() becomes one that is being written. */
	if (n->draft->kept && !n->name)
		draft_unkeep(n);
	if (fi->flags & O_TRUNC)
		truncate_draft(n->draft);
	fi->fh = writes(fi);
	return 0;
}

static void close_locked(struct node *n)
{
	n->draft->opens--;
	draft_drop_if_unused(n);
}

static void close_row(struct node *n)
{
	bool last;

	pthread_mutex_lock(&n->lock);
	last = n->draft->opens == 1;
	close_locked(n);
	pthread_mutex_unlock(&n->lock);
	if (last)
		node_unpin(n);
}

void row_open(fuse_req_t req, struct node *n, struct fuse_file_info *fi)
{
	int err;

	pthread_mutex_lock(&n->lock);
	err = open_locked(n, fi);
	pthread_mutex_unlock(&n->lock);
	if (err)
		reply_err(req, err);
	else if (fuse_reply_open(req, fi) == -ENOENT)
		close_row(n);
}

/* Call it with the node's lock held: opens an existing name, or creates a draft. */
static int create_locked(struct node *n, struct fuse_file_info *fi)
{
	int err;

	if (!n->temp) {
		if (n->name) {
			err = draft_keep(n);
		} else {
			err = row_stat(n->coll, n->id, NULL);
			if (err == ENOENT) {
				err = draft_open(n, false);
				if (err)
					return err;
				n->draft->fresh = true;
				node_set_temp(n, true);
				fi->fh = writes(fi);
				return 0;
			}
			if (!err && (fi->flags & O_EXCL))
				err = EEXIST;
		}
		if (err)
			return err;
	} else if (fi->flags & O_EXCL) {
		return EEXIST;
	}
	return open_locked(n, fi);
}

/* The node for a name that is about to be created; NULL and *err. */
static struct node *new_name(struct node *dir, const char *name, int *err)
{
	bool scratch = is_scratch_name(name);
	struct node *n = NULL;
	uint64_t id = 0;

	if (dir->kind != NODE_BY_ID)
		*err = EPERM;
	else if (strlen(name) > 255)
		*err = ENAMETOOLONG;
	else if (!scratch && !id_from_name(name, &id))
		*err = EINVAL;
	else
		n = node_lookup(dir->coll, NODE_ROW, id, scratch ? name : NULL);
	if (!n && !*err)
		*err = ENOMEM;
	return n;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct fuse_entry_param e = { .generation = 1 };
	struct node *n;
	int err = 0;

	(void)mode;
	n = new_name(node_of(parent), name, &err);
	if (!n) {
		reply_err(req, err);
		return;
	}
	pthread_mutex_lock(&n->lock);
	err = create_locked(n, fi);
	pthread_mutex_unlock(&n->lock);
	if (!err) {
		err = node_attr(n, &e.attr);
		if (err)
			close_row(n);
	}
	if (err) {
		node_forget(n, 1);
		reply_err(req, err);
		return;
	}
	e.ino = (uintptr_t)n;
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		close_row(n);
		node_forget(n, 1);
	}
}

/* Tools that set attributes before they write data create files this way. */
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	struct node *n = NULL;
	int err = 0;

	(void)dev;
	if (S_ISREG(mode))
		n = new_name(node_of(parent), name, &err);
	else
		err = EPERM;
	if (n) {
		pthread_mutex_lock(&n->lock);
		if (n->temp)
			err = EEXIST;
		else if (!n->name)
			err = row_stat(n->coll, n->id, NULL) ?: EEXIST;
		if (!err || err == ENOENT)
			err = draft_keep(n);
		pthread_mutex_unlock(&n->lock);
	}
	if (!err) {
		reply_node(req, n);
		return;
	}
	if (n)
		node_forget(n, 1);
	reply_err(req, err);
}

void row_read(fuse_req_t req, struct node *n, size_t size, off_t off)
{
	const struct draft *d;

	pthread_mutex_lock(&n->lock);
	d = n->draft;
	if (!d || off < 0 || (uint64_t)off >= d->size)
		size = 0;
	else if (size > d->size - (size_t)off)
		size = d->size - (size_t)off;
	fuse_reply_buf(req, size ? (const char *)d->data + off : NULL, size);
	pthread_mutex_unlock(&n->lock);
}

static int write_locked(struct node *n, const char *buf, size_t size, uint64_t off)
{
	size_t room = n->coll->st.row_bytes;
	struct draft *d = n->draft;

	if (!d)
		return EBADF;
	if (off > room || size > room - off) {
		/* A row that was written too long is not stored, not even in part. */
		d->spoiled = true;
		return EFBIG;
	}
	if (off > d->size)
		memset(d->data + d->size, 0, off - d->size);
	memcpy(d->data + off, buf, size);
	if (off + size > d->size)
		d->size = off + size;
	d->dirty = true;
	d->mtime_set = false;
	return 0;
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	int err;

	if (n->kind == NODE_QUERY) {
		query_write(req, fi, buf, size);
		return;
	}
	if (n->kind != NODE_ROW || off < 0) {
		reply_err(req, EINVAL);
		return;
	}
	pthread_mutex_lock(&n->lock);
	err = write_locked(n, buf, size, (uint64_t)off);
	pthread_mutex_unlock(&n->lock);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, size);
}

static void store(fuse_req_t req, struct node *n, bool may)
{
	int err = 0;

	if (n->kind == NODE_ROW && may) {
		pthread_mutex_lock(&n->lock);
		err = draft_store(n);
		pthread_mutex_unlock(&n->lock);
	}
	reply_err(req, err);
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	store(req, node_of(ino), fi->fh);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	store(req, node_of(ino), fi->fh);
}

void row_release(fuse_req_t req, struct node *n)
{
	pthread_mutex_lock(&n->lock);
	/* Writes through a mapping after the last close: no caller is left to receive an error. */
	if (n->draft->dirty)
		draft_store(n);
	pthread_mutex_unlock(&n->lock);
	close_row(n);
	fuse_reply_err(req, 0);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *dir = node_of(parent), *n;
	bool scratch = is_scratch_name(name), temp;
	struct vexfs_delete del = { .count = 1 };
	uint64_t id = 0;
	struct vexfs *h;
	int err = 0;

	if (dir->kind != NODE_BY_ID) {
		reply_err(req, EPERM);
		return;
	}
	if (!scratch && !id_from_name(name, &id)) {
		reply_err(req, ENOENT);
		return;
	}
	n = node_lookup(dir->coll, NODE_ROW, id, scratch ? name : NULL);
	if (!n) {
		reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_lock(&n->lock);
	temp = n->temp;
	if (!temp && scratch)
		err = ENOENT;
	h = temp || err ? NULL : coll_use(dir->coll, &err);
	if (h) {
		del.ids = (uintptr_t)&id;
		err = coll_errno(vexfs_do_delete(h, &del, NULL));
		coll_unuse(dir->coll);
		coll_touched(dir->coll);
	}
	if (!err)
		draft_unlink(n);
	pthread_mutex_unlock(&n->lock);
	node_forget(n, 1);
	reply_err(req, err);
}

/* ---- attributes ---- */

static int truncate_row(struct node *n, off_t size)
{
	struct draft *d = n->draft;
	size_t room = n->coll->st.row_bytes;

	if (size < 0)
		return EINVAL;
	if ((uint64_t)size > room)
		return EFBIG;
	if (!d)
		return (uint64_t)size == room ? row_stat(n->coll, n->id, NULL) : EINVAL;
	if ((size_t)size > d->size)
		memset(d->data + d->size, 0, (size_t)size - d->size);
	if ((size_t)size != d->size)
		d->dirty = true;
	d->size = (size_t)size;
	d->spoiled = false;
	return 0;
}

/* Changing the attributes of a row that is not being written goes to the module at once. */
static int change(struct node *n, int (*fn)(struct node *n, const void *arg), const void *arg)
{
	bool open = n->draft, at_once = !open || !(n->draft->dirty || n->temp);
	int err = open ? 0 : draft_open(n, true);

	if (err)
		return err;
	err = fn(n, arg);
	if (!err && at_once) {
		n->draft->dirty = true;
		err = draft_store(n);
	} else if (!err) {
		n->draft->dirty = true;
	}
	if (!open) {
		/* The kernel has looked it up, so this reference is not the last one. */
		close_locked(n);
		node_unpin(n);
	}
	return err;
}

static int set_time(struct node *n, const void *arg)
{
	n->draft->mtime = *(const struct timespec *)arg;
	n->draft->mtime_set = true;
	return 0;
}

struct field_value {
	const struct vexfs_field *f;
	const struct vexfs_value *v;
};

static int set_field(struct node *n, const void *arg)
{
	const struct field_value *fv = arg;

	/* A copy sets the time of its original, and that stays. */
	if (fv->f == n->coll->mtime) {
		uint64_t t = fv->v->v.u;

		n->draft->mtime = fv->f->size == 4 ? (struct timespec){ .tv_sec = (time_t)t } :
				  (struct timespec){ (time_t)(t / 1000000000),
						     (long)(t % 1000000000) };
		n->draft->mtime_set = true;
	}
	return -vexfs_record_set(fv->f, n->draft->attr, fv->v, NULL);
}

int row_set_field(struct node *n, const struct vexfs_field *f, const struct vexfs_value *v)
{
	const struct field_value fv = { f, v };
	int err;

	pthread_mutex_lock(&n->lock);
	err = change(n, set_field, &fv);
	pthread_mutex_unlock(&n->lock);
	return err;
}

int row_record(struct node *n, void *attr)
{
	int err = 0;

	pthread_mutex_lock(&n->lock);
	if (n->draft)
		memcpy(attr, n->draft->attr, VEXFS_ATTR_MAX);
	else
		err = row_stat(n->coll, n->id, attr);
	pthread_mutex_unlock(&n->lock);
	return err;
}

/* Mode and owner of a row are those of its collection. */
static int row_owner(struct node *n, const struct stat *attr, int what)
{
	struct stat now;
	int err;

	if (opt->quiet || !(what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		return 0;
	err = node_attr(n, &now);
	if (err)
		return err;
	if (((what & FUSE_SET_ATTR_MODE) && (attr->st_mode ^ now.st_mode) & 07777) ||
	    ((what & FUSE_SET_ATTR_UID) && attr->st_uid != now.st_uid) ||
	    ((what & FUSE_SET_ATTR_GID) && attr->st_gid != now.st_gid))
		return EPERM;
	return 0;
}

static int row_setattr(struct node *n, const struct stat *attr, int what)
{
	struct timespec t = attr->st_mtim;
	int err = row_owner(n, attr, what);

	if (err)
		return err;
	pthread_mutex_lock(&n->lock);
	if (what & FUSE_SET_ATTR_SIZE)
		err = truncate_row(n, attr->st_size);
	if (!err && (what & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) && n->coll->mtime) {
		if (what & FUSE_SET_ATTR_MTIME_NOW)
			clock_gettime(CLOCK_REALTIME, &t);
		err = change(n, set_time, &t);
	}
	pthread_mutex_unlock(&n->lock);
	return err;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what,
		struct fuse_file_info *fi)
{
	const int owner = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
	struct node *n = node_of(ino);
	struct stat st;
	int err = EPERM;

	(void)fi;
	if (n->kind == NODE_COLL)
		err = what & owner ? coll_setattr(n->coll, attr, what) : 0;
	else if (n->kind == NODE_ROW)
		err = row_setattr(n, attr, what);
	else if (n->kind == NODE_BY_ID)
		err = row_owner(n, attr, what);	/* its timestamps do not matter */
	else if (n->kind == NODE_QUERY)
		err = what & owner ? EPERM : 0;
	if (!err)
		err = node_attr(n, &st);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_attr(req, &st, n->kind == NODE_ROW && n->draft ? 0 : opt->timeout);
}
