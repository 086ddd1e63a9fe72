/* SPDX-License-Identifier: GPL-2.0 */
/* Ops as commands of io_uring. */
#ifndef _VEXFS_DATA_URING_H
#define _VEXFS_DATA_URING_H

struct io_uring_cmd;

/* The uring_cmd method of the device: the result of the op, 0 or -errno. */
int vexfs_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif
