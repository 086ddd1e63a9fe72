/* SPDX-License-Identifier: GPL-2.0 */
/* Who asks, and what the module would let them do. */
#ifndef VEXFS_MOUNT_CALLER_H
#define VEXFS_MOUNT_CALLER_H

#include "serve.h"
#include "vexfs.h"

/* May the caller do that (bits of 4 and 2)? As the module decides it. */
bool caller_may(fuse_req_t req, const struct vexfs_stat *st, unsigned int want);
/*
 * This thread acts as the caller, until caller_end(). 0 or an errno: a daemon without
 * root can act only for its own user.
 */
int caller_begin(fuse_req_t req);
void caller_end(void);

#endif
