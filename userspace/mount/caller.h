/* SPDX-License-Identifier: GPL-2.0 */
/* The calling process of a request, and what the module would allow it. */
#ifndef VEXFS_MOUNT_CALLER_H
#define VEXFS_MOUNT_CALLER_H

#include "serve.h"
#include "vexfs.h"

/* May the caller read (4) or write (2)? The same rule as in the module. */
bool caller_may(fuse_req_t req, const struct vexfs_stat *st, unsigned int want);
/*
 * Until caller_end() this thread has the caller's credentials. Returns 0 or an errno: a
 * daemon without root can act for its own user only.
 */
int caller_begin(fuse_req_t req);
void caller_end(void);

#endif
