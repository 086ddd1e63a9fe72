/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that serve the requests of a mount, and how long each answer took. This file
 * must not know what is mounted.
 */
#ifndef VEXFS_MOUNT_SERVE_H
#define VEXFS_MOUNT_SERVE_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct expo;

#define SERVE_THREADS_MAX	64

/*
 * Serves until the file system is unmounted or a signal asks to end. SIGINT, SIGTERM and
 * SIGHUP are blocked in the caller before threads are created. The answers are reported
 * to @device, for the class "fuse" of the module's statistics. 0 or -errno.
 */
int serve(struct fuse_session *se, unsigned int threads, const char *device);

/* The signals that end a mount; blocked in all threads. */
void serve_block_signals(void);

/* Counts the request that this thread handles as failed with @err. */
void serve_failed(int err);

/* Replies with an error and counts it. */
int reply_err(fuse_req_t req, int err);

/* Totals of the answers as a JSON object; NULL without memory. */
json_t *serve_json(void);

/* The same for the file of metrics. */
void serve_metrics(struct expo *e);

/* Nanoseconds of the monotonic clock. */
uint64_t now_ns(void);

#endif
