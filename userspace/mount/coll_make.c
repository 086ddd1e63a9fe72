// SPDX-License-Identifier: GPL-2.0
/*
 * mkdir NAME@dim=100,metric=cos creates a collection, and rmdir drops an empty one. chmod
 * and chown of the directory change its mode and owner. Also statfs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "coll.h"

/* The field that keeps the time of the last change, so that copies keep it, too. */
#define LAYOUT_DEFAULT	"mtime:u64"

static int u64_from(const char *text, uint64_t most, uint64_t *v)
{
	return id_from_name(text, v) && *v <= most ? 0 : EINVAL;
}

static int named(int code, int *to)
{
	*to = code;
	return code < 0 ? EINVAL : 0;
}

static int make_option(struct vexfs_create *r, const char *key, const char *value)
{
	int err, code = 0;
	uint64_t v = 0;

	if (!strcmp(key, "type")) {
		err = named(vexfs_type_from_name(value), &code);
		r->type = (uint8_t)code;
	} else if (!strcmp(key, "metric")) {
		err = named(vexfs_metric_from_name(value), &code);
		r->metric = (uint8_t)code;
	} else if (!strcmp(key, "index")) {
		err = named(vexfs_index_from_name(value), &code);
		r->index = (uint8_t)code;
	} else if (!strcmp(key, "code")) {
		err = named(vexfs_code_from_name(value), &code);
		r->code = (uint32_t)code;
	} else if (!strcmp(key, "dim")) {
		err = u64_from(value, VEXFS_DIM_MAX, &v);
		r->dim = (uint32_t)v;
	} else if (!strcmp(key, "capacity")) {
		err = u64_from(value, UINT64_MAX, &v);
		r->capacity = v;
	} else if (!strcmp(key, "m")) {
		err = u64_from(value, UINT32_MAX, &v);
		r->m = (uint32_t)v;
	} else if (!strcmp(key, "ef")) {
		err = u64_from(value, UINT32_MAX, &v);
		r->ef_construction = (uint32_t)v;
	} else {
		err = EINVAL;
	}
	return err;
}

/* "NAME@dim=8,metric=cos,attr=lang:u8,year:u16": the layout has commas and comes last. */
static int make_parse(char *text, struct vexfs_create *r, const char **layout)
{
	char *at = strchr(text, '@'), *next, *value;
	int err = 0;

	*layout = LAYOUT_DEFAULT;
	r->type = VEXFS_TYPE_F32;
	r->metric = VEXFS_METRIC_L2;
	if (!at)
		return EINVAL;
	*at++ = 0;
	while (at && *at && !err) {
		if (!strncmp(at, "attr=", 5)) {
			*layout = at[5] ? at + 5 : NULL;
			break;
		}
		next = strchr(at, ',');
		if (next)
			*next++ = 0;
		value = strchr(at, '=');
		if (!value)
			return EINVAL;
		*value++ = 0;
		err = make_option(r, at, value);
		at = next;
	}
	/* There is no default for the dimension. */
	return err ?: r->dim ? 0 : EINVAL;
}

bool make_agrees(const char *name, const struct vexfs_stat *st)
{
	struct vexfs_create r = { 0 };
	char *text = strdup(name);
	const char *layout;
	bool agrees;

	agrees = text && !make_parse(text, &r, &layout) && r.dim == st->dim &&
		 r.type == st->type && r.metric == st->metric && r.index == st->index;
	free(text);
	return agrees;
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse_entry_param e = { .generation = 1 };
	struct vexfs_create r = { 0 };
	const char *layout;
	struct coll *c = NULL;
	struct node *n = NULL;
	char *text;
	int err;

	if (node_of(parent)->kind != NODE_ROOT) {
		reply_err(req, EPERM);
		return;
	}
	text = strdup(name);
	err = text ? make_parse(text, &r, &layout) : ENOMEM;
	/*
	 * The x bits of a directory mean nothing to a collection; a mode of 0 would stand
	 * for the default.
	 */
	r.mode = mode & 0666 ? mode & 0666 : 0100;
	r.flags = VEXFS_CREATE_DETACHED;
	if (!err)
		err = caller_begin(req);
	if (!err) {
		err = coll_errno(vexfs_do_create(opt->device, &r, text, layout, NULL, NULL));
		caller_end();
	}
	if (!err)
		c = coll_get(text, &err);
	if (c) {
		n = node_lookup(c, NODE_COLL, 0, NULL);
		err = n ? node_attr(n, &e.attr) : ENOMEM;
	}
	free(text);
	coll_put(c);
	if (err) {
		if (n)
			node_forget(n, 1);
		reply_err(req, err);
		return;
	}
	/*
	 * The kernel forgets the name with the options at once; the collection has a name
	 * without them.
	 */
	e.ino = (uintptr_t)n;
	if (fuse_reply_entry(req, &e) == -ENOENT)
		node_forget(n, 1);
}

/* The module knows whether there are vectors, this mount whether there are temporary files. */
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct coll *c;
	int err;

	if (node_of(parent)->kind != NODE_ROOT) {
		reply_err(req, EPERM);
		return;
	}
	c = coll_get(name, &err);
	if (!c) {
		reply_err(req, err);
		return;
	}
	err = c->temps ? ENOTEMPTY : caller_begin(req);
	if (!err) {
		err = coll_errno(vexfs_do_drop_empty(opt->device, name, NULL));
		caller_end();
		coll_touched(c);
	}
	coll_put(c);
	reply_err(req, err);
}

int coll_setattr(struct coll *c, const struct stat *attr, int what)
{
	struct vexfs_set set = { 0 };
	struct vexfs *h;
	int err;

	if (what & FUSE_SET_ATTR_MODE) {
		set.what |= VEXFS_SET_MODE;
		set.mode = attr->st_mode & 0666;
	}
	if (what & FUSE_SET_ATTR_UID) {
		set.what |= VEXFS_SET_UID;
		set.uid = attr->st_uid;
	}
	if (what & FUSE_SET_ATTR_GID) {
		set.what |= VEXFS_SET_GID;
		set.gid = attr->st_gid;
	}
	h = coll_use(c, &err);
	if (!h)
		return err;
	err = coll_errno(vexfs_do_set(h, &set, NULL));
	coll_unuse(c);
	coll_touched(c);
	return err;
}

struct used {
	fuse_req_t req;
	uint64_t bytes, count;
};

static int add_used(const struct vexfs_stat *st, void *arg)
{
	struct used *u = arg;

	/* The caller learns nothing about collections that it may not see, not even their sum. */
	if (caller_may(u->req, st, 4)) {
		u->bytes += st->bytes;
		u->count += st->count;
	}
	return 0;
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs v = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255 };
	struct used u = { .req = req };
	struct sysinfo info;
	int err;

	(void)ino;
	err = -vexfs_do_list(opt->device, add_used, &u, NULL);
	if (err || sysinfo(&info)) {
		reply_err(req, err ? coll_errno(err) : errno);
		return;
	}
	v.f_bfree = v.f_bavail = (info.freeram + info.bufferram) * info.mem_unit / v.f_frsize;
	v.f_blocks = v.f_bfree + (u.bytes + v.f_frsize - 1) / v.f_frsize;
	v.f_files = u.count + v.f_bfree;
	v.f_ffree = v.f_favail = v.f_bfree;
	fuse_reply_statfs(req, &v);
}
