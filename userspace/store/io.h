/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files of a store, as methods. Everything that the store does to its disk goes
 * through these, so tests can record each write and flush, cut the power between any two
 * of them, and make the n-th one fail.
 *
 * A store is one flat folder. Names have no '/'. Every method returns 0 or more, or
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
	STORE_WRITE,		/* and read, of a file that is there */
	STORE_CREATE,		/* and write; what was there is gone */
};

/**
 * struct store_io_ops - what a folder of files can do
 * @open: a file by its name
 * @close: takes every file that @open gave
 * @read: at an offset; less than asked at the end of the file only
 * @write: at an offset; may write less than asked, as write(2) may
 * @size: bytes in the file
 * @truncate: to so many bytes
 * @allocate: room for @len bytes from @off on, without changing the size
 * @datasync: the file's bytes and its size are on the disk
 * @rename: over whatever is there
 * @unlink: a name
 * @syncdir: the names are on the disk
 * @list: calls @fn with each name until it returns other than 0
 * @random: bytes for identities
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

/* All of it, however often it takes; 0 or -errno. */
int store_write_all(struct store_io *io, struct store_file *f, const void *buf, size_t len,
		    uint64_t off);
/* All of it; -ENODATA when the file ends before. */
int store_read_all(struct store_io *io, struct store_file *f, void *buf, size_t len,
		   uint64_t off);

/* A whole small file that is replaced at once: NAME.new, flushed, renamed, flushed. */
int store_replace(struct store_io *io, const char *name, const void *data, size_t len);
/* A whole file of at most @max bytes, to be freed. */
int store_slurp(struct store_io *io, const char *name, size_t max, void **data, size_t *len);

/*
 * A folder of the machine. It must be a folder, no symbolic link, of this user, writable by
 * no one else; @create makes it. @lock: no other process may have it (-EBUSY). On failure
 * @why gets a sentence.
 */
int store_io_posix(const char *path, int create, int lock, struct store_io **io, char *why,
		   size_t room);
void store_io_posix_free(struct store_io *io);

#endif
