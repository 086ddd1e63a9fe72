// SPDX-License-Identifier: GPL-2.0
/*
 * A store's directory on a file system. Its contents are not trusted: no symbolic links,
 * and only regular files of our own user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

struct posix_io {
	struct store_io io;
	int dir;
	int lock;
};

struct store_file {
	int fd;
};

static int dir_of(struct store_io *io)
{
	return ((struct posix_io *)io)->dir;
}

static int p_open(struct store_io *io, const char *name, enum store_open how,
		  struct store_file **f)
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat st;
	int err = 0;

	*f = malloc(sizeof(**f));
	if (!*f)
		return -ENOMEM;
	flags |= how == STORE_READ ? O_RDONLY : how == STORE_WRITE ? O_RDWR :
		 O_RDWR | O_CREAT | O_TRUNC;
	(*f)->fd = openat(dir_of(io), name, flags, 0600);
	if ((*f)->fd < 0)
		err = -errno;
	else if (fstat((*f)->fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_uid != geteuid())
		err = -EPERM;
	if (err) {
		if ((*f)->fd >= 0)
			close((*f)->fd);
		free(*f);
		*f = NULL;
	}
	return err;
}

static void p_close(struct store_io *io, struct store_file *f)
{
	(void)io;
	close(f->fd);
	free(f);
}

static ssize_t p_read(struct store_io *io, struct store_file *f, void *buf, size_t len,
		      uint64_t off)
{
	size_t done = 0;

	(void)io;
	while (done < len) {
		ssize_t n = pread(f->fd, (char *)buf + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t p_write(struct store_io *io, struct store_file *f, const void *buf, size_t len,
		       uint64_t off)
{
	ssize_t n = pwrite(f->fd, buf, len, (off_t)off);

	(void)io;
	return n < 0 ? -errno : n;
}

static int64_t p_size(struct store_io *io, struct store_file *f)
{
	struct stat st;

	(void)io;
	return fstat(f->fd, &st) ? -errno : (int64_t)st.st_size;
}

static int p_truncate(struct store_io *io, struct store_file *f, uint64_t size)
{
	(void)io;
	return ftruncate(f->fd, (off_t)size) ? -errno : 0;
}

static int p_allocate(struct store_io *io, struct store_file *f, uint64_t off, uint64_t len)
{
	(void)io;
	if (!fallocate(f->fd, FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len))
		return 0;
	/* Without fallocate a full disk is reported later, which is handled as well. */
	return errno == EOPNOTSUPP || errno == EINTR ? 0 : -errno;
}

static int p_datasync(struct store_io *io, struct store_file *f)
{
	(void)io;
	return fdatasync(f->fd) ? -errno : 0;
}

static int p_rename(struct store_io *io, const char *from, const char *to)
{
	return renameat(dir_of(io), from, dir_of(io), to) ? -errno : 0;
}

static int p_unlink(struct store_io *io, const char *name)
{
	return unlinkat(dir_of(io), name, 0) ? -errno : 0;
}

static int p_syncdir(struct store_io *io)
{
	/* Some file systems, 9p among them, cannot flush directories and return an error. */
	return fsync(dir_of(io)) && errno != EINVAL ? -errno : 0;
}

static int p_list(struct store_io *io, int (*fn)(void *arg, const char *name), void *arg)
{
	int fd = openat(dir_of(io), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	int ret = 0;
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			ret = fn(arg, e->d_name);
	if (!ret && errno)
		ret = -errno;
	closedir(d);
	return ret;
}

static int p_random(struct store_io *io, void *buf, size_t len)
{
	(void)io;
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}

static const struct store_io_ops posix_ops = {
	.open = p_open, .close = p_close, .read = p_read, .write = p_write, .size = p_size,
	.truncate = p_truncate, .allocate = p_allocate, .datasync = p_datasync,
	.rename = p_rename, .unlink = p_unlink, .syncdir = p_syncdir, .list = p_list,
	.random = p_random,
};

/* Other users' vectors must not be stored in a directory that somebody else can write to. */
static int check_folder(int fd, const char *path, char *why, size_t room)
{
	struct stat st;

	if (fstat(fd, &st)) {
		snprintf(why, room, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (st.st_uid != geteuid()) {
		snprintf(why, room, "%s belongs to user %u, not to user %u who runs this", path,
			 st.st_uid, geteuid());
		return -EPERM;
	}
	if (st.st_mode & 0022) {
		snprintf(why, room, "%s is writable by others (mode %04o): chmod 0700 it", path,
			 st.st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

/* On a read-only disk nobody writes, and there may be no file to lock. */
static int open_lock(int dir, bool may_write)
{
	int fd = openat(dir, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 || errno != EROFS || may_write)
		return fd;
	fd = openat(dir, "LOCK", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 && errno == ENOENT ? dup(dir) : fd;
}

static int take_lock(struct posix_io *p, const char *path, bool may_write, char *why, size_t room)
{
	int err;

	p->lock = open_lock(p->dir, may_write);
	if (p->lock < 0) {
		err = -errno;
		snprintf(why, room, "%s/LOCK: %s", path, strerror(-err));
		return err;
	}
	if (flock(p->lock, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		snprintf(why, room, err == -EBUSY ? "%s is in use by another process (%s)" :
			 "%s cannot be locked: %s", path,
			 err == -EBUSY ? "vexfsd or vexctl store" : strerror(-err));
		return err;
	}
	return 0;
}

/* Makes the directory, and its name durable. */
static int make_folder(const char *path)
{
	char parent[PATH_MAX];
	size_t len = strlen(path);
	int fd, err = 0;

	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : -errno;
	while (len && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	if (len >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, len);
	parent[len] = 0;
	fd = open(len ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) && errno != EINVAL)
		err = -errno;
	close(fd);
	return err;
}

int store_io_posix(const char *path, int create, int lock, struct store_io **io, char *why,
		   size_t room)
{
	struct posix_io *p = calloc(1, sizeof(*p));
	int err = 0;

	*io = NULL;
	if (!p) {
		snprintf(why, room, "no memory");
		return -ENOMEM;
	}
	p->io.ops = &posix_ops;
	p->lock = -1;
	if (create)
		err = make_folder(path);
	if (err) {
		snprintf(why, room, "%s cannot be made: %s", path, strerror(-err));
		free(p);
		return err;
	}
	p->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->dir < 0) {
		err = -errno;
		snprintf(why, room, err == -ELOOP || err == -ENOTDIR ?
			 "%s is a symbolic link or not a directory (%s)" : "%s: %s", path,
			 strerror(-err));
	} else {
		err = check_folder(p->dir, path, why, room);
	}
	if (!err && lock)
		err = take_lock(p, path, create, why, room);
	if (err) {
		store_io_posix_free(&p->io);
		return err;
	}
	*io = &p->io;
	return 0;
}

void store_io_posix_free(struct store_io *io)
{
	struct posix_io *p = (struct posix_io *)io;

	if (!p)
		return;
	if (p->lock >= 0)
		close(p->lock);
	if (p->dir >= 0)
		close(p->dir);
	free(p);
}
