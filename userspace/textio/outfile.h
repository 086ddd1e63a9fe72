/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing a file so that under its name stands the old one or the new one, whole,
 * whatever happens. Every program and the library write their files with this.
 *
 * Only regular files are replaced: NAME.XXXXXXXX.part is made
 * beside the file, and takes its place, its mode and its owner when all of it is on
 * the disk. What else may stand under the name, a device, a pipe, our own standard
 * output, stays what it is and is written to as it is.
 */
#ifndef VEXFS_COMMON_OUTFILE_H
#define VEXFS_COMMON_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct outfile - a file that is being written
 * @f: where to write; not to be closed
 * @live: others read along as it grows, so it is written in place from the beginning
 * @error: an errno value, 0 when nothing went wrong
 * @why: what went wrong, a sentence without a full stop
 *
 * The rest is the writer's own. A file with @part can be given up.
 */
struct outfile {
	FILE *f;
	bool live;
	int error;
	char why[200];
	bool open;
	int dir;
	char *base;
	char *part;
	int slot;
	bool replaces;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/*
 * Begins a file. With @live it is no more than an ordinary file, truncated. Follows a
 * symbolic link to the file it leads to, unless a stranger may have put it there.
 * 0, or -1 with @o->error and @o->why.
 */
int outfile_open(struct outfile *o, const char *path, bool live);

/* All is written: flushes, makes it durable, gives it its name, closes. 0 or -1. */
int outfile_commit(struct outfile *o);

/* Closes, and removes what was written. Nothing happens to one that is not open. */
void outfile_abandon(struct outfile *o);

/* Bytes at once. 0, or -1 and nothing is left. */
int outfile_write(struct outfile *o, const char *path, const void *data, size_t size);

/*
 * Removes every unfinished file of this process. For a handler of the signal that ends
 * it; calls only what such a handler may.
 */
void outfile_discard_all(void);

/* For programs that do no more than that at SIGINT, SIGTERM and SIGHUP: they end of it. */
void outfile_discard_on_signals(void);

#endif
