/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that answer the requests of a mount, and how long each answer took. It must
 * not know what is mounted.
 */
#ifndef VEXFS_MOUNT_SERVE_H
#define VEXFS_MOUNT_SERVE_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SERVE_THREADS_MAX	64

/*
 * Answers until the file system is unmounted, or a signal asks for the end: SIGINT,
 * SIGTERM and SIGHUP are blocked in the caller before any thread is made. @device is
 * told about the answers, for the class "fuse" of the module's statistics. 0 or -errno.
 */
int serve(struct fuse_session *se, unsigned int threads, const char *device);

/* The signals that end a mount, blocked for all threads that come. */
void serve_block_signals(void);

/* The request that this thread works on failed with @err, for the statistics. */
void serve_failed(int err);

/* An error to the kernel that is counted as one. */
int reply_err(fuse_req_t req, int err);

/* What has been answered, as an object; NULL without memory. */
json_t *serve_json(void);

/* Nanoseconds of the monotonic clock. */
uint64_t now_ns(void);

#endif
