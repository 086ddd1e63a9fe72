// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes: fields of the record, as decimal text. seq and type of a row can
 * be read but are not listed, so that copies carry the fields only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "coll.h"

#define PREFIX		"user.vexfs."
#define PREFIX_LEN	(sizeof(PREFIX) - 1)

static void value_text(const struct vexfs_value *v, char *buf, size_t size)
{
	switch (v->type) {
	case VEXFS_FIELD_I64:
		snprintf(buf, size, "%lld", (long long)v->v.i);
		break;
	case VEXFS_FIELD_F32:
		snprintf(buf, size, "%.9g", (double)v->v.f);
		break;
	default:
		snprintf(buf, size, "%llu", (unsigned long long)v->v.u);
	}
}

/* @value has no NUL at its end; spaces and a newline behind it are allowed. */
static int value_read(const struct vexfs_field *f, const char *text, size_t size,
		      struct vexfs_value *v)
{
	char buf[48], *end;

	if (!size || size >= sizeof(buf))
		return EINVAL;
	memcpy(buf, text, size);
	buf[size] = 0;
	if (strlen(buf) != size)
		return EINVAL;
	errno = 0;
	if (f->type == VEXFS_FIELD_F32) {
		v->type = VEXFS_FIELD_F32;
		v->v.f = strtof(buf, &end);
	} else if (f->type >= VEXFS_FIELD_I8) {
		v->type = VEXFS_FIELD_I64;
		v->v.i = strtoll(buf, &end, 0);
	} else {
		v->type = VEXFS_FIELD_U64;
		v->v.u = strtoull(buf, &end, 0);
		if (strchr(buf, '-'))
			return EINVAL;
	}
	if (errno == ERANGE)
		return ERANGE;
	while (*end == ' ' || *end == '\n')
		end++;
	return end == buf || *end ? EINVAL : 0;
}

static void reply_xattr(fuse_req_t req, const char *value, size_t len, size_t size)
{
	if (!size)
		fuse_reply_xattr(req, len);
	else if (size < len)
		reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, value, len);
}

static int field_text(struct node *n, const char *name, char *buf, size_t size)
{
	unsigned char record[VEXFS_ATTR_MAX];
	const struct vexfs_field *f = vexfs_layout_find(&n->coll->layout, name);
	struct vexfs_value v;
	int err;

	if (!f)
		return ENODATA;
	err = row_record(n, record);
	if (err)
		return err;
	vexfs_record_get(f, record, &v);
	value_text(&v, buf, size);
	return 0;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct node *n = node_of(ino);
	struct vexfs_stat st;
	char buf[64];
	int err = ENODATA;

	if (!strncmp(name, PREFIX, PREFIX_LEN) && n->coll) {
		name += PREFIX_LEN;
		if (n->kind == NODE_ROW)
			err = field_text(n, name, buf, sizeof(buf));
		/* A field with such a name hides the built-in attribute. */
		if (err == ENODATA && (!strcmp(name, "seq") || !strcmp(name, "type"))) {
			err = coll_stat(n->coll, true, &st);
			snprintf(buf, sizeof(buf), "%s", vexfs_type_name(st.type));
			if (*name == 's')
				snprintf(buf, sizeof(buf), "%llu", (unsigned long long)st.seq);
		}
	}
	if (err)
		reply_err(req, err);
	else
		reply_xattr(req, buf, strlen(buf), size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct node *n = node_of(ino);
	char list[VEXFS_FIELDS_MAX * (PREFIX_LEN + VEXFS_FIELD_NAME_SIZE)];
	size_t len = 0;
	unsigned int i;

	for (i = 0; n->kind == NODE_ROW && i < n->coll->layout.count; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, PREFIX "%s",
					n->coll->layout.fields[i].name) + 1;
	reply_xattr(req, list, len, size);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		 int flags)
{
	struct node *n = node_of(ino);
	const struct vexfs_field *f;
	struct vexfs_value v;
	int err;

	if (strncmp(name, PREFIX, PREFIX_LEN) || n->kind != NODE_ROW) {
		reply_err(req, EOPNOTSUPP);
		return;
	}
	f = vexfs_layout_find(&n->coll->layout, name + PREFIX_LEN);
	if (!f)
		err = !strcmp(name, PREFIX "seq") || !strcmp(name, PREFIX "type") ? EPERM :
		      EOPNOTSUPP;
	else if (flags & XATTR_CREATE)
		err = EEXIST;	/* a record always has all of its fields */
	else
		err = value_read(f, value, size, &v);
	if (!err)
		err = row_set_field(n, f, &v);
	reply_err(req, err);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *n = node_of(ino);

	if (n->kind == NODE_ROW && !strncmp(name, PREFIX, PREFIX_LEN) &&
	    vexfs_layout_find(&n->coll->layout, name + PREFIX_LEN))
		reply_err(req, EPERM);
	else
		reply_err(req, ENODATA);
}
