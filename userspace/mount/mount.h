/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was asked for on the command line, and the two kinds of mount. Main knows both;
 * neither knows the other.
 */
#ifndef VEXFS_MOUNT_MOUNT_H
#define VEXFS_MOUNT_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

struct fuse_session;
struct fuse_lowlevel_ops;

/**
 * struct mount_options - what vexfs-mount was told
 * @mountpoint: where
 * @source: what mount(8) gives as the device; with @over the directory
 * @device: the module's device, or NULL
 * @timeout: for how many seconds the kernel may remember names and attributes
 * @threads: that answer
 * @allow_other: users other than the one who mounts may come in
 * @quiet: chmod and chown of rows that cannot be done are no error
 * @read_only: nothing may be changed
 * @over: the directory under an overlay, or NULL for the collections
 * @collection: of an overlay
 * @embed: command of the embedder, or NULL for our own
 * @state: file for ids where the file system has no attributes, or NULL
 * @list_near: the directories of neighbours are listed
 * @all: files whose names begin with a dot are embedded, too
 * @k: links in a directory of neighbours
 * @queue: files that may wait to be embedded
 */
struct mount_options {
	const char *mountpoint;
	const char *source;
	const char *device;
	double timeout;
	unsigned int threads;
	bool allow_other;
	bool quiet;
	bool read_only;
	const char *over;
	const char *collection;
	const char *embed;
	const char *embed_user;
	const char *state;
	bool list_near;
	bool all;
	unsigned int k;
	unsigned int queue;
};

/**
 * struct mount_kind - a kind of mount
 * @ops: its answers
 * @start: makes it ready before anything is mounted; returns what the answers get as user
 *	data, or NULL after a sentence on stderr
 * @run: called when the daemon has become one and before it answers; may be NULL. 0, or
 *	-errno after a sentence
 * @stop: when all is over
 */
struct mount_kind {
	const struct fuse_lowlevel_ops *ops;
	void *(*start)(const struct mount_options *opts);
	int (*run)(void *priv, struct fuse_session *se);
	void (*stop)(void *priv);
};

extern const struct mount_kind mount_collections;
extern const struct mount_kind mount_overlay;

/* What was asked for. */
extern const struct mount_options *opt;

/* A sentence on stderr, or in the system log when there is none. */
void mount_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
