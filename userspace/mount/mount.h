/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options of the command line, and the two kinds of mount. main.c knows both kinds;
 * neither knows the other.
 */
#ifndef VEXFS_MOUNT_MOUNT_H
#define VEXFS_MOUNT_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

struct expo;
struct fuse_session;
struct fuse_lowlevel_ops;

/**
 * struct mount_options - the command line of vexfs-mount
 * @mountpoint: where to mount
 * @source: device argument of mount(8); with @over the directory
 * @device: the module's device, or NULL
 * @timeout: how many seconds the kernel may cache names and attributes
 * @threads: number of threads that serve requests
 * @allow_other: other users may use the mount
 * @quiet: chmod and chown of rows that cannot be done are no error
 * @read_only: refuse all changes
 * @over: the directory under an overlay; NULL for a mount of collections
 * @collection: collection of an overlay
 * @embed: command of the embedder, or NULL for vexfs-embed
 * @state: file for ids if the file system has no extended attributes, or NULL
 * @list_near: list the directories of neighbours
 * @all: embed files whose names begin with a dot, too
 * @k: links in a directory of neighbours
 * @queue: how many files may wait to be embedded
 * @metrics: file of metrics, or NULL
 * @no_passthrough: data of files comes through the daemon
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
	bool no_passthrough;
	const char *metrics;
};

/**
 * struct mount_kind - a kind of mount
 * @ops: its operations
 * @start: called before anything is mounted; returns the operations' user data, or NULL
 * after printing why
 * @run: called in the daemon before it serves requests; may be NULL. 0, or -errno after
 * printing why
 * @metrics: adds what it counts to the file of metrics; may be NULL
 * @stop: called at the end
 */
struct mount_kind {
	const struct fuse_lowlevel_ops *ops;
	void *(*start)(const struct mount_options *opts);
	int (*run)(void *priv, struct fuse_session *se);
	void (*metrics)(struct expo *e);
	void (*stop)(void *priv);
};

extern const struct mount_kind mount_collections;
extern const struct mount_kind mount_overlay;

/* The command line. */
extern const struct mount_options *opt;

/* Prints a message on stderr, or to the system log if there is no stderr. */
void mount_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
