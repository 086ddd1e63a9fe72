/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes a file atomically: its name always refers to the complete old or the complete
 * new contents. All programs and the library write files through this.
 *
 * Only regular files are replaced. NAME.XXXXXXXX.part is created beside the file; when
 * its contents are durable it takes over the name, mode and owner. A device, a pipe or
 * our own standard output is written to directly.
 */
#ifndef VEXFS_COMMON_OUTFILE_H
#define VEXFS_COMMON_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct outfile - a file that is being written
 * @f: the stream to write to; do not close it
 * @live: readers follow the file while it grows, so it is written in place
 * @error: an errno value, 0 when nothing failed
 * @why: what failed, without a full stop
 *
 * The other members are private. A file with @part can be discarded.
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
 * Begins a file. With @live it is an ordinary truncated file. A symbolic link is followed
 * unless a stranger may have placed it. 0, or -1 with @o->error and @o->why.
 */
int outfile_open(struct outfile *o, const char *path, bool live);

/* Completes it: flushes, makes it durable, renames it, closes. 0 or -1. */
int outfile_commit(struct outfile *o);

/* Closes and removes what was written. Does nothing if it is not open. */
void outfile_abandon(struct outfile *o);

/* Writes a whole file. 0, or -1 and nothing is left. */
int outfile_write(struct outfile *o, const char *path, const void *data, size_t size);

/*
 * Removes every unfinished file of this process. Async-signal-safe, for the handler of a
 * signal that ends it.
 */
void outfile_discard_all(void);

/* For programs that do nothing else on SIGINT, SIGTERM and SIGHUP: removes them and ends. */
void outfile_discard_on_signals(void);

#endif
