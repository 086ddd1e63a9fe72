/* SPDX-License-Identifier: GPL-2.0 */
/* Asynchronous ops of descriptors. */
#ifndef _VEXFS_DATA_ASYNC_H
#define _VEXFS_DATA_ASYNC_H

#include <linux/types.h>

struct vexfs_client;
struct vexfs_handler;

/* The request to submit, reap, cancel or be told that @cmd is; or NULL. */
const struct vexfs_handler *vexfs_async_find(u32 cmd);

/* A process ends: cancels the ops that it has submitted. @files: its table of descriptors. */
void vexfs_async_disown(struct vexfs_client *client, const void *files);

/* Closes the queue of a descriptor: cancels its ops and waits for those that run. */
void vexfs_async_end(struct vexfs_client *client);

#endif
