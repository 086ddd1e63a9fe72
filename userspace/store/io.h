/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files of a store as a table of methods. All disk accesses of the store go through
 * it, so that tests can record each write and flush, cut the power between any two of
 * them, and make the n-th one fail.
 *
 * A store is one flat directory. Names contain no '/'. Every method returns 0 or more, or
 * -errno.
 */
#ifndef VEXFS_STORE_IO_H
#define VEXFS_STORE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct store_file;
struct store_io;

enum store_open {
	STORE_READ,
	STORE_WRITE,		/* read and write an existing file */
	STORE_CREATE,		/* read and write; previous contents are discarded */
};

/**
 * struct store_io_ops - operations on a directory of files
 * @open: opens a file by name
 * @close: closes a file of @open
 * @read: at an offset; a short read only at the end of the file
 * @write: at an offset; may be short, like write(2)
 * @size: bytes in the file
 * @truncate: sets the size
 * @allocate: reserves @len bytes at @off without changing the size
 * @datasync: makes contents and size durable
 * @rename: replaces an existing file
 * @unlink: removes a name
 * @syncdir: makes names durable
 * @list: calls @fn with each name until it returns non-zero
 * @random: random bytes for identities
 */
struct store_io_ops {
	int (*open)(struct store_io *io, const char *name, enum store_open how,
		    struct store_file **f);
	void (*close)(struct store_io *io, struct store_file *f);
	ssize_t (*read)(struct store_io *io, struct store_file *f, void *buf, size_t len,
			uint64_t off);
	ssize_t (*write)(struct store_io *io, struct store_file *f, const void *buf, size_t len,
			 uint64_t off);
	int64_t (*size)(struct store_io *io, struct store_file *f);
	int (*truncate)(struct store_io *io, struct store_file *f, uint64_t size);
	int (*allocate)(struct store_io *io, struct store_file *f, uint64_t off, uint64_t len);
	int (*datasync)(struct store_io *io, struct store_file *f);
	int (*rename)(struct store_io *io, const char *from, const char *to);
	int (*unlink)(struct store_io *io, const char *name);
	int (*syncdir)(struct store_io *io);
	int (*list)(struct store_io *io, int (*fn)(void *arg, const char *name), void *arg);
	int (*random)(struct store_io *io, void *buf, size_t len);
};

struct store_io {
	const struct store_io_ops *ops;
};

/* Reads everything, in as many calls as needed; 0 or -errno. */
int store_write_all(struct store_io *io, struct store_file *f, const void *buf, size_t len,
		    uint64_t off);
/* Reads everything; -ENODATA when the file is shorter. */
int store_read_all(struct store_io *io, struct store_file *f, void *buf, size_t len,
		   uint64_t off);

/* Replaces a small file atomically: NAME.new, flush, rename, flush. */
int store_replace(struct store_io *io, const char *name, const void *data, size_t len);
/* Reads a whole file of at most @max bytes, to be freed. */
int store_slurp(struct store_io *io, const char *name, size_t max, void **data, size_t *len);

/*
 * A directory of the file system. It must be a directory, not a symbolic link, owned by
 * this user and not writable by others; @create creates it. @lock: excludes other
 * processes (-EBUSY). On failure @why is set.
 */
int store_io_posix(const char *path, int create, int lock, struct store_io **io, char *why,
		   size_t room);
void store_io_posix_free(struct store_io *io);

#endif
