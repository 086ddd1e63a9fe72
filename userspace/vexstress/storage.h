/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The storage behind durable collections: the daemon of this machine, or one of our own with
 * a store that goes when we do.
 */
#ifndef VEXSTRESS_STORAGE_H
#define VEXSTRESS_STORAGE_H

#include "coll.h"

/*
 * Makes sure that somebody stores what @job keeps; VX_OK, or VX_SKIPPED with the reason in
 * job->note. Ours ends with vx_storage_stop(), which may be called always.
 */
int vx_storage_start(struct vx_job *job);
void vx_storage_stop(void);

#endif
