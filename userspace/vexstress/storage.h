/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The storage of durable collections: the daemon of this machine, or one that vexstress starts
 * with a temporary store.
 */
#ifndef VEXSTRESS_STORAGE_H
#define VEXSTRESS_STORAGE_H

#include "coll.h"

/*
 * Makes sure that a storage daemon runs for @job; VX_OK, or VX_SKIPPED with the reason in
 * job->note. vx_storage_stop() ends a daemon that was started here, and may always be called.
 */
int vx_storage_start(struct vx_job *job);
void vx_storage_stop(void);

#endif
