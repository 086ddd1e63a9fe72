// SPDX-License-Identifier: GPL-2.0
/*
 * Names and meanings of ops, classes and errors. Published names do not change.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "compat/compat.h"
#include "stat/op.h"
#include "stat/op_priv.h"

static const struct {
	const char *name;
	const char *doc;
} classes[] = {
	[VEXFS_CLASS_VECTOR] = { "vector", "exact ops: store, read, compare, search every row" },
	[VEXFS_CLASS_SEMANTIC] = { "semantic", "approximate ops over the graph" },
	[VEXFS_CLASS_FUSE] = { "fuse", "requests served on a mount" },
	[VEXFS_CLASS_CONTROL] = { "control", "everything that is not done to vectors" },
};

static_assert(ARRAY_SIZE(classes) == VEXFS_CLASS_COUNT);

const char *const vexfs_op_names[VEXFS_OP_KINDS] = {
	[VEXFS_OP_PUT] = "put",
	[VEXFS_OP_GET] = "get",
	[VEXFS_OP_DELETE] = "delete",
	[VEXFS_OP_DISTANCE] = "distance",
	[VEXFS_OP_WALK] = "walk",
	[VEXFS_OP_EXACT] = "exact",
	[VEXFS_OP_RANGE] = "range",
	[VEXFS_OP_EXACT_FILTERED] = "exact-filtered",
	[VEXFS_OP_GRAPH] = "graph",
	[VEXFS_OP_FILTERED] = "filtered",
	[VEXFS_OP_BY_ID] = "by-id",
	[VEXFS_OP_NEAR_DUP] = "near-dup",
	[VEXFS_OP_CLASSIFY] = "classify",
	[VEXFS_OP_FUSE] = "request",
	[VEXFS_OP_CREATE] = "create",
	[VEXFS_OP_ATTACH] = "attach",
	[VEXFS_OP_DROP] = "drop",
	[VEXFS_OP_LIST] = "list",
	[VEXFS_OP_INFO] = "info",
	[VEXFS_OP_SET] = "set",
	[VEXFS_OP_INDEX] = "index",
	[VEXFS_OP_CHECK] = "check",
	[VEXFS_OP_MMAP] = "mmap",
};
VEXFS_EXPORT_KUNIT(vexfs_op_names);

/* Kinds of a class stand together: that is how they are shown. */
static const struct {
	u8 class;
	const char *doc;
} kinds[] = {
	[VEXFS_OP_PUT] = { VEXFS_CLASS_VECTOR, "insert, update or upsert of vectors" },
	[VEXFS_OP_GET] = { VEXFS_CLASS_VECTOR, "read of vectors by id" },
	[VEXFS_OP_DELETE] = { VEXFS_CLASS_VECTOR, "deletion of vectors by id" },
	[VEXFS_OP_DISTANCE] = { VEXFS_CLASS_VECTOR, "distances from a query to vectors by id" },
	[VEXFS_OP_WALK] = { VEXFS_CLASS_VECTOR, "a part of a walk over every vector" },
	[VEXFS_OP_EXACT] = { VEXFS_CLASS_VECTOR, "nearest neighbours by comparing every row" },
	[VEXFS_OP_RANGE] = { VEXFS_CLASS_VECTOR, "all vectors within a radius" },
	[VEXFS_OP_EXACT_FILTERED] = { VEXFS_CLASS_VECTOR,
		"nearest neighbours by comparing the rows that pass a filter" },
	[VEXFS_OP_GRAPH] = { VEXFS_CLASS_SEMANTIC, "nearest neighbours by walking the graph" },
	[VEXFS_OP_FILTERED] = { VEXFS_CLASS_SEMANTIC,
		"nearest neighbours by walking the graph, filtered on the way" },
	[VEXFS_OP_BY_ID] = { VEXFS_CLASS_SEMANTIC,
		"nearest neighbours of a stored vector over the graph" },
	[VEXFS_OP_NEAR_DUP] = { VEXFS_CLASS_SEMANTIC, "near-duplicates within a radius" },
	[VEXFS_OP_CLASSIFY] = { VEXFS_CLASS_SEMANTIC, "majority among the neighbours" },
	[VEXFS_OP_FUSE] = { VEXFS_CLASS_FUSE, "a request on a mount, whatever it asks" },
	[VEXFS_OP_CREATE] = { VEXFS_CLASS_CONTROL, "a collection is created" },
	[VEXFS_OP_ATTACH] = { VEXFS_CLASS_CONTROL, "a descriptor is attached to a collection" },
	[VEXFS_OP_DROP] = { VEXFS_CLASS_CONTROL, "a collection is dropped" },
	[VEXFS_OP_LIST] = { VEXFS_CLASS_CONTROL, "a part of the list of collections" },
	[VEXFS_OP_INFO] = { VEXFS_CLASS_CONTROL, "what the module or a collection is" },
	[VEXFS_OP_SET] = { VEXFS_CLASS_CONTROL, "a change of a collection's properties" },
	[VEXFS_OP_INDEX] = { VEXFS_CLASS_CONTROL, "a graph is built, stopped or dropped" },
	[VEXFS_OP_CHECK] = { VEXFS_CLASS_CONTROL, "a check of a whole collection" },
	[VEXFS_OP_MMAP] = { VEXFS_CLASS_CONTROL, "rows are mapped" },
};

