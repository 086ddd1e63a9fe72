/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The collection of a job as files: a mount of its own, and ops that are system calls on
 * it. Their changes are recorded like those of other ops.
 */
#ifndef VEXSTRESS_MOUNTED_H
#define VEXSTRESS_MOUNTED_H

#include "coll.h"

/* What one worker has open on the mount. */
struct vx_files {
	int by_id;	/* directory of the vectors */
	int list;	/* the same, for listing */
	int one;	/* a file that stays open */
	int near;	/* directory of neighbours */
	char *buf;
};

/* Mounts vexfs for @c; VX_OK, or VX_SKIPPED with the reason in @why. */
int vx_mount_start(struct vx_coll *c, char *why, size_t size);
void vx_mount_stop(struct vx_coll *c);

/* 0, or -1 with errno. */
int vx_files_open(struct vx_files *f, const struct vx_coll *c);
void vx_files_close(struct vx_files *f);

/* One op each; 0 or -errno. */
int vx_file_lookup(struct vx_files *f, uint64_t id);
int vx_file_getattr(struct vx_files *f);
int vx_file_readdir(struct vx_files *f);
int vx_file_read(struct vx_files *f, uint64_t id, void *row, size_t bytes);
int vx_file_write(struct vx_files *f, uint64_t id, const void *row, size_t bytes);
int vx_file_unlink(struct vx_files *f, uint64_t id);
int vx_file_near(struct vx_files *f, uint64_t id, uint64_t k);

#endif
