/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filters: classic BPF programs over the attribute record, run by the kernel's
 * own machine. Nothing here knows of distances or of user pointers.
 */
#ifndef _VEXFS_INDEX_FILTER_H
#define _VEXFS_INDEX_FILTER_H

#include <linux/types.h>
#include <linux/vexfs.h>

struct vexfs_attr_filter;

/*
 * Checks @insns (loads only inside the record of @attr_size bytes, no ancillary
 * data, no indirect loads) and compiles them. The result is for one request, and
 * may be run by several CPUs at once. -EINVAL for what is refused, *@why then
 * says in words what and *@where which instruction, if they are not NULL;
 * -E2BIG, -ENOMEM.
 */
int vexfs_attr_filter_create(const struct vexfs_filter_insn *insns, u32 len, u32 attr_size,
			     struct vexfs_attr_filter **out, const char **why, u32 *where);
void vexfs_attr_filter_free(struct vexfs_attr_filter *f);
/* True when both have the same instructions or both are NULL. */
bool vexfs_attr_filter_same(const struct vexfs_attr_filter *a, const struct vexfs_attr_filter *b);

/* A number that filters of the same instructions have in common, until the module is unloaded. */
u64 vexfs_attr_filter_hash(const struct vexfs_attr_filter *f);

/*
 * Runs the filter on @n records, @step bytes apart. The indices of those that pass go to @pass;
 * returns their number. At most VEXFS_FILTER_RUN records per call, since it runs with migration
 * disabled and does not sleep.
 */
#define VEXFS_FILTER_RUN	256u
u32 vexfs_attr_filter_run(const struct vexfs_attr_filter *f, const void *records, size_t step,
			  u32 n, u16 *pass);
/* One record. */
bool vexfs_attr_filter_match(const struct vexfs_attr_filter *f, const void *record);

#endif
