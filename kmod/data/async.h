/* SPDX-License-Identifier: GPL-2.0 */
/* Asynchronous ops of descriptors. */
#ifndef _VEXFS_DATA_ASYNC_H
#define _VEXFS_DATA_ASYNC_H

struct vexfs_client;

/* A descriptor is closed: its ops end, and those that run are waited for. */
void vexfs_async_end(struct vexfs_client *client);

#endif
