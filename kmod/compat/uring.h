/* SPDX-License-Identifier: GPL-2.0 */
/* Commands of io_uring to a file, where the kernel has them. */
#ifndef _VEXFS_COMPAT_URING_H
#define _VEXFS_COMPAT_URING_H

#include "compat/compat.h"

#ifdef HAVE_URING_CMD_HEADER
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

/* The payload of a command, which may lie in memory that the program can write to. */
static inline const void *vexfs_uring_payload(const struct io_uring_cmd *cmd)
{
#ifdef HAVE_URING_CMD_HEADER
	return cmd->sqe->cmd;
#else
	return cmd->cmd;
#endif
}

#endif