static_assert(ARRAY_SIZE(kinds) == VEXFS_OP_KINDS);

static const struct {
	int err;
	const char *name;
} errnos[] = {
	{ ENOENT, "ENOENT" },
	{ EEXIST, "EEXIST" },
	{ EINVAL, "EINVAL" },
	{ E2BIG, "E2BIG" },
	{ EDOM, "EDOM" },
	{ EACCES, "EACCES" },
	{ EPERM, "EPERM" },
	{ ENOSPC, "ENOSPC" },
	{ ENOMEM, "ENOMEM" },
	{ ETIME, "ETIME" },
	{ EINTR, "EINTR" },
	{ EOPNOTSUPP, "EOPNOTSUPP" },
	{ EFAULT, "EFAULT" },
	{ EBUSY, "EBUSY" },
	{ EAGAIN, "EAGAIN" },
	{ ENOTTY, "ENOTTY" },
	{ ECANCELED, "ECANCELED" },
	{ 0, "other" },
};

static_assert(ARRAY_SIZE(errnos) == VEXFS_ERR_SLOTS);

const char *vexfs_op_name(unsigned int kind)
{
	return kind < VEXFS_OP_KINDS ? vexfs_op_names[kind] : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_op_name);

const char *vexfs_op_doc(unsigned int kind)
{
	return kind < VEXFS_OP_KINDS ? kinds[kind].doc : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_op_doc);

enum vexfs_class vexfs_op_class(unsigned int kind)
{
	return kind < VEXFS_OP_KINDS ? kinds[kind].class : VEXFS_CLASS_CONTROL;
}
VEXFS_EXPORT_KUNIT(vexfs_op_class);

const char *vexfs_class_name(unsigned int class)
{
	return class < VEXFS_CLASS_COUNT ? classes[class].name : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_class_name);

const char *vexfs_class_doc(unsigned int class)
{
	return class < VEXFS_CLASS_COUNT ? classes[class].doc : NULL;
}

const char *vexfs_errno_name(unsigned int slot)
{
	return slot < VEXFS_ERR_SLOTS ? errnos[slot].name : NULL;
}
VEXFS_EXPORT_KUNIT(vexfs_errno_name);

unsigned int vexfs_errno_slot(int err)
{
	unsigned int i;

	/* Inside the kernel an interruption is -ERESTARTSYS. */
	if (err <= -512 && err >= -516)
		err = -EINTR;
	for (i = 0; i < VEXFS_ERR_SLOTS - 1; i++)
		if (errnos[i].err == -err)
			break;
	return i;
}
VEXFS_EXPORT_KUNIT(vexfs_errno_slot);
