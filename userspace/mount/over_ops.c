// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of an overlay on files below: the same system call on the descriptor below.
 * The kernel has checked permissions by the attributes of the files. New files belong to
 * the caller.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <linux/magic.h>
#include <linux/securebits.h>
#include <unistd.h>

#include "over.h"

#define HIDDEN	"user.vexfs."

static void proc_path(char buf[64], int fd)
{
	snprintf(buf, 64, "/proc/self/fd/%d", fd);
}

static bool virtual(fuse_req_t req, const struct over_node *n)
{
	if (n->kind == OVER_REAL)
		return false;
	reply_err(req, EPERM);
	return true;
}

static bool privileged;	/* this is root's daemon */

/*
 * New files belong to the caller. The thread keeps its other rights: the kernel has
 * already checked that the caller may write to the directory.
 */
static bool act_as(fuse_req_t req)
{
	static __thread bool ready;
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	if (!privileged || (!ctx->uid && !ctx->gid))
		return false;
	if (!ready)
		ready = !prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	setfsgid(ctx->gid);
	setfsuid(ctx->uid);
	return true;
}

static void act_as_self(bool acted)
{
	if (!acted)
		return;
	setfsuid(0);
	setfsgid(0);
}

/* The error of a call that makes a descriptor. */
static int open_error(void)
{
	if (errno != EMFILE && errno != ENFILE)
		return errno;
	trim_want(SIZE_MAX);
	return ENFILE;
}

/* The node of a name, with a descriptor, and its attributes. 0 or an errno. */
static int open_node(struct over_node *dir, const char *name, struct stat *st,
		     struct over_node **n)
{
	int fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return open_error();
	if (fstatat(fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
		err = errno;
		close(fd);
		return err;
	}
	*n = over_real(fd, st);
	return *n ? 0 : ENOMEM;
}

/*
 * Fills in the entry of a name and counts one lookup more. The descriptor of a known file
 * keeps its inode, so that the number leads to no other file. 0 or an errno.
 */
static int entry(struct over_node *dir, const char *name, bool maybe_known,
		 struct fuse_entry_param *e)
{
	struct over_node *n = NULL;
	int err = 0;

	memset(e, 0, sizeof(*e));
	if (maybe_known) {
		if (fstatat(dir->fd, name, &e->attr, AT_SYMLINK_NOFOLLOW))
			return errno;
		n = over_known(&e->attr);
	}
	if (!n)
		err = open_node(dir, name, &e->attr, &n);
	if (err)
		return err;
	e->ino = n == &over_root ? FUSE_ROOT_ID : (uintptr_t)n;
	e->generation = 1;
	e->attr_timeout = e->entry_timeout = opt->timeout;
	return 0;
}

static void reply_entry(fuse_req_t req, struct over_node *dir, const char *name)
{
	struct fuse_entry_param e;
	int err = entry(dir, name, false, &e);

	if (err)
		reply_err(req, err);
	else if (fuse_reply_entry(req, &e) == -ENOENT)
		over_forget(over_of(e.ino), 1);
	trim_pace();
}

static void op_init(void *priv, struct fuse_conn_info *conn)
{
	(void)priv;
	/* Each request would take two system calls to receive, for what large writes would gain. */
	conn->want &= ~(unsigned int)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ);
	conn->want |= conn->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	data_init(conn);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct over_node *dir = over_of(parent);
	struct fuse_entry_param e;
	int err = dir->kind == OVER_REAL ? entry(dir, name, true, &e) : ENOENT;

	if (err == ENOENT)
		near_lookup(req, dir, name);
	else if (err)
		reply_err(req, err);
	else if (fuse_reply_entry(req, &e) == -ENOENT)
		over_forget(over_of(e.ino), 1);
	trim_pace();
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	over_forget(over_of(ino), nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *f)
{
	size_t i;

	for (i = 0; i < count; i++)
		over_forget(over_of(f[i].ino), f[i].nlookup);
	fuse_reply_none(req);
}

static int attr_of(struct over_node *n, struct stat *st)
{
	if (n->kind != OVER_REAL) {
		*st = n->st;
		return 0;
	}
	return fstatat(n->fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? errno : 0;
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct over_node *n = over_of(ino);
	struct stat st;
	int err = attr_of(n, &st);

	(void)fi;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_attr(req, &st, over_timeout(n));
}

static int set_times(int fd, const char *path, const struct stat *a, int what)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

	if (what & FUSE_SET_ATTR_ATIME_NOW)
		t[0].tv_nsec = UTIME_NOW;
	else if (what & FUSE_SET_ATTR_ATIME)
		t[0] = a->st_atim;
	if (what & FUSE_SET_ATTR_MTIME_NOW)
		t[1].tv_nsec = UTIME_NOW;
	else if (what & FUSE_SET_ATTR_MTIME)
		t[1] = a->st_mtim;
	/* A symbolic link cannot be reached through its path in /proc. */
	if (fd >= 0)
		return futimens(fd, t) ? errno : 0;
	return utimensat(AT_FDCWD, path, t, 0) ? errno : 0;
}

/* Through a descriptor, since closing it tells the watch. 0 or an errno. */
static int cut(int fd, const char *path, off_t size)
{
	int own = fd < 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1, err;

	if (fd < 0 && own < 0)
		return open_error();
	err = ftruncate(fd < 0 ? own : fd, size) ? errno : 0;
	if (own >= 0)
		close(own);
	return err;
}

static int set_all(struct over_node *n, int fd, const struct stat *a, int what)
{
	const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			  FUSE_SET_ATTR_MTIME_NOW;
	char path[64];
	int err;

	proc_path(path, n->fd);
	if ((what & FUSE_SET_ATTR_MODE) && (fd >= 0 ? fchmod(fd, a->st_mode) : chmod(path, a->st_mode)))
		return errno;
	if ((what & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) &&
	    fchownat(n->fd, "", what & FUSE_SET_ATTR_UID ? a->st_uid : (uid_t)-1,
		     what & FUSE_SET_ATTR_GID ? a->st_gid : (gid_t)-1,
		     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return errno;
	err = what & FUSE_SET_ATTR_SIZE ? cut(fd, path, a->st_size) : 0;
	if (err)
		return err;
	return what & times ? set_times(fd, path, a, what) : 0;
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *a, int what,
		       struct fuse_file_info *fi)
{
	struct over_node *n = over_of(ino);
	int err;

	if (virtual(req, n))
		return;
	err = set_all(n, fi ? (int)fi->fh : -1, a, what);
	if (err)
		reply_err(req, err);
	else
		op_getattr(req, ino, fi);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct over_node *n = over_of(ino);
	char buf[PATH_MAX + 1];
	ssize_t len;

	if (n->kind == OVER_LINK) {
		fuse_reply_readlink(req, n->text);
		return;
	}
	len = readlinkat(n->fd, "", buf, sizeof(buf));
	if (len < 0 || len == sizeof(buf)) {
		reply_err(req, len < 0 ? errno : ENAMETOOLONG);
		return;
	}
	buf[len] = 0;
	fuse_reply_readlink(req, buf);
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev,
		 const char *target)
{
	struct over_node *dir = over_of(parent);
	bool acted;
	int err;

	if (virtual(req, dir))
		return;
	acted = act_as(req);
	if (S_ISDIR(mode))
		err = mkdirat(dir->fd, name, mode) ? errno : 0;
	else if (S_ISLNK(mode))
		err = symlinkat(target, dir->fd, name) ? errno : 0;
	else
		err = mknodat(dir->fd, name, mode, dev) ? errno : 0;
	act_as_self(acted);
	if (err)
		reply_err(req, err);
	else
		reply_entry(req, dir, name);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	make(req, parent, name, mode, dev, NULL);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, S_IFDIR | mode, 0, NULL);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, S_IFLNK, 0, target);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct over_node *n = over_of(ino), *dir = over_of(parent);
	char path[64];

	if (virtual(req, n) || virtual(req, dir))
		return;
	proc_path(path, n->fd);
	if (linkat(AT_FDCWD, path, dir->fd, name, AT_SYMLINK_FOLLOW))
		reply_err(req, errno);
	else
		reply_entry(req, dir, name);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct over_node *dir = over_of(parent);

	if (!virtual(req, dir))
		reply_err(req, unlinkat(dir->fd, name, 0) ? errno : 0);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct over_node *dir = over_of(parent);

	if (!virtual(req, dir))
		reply_err(req, unlinkat(dir->fd, name, AT_REMOVEDIR) ? errno : 0);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		      const char *newname, unsigned int flags)
{
	struct over_node *from = over_of(parent), *to = over_of(newparent);

	if (!virtual(req, from) && !virtual(req, to))
		reply_err(req, renameat2(from->fd, name, to->fd, newname, flags) ? errno : 0);
}

/* ---- files ---- */

/*
 * File systems that do nothing when a descriptor is closed: the daemon need not be asked. The
 * others can report a failed write then.
 */
static bool flushes_nothing(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == EXT4_SUPER_MAGIC ||
	       fs.f_type == XFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC;
}

static bool root_flushes_nothing;

static bool close_cannot_fail(const struct over_node *n, int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY ||
	       (root_flushes_nothing && n->dev == over_root.dev);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct over_node *n = over_of(ino);
	char path[64];
	int fd, err;

	if (n->kind == OVER_JSON) {
		json_open(req, fi);
		return;
	}
	proc_path(path, n->fd);
	/* The kernel has computed the offset of an O_APPEND write; ours could differ. */
	fd = open(path, (fi->flags & ~(O_NOFOLLOW | O_APPEND | O_DIRECT)) | O_CLOEXEC);
	if (fd < 0) {
		reply_err(req, open_error());
		return;
	}
	err = data_open(n, fd, fi);
	if (err) {
		close(fd);
		reply_err(req, err);
		return;
	}
	fi->fh = (uint64_t)fd;
	fi->noflush = close_cannot_fail(n, fi->flags);
	if (fuse_reply_open(req, fi) == -ENOENT) {
		data_close(n);
		close(fd);
	}
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct over_node *dir = over_of(parent);
	struct fuse_entry_param e;
	bool acted;
	int fd, err;

	if (virtual(req, dir))
		return;
	acted = act_as(req);
	fd = openat(dir->fd, name, ((fi->flags | O_CREAT) & ~(O_NOFOLLOW | O_APPEND | O_DIRECT)) |
		    O_CLOEXEC, mode);
	err = fd < 0 ? open_error() : 0;
	act_as_self(acted);
	if (!err)
		err = entry(dir, name, false, &e);
	if (!err) {
		err = data_open(over_of(e.ino), fd, fi);
		if (err)
			over_forget(over_of(e.ino), 1);
	}
	if (err) {
		if (fd >= 0)
			close(fd);
		reply_err(req, err);
		return;
	}
	fi->fh = (uint64_t)fd;
	fi->noflush = close_cannot_fail(over_of(e.ino), fi->flags);
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		data_close(over_of(e.ino));
		close(fd);
		over_forget(over_of(e.ino), 1);
	}
	trim_pace();
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct fuse_bufvec buf = FUSE_BUFVEC_INIT(size);

	if (over_of(ino)->kind == OVER_JSON) {
		json_read(req, fi, size, off);
		return;
	}
	buf.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	buf.buf[0].fd = (int)fi->fh;
	buf.buf[0].pos = off;
	fuse_reply_data(req, &buf, (enum fuse_buf_copy_flags)0);
}

static void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t off,
			 struct fuse_file_info *fi)
{
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(fuse_buf_size(in));
	ssize_t n;

	(void)ino;
	out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	out.buf[0].fd = (int)fi->fh;
	out.buf[0].pos = off;
	n = fuse_buf_copy(&out, in, (enum fuse_buf_copy_flags)0);
	if (n < 0)
		reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

/* Closing a duplicate makes the file system below report the errors that it reports at close. */
static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	int fd;

	if (over_of(ino)->kind != OVER_REAL) {
		fuse_reply_err(req, 0);
		return;
	}
	fd = dup((int)fi->fh);
	reply_err(req, fd < 0 || close(fd) ? errno : 0);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct over_node *n = over_of(ino);

	if (n->kind == OVER_JSON) {
		json_release(fi);
	} else {
		data_close(n);
		close((int)fi->fh);
	}
	fuse_reply_err(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	reply_err(req, (datasync ? fdatasync((int)fi->fh) : fsync((int)fi->fh)) ? errno : 0);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
			 struct fuse_file_info *fi)
{
	(void)ino;
	reply_err(req, fallocate((int)fi->fh, mode, off, len) ? errno : 0);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	off_t to = over_of(ino)->kind == OVER_REAL ? lseek((int)fi->fh, off, whence) : -1;

	if (to < 0)
		reply_err(req, errno);
	else
		fuse_reply_lseek(req, to);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in,
			       struct fuse_file_info *fi_in, fuse_ino_t out, off_t off_out,
			       struct fuse_file_info *fi_out, size_t len, int flags)
{
	ssize_t n = copy_file_range((int)fi_in->fh, &off_in, (int)fi_out->fh, &off_out, len,
				    (unsigned int)flags);

	(void)in;
	(void)out;
	if (n < 0)
		reply_err(req, errno);
	else
		fuse_reply_write(req, (size_t)n);
}

/* ---- directories ---- */

/**
 * struct over_dir - an open directory
 * @left: of those that are left at the end
 * @d: the directory below
 * @held: entry that did not fit into the last answer
 * @off: current position
 */
struct over_dir {
	struct leftover left;
	DIR *d;
	struct dirent *held;
	off_t off;
};

static void dir_end(struct leftover *l)
{
	struct over_dir *d = (struct over_dir *)l;

	closedir(d->d);
	free(d);
}

static void dir_close(struct over_dir *d)
{
	leftover_remove(&d->left);
	dir_end(&d->left);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct over_node *n = over_of(ino);
	struct over_dir *d;
	int fd;

	if (n->kind != OVER_REAL) {
		near_opendir(req, n, fi);
		return;
	}
	d = calloc(1, sizeof(*d));
	fd = d ? openat(n->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0)
		d->d = fdopendir(fd);
	if (!d || !d->d) {
		int err = d ? open_error() : ENOMEM;

		if (fd >= 0)
			close(fd);
		free(d);
		reply_err(req, err);
		return;
	}
	leftover_add(&d->left, dir_end);
	fi->fh = (uintptr_t)d;
	if (fuse_reply_open(req, fi) == -ENOENT)
		dir_close(d);
}

/*
 * Adds one entry; with @plus also its attributes, which counts as a lookup. Returns its
 * bytes, 0 when it does not fit.
 */
static size_t add_entry(fuse_req_t req, struct over_node *dir, const struct dirent *e, char *buf,
			size_t room, bool plus, int *err)
{
	struct fuse_entry_param p = { 0 };
	size_t need;

	p.attr.st_ino = e->d_ino;
	p.attr.st_mode = (mode_t)e->d_type << 12;
	if (!plus) {
		need = fuse_add_direntry(req, buf, room, e->d_name, &p.attr, e->d_off);
		return need > room ? 0 : need;
	}
	if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
		const struct stat listed = { .st_dev = dir->dev, .st_ino = e->d_ino };

		*err = trim_late() ? ENFILE :
		       entry(dir, e->d_name, over_number(&listed) != 0, &p);
		/* Removed in the meantime, or no descriptor is left: without attributes. */
		if (*err == ENOENT || *err == ENFILE) {
			*err = 0;
			memset(&p, 0, sizeof(p));
			p.attr.st_ino = e->d_ino;
			p.attr.st_mode = (mode_t)e->d_type << 12;
		}
		if (*err)
			return 0;
	}
	need = fuse_add_direntry_plus(req, buf, room, e->d_name, &p, e->d_off);
	if (need <= room)
		return need;
	if (p.ino)
		over_forget(over_of(p.ino), 1);
	return 0;
}

/* The directory of neighbours follows its file, if these directories are listed. */
static size_t add_near(fuse_req_t req, const struct dirent *e, char *buf, size_t room, bool plus)
{
	struct fuse_entry_param p = { .attr = { .st_mode = S_IFDIR, .st_ino = e->d_ino } };
	char name[NAME_MAX + 8];
	size_t need;

	if (e->d_type != DT_REG || watch_skips(e->d_name) ||
	    (size_t)snprintf(name, sizeof(name), "%s.near", e->d_name) > NAME_MAX)
		return 0;
	/* Both have the position of the file: a listing that continues there has seen both. */
	need = plus ? fuse_add_direntry_plus(req, buf, room, name, &p, e->d_off) :
		      fuse_add_direntry(req, buf, room, name, &p.attr, e->d_off);
	return need > room ? 0 : need;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		 struct fuse_file_info *fi, bool plus)
{
	struct over_dir *d = (struct over_dir *)(uintptr_t)fi->fh;
	struct over_node *dir = over_of(ino);
	char *buf = malloc(size);
	size_t used = 0, n;
	int err = 0;

	if (!buf) {
		reply_err(req, ENOMEM);
		return;
	}
	if (off != d->off) {
		seekdir(d->d, off);
		d->held = NULL;
		d->off = off;
	}
	for (;;) {
		if (!d->held) {
			errno = 0;
			d->held = readdir(d->d);
			if (!d->held) {
				err = errno;
				break;
			}
		}
		n = add_entry(req, dir, d->held, buf + used, size - used, plus, &err);
		if (!n)
			break;
		used += n;
		if (opt->list_near)
			used += add_near(req, d->held, buf + used, size - used, plus);
		d->off = d->held->d_off;
		d->held = NULL;
	}
	/* If a lookup was counted, its entry must reach the kernel. */
	if (err && !used)
		reply_err(req, err);
	else
		fuse_reply_buf(req, buf, used);
	free(buf);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	if (over_of(ino)->kind == OVER_REAL)
		list(req, ino, size, off, fi, false);
	else
		near_readdir(req, fi, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	if (over_of(ino)->kind == OVER_REAL)
		list(req, ino, size, off, fi, true);
	else
		near_readdir(req, fi, size, off, true);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct over_dir *d = (struct over_dir *)(uintptr_t)fi->fh;

	if (over_of(ino)->kind == OVER_REAL)
		dir_close(d);
	else
		near_releasedir(fi);
	fuse_reply_err(req, 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs v;

	(void)ino;
	if (fstatvfs(over_root.fd, &v))
		reply_err(req, errno);
	else
		fuse_reply_statfs(req, &v);
}

/* ---- extended attributes ---- */

static void reply_attr_value(fuse_req_t req, char *buf, ssize_t n, size_t size)
{
	if (n < 0)
		reply_err(req, errno);
	else if (!size)
		fuse_reply_xattr(req, (size_t)n);
	else
		fuse_reply_buf(req, buf, (size_t)n);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct over_node *n = over_of(ino);
	char path[64], *buf = size ? malloc(size) : NULL;

	if (n->kind != OVER_REAL || (size && !buf)) {
		reply_err(req, n->kind != OVER_REAL ? ENODATA : ENOMEM);
	} else {
		proc_path(path, n->fd);
		reply_attr_value(req, buf, getxattr(path, name, buf, size), size);
	}
	free(buf);
}

/* Our own attributes are not listed: a copy would take over the id of its original. */
static size_t without_ours(char *list, size_t len)
{
	size_t at = 0, to = 0;

	while (at < len) {
		size_t n = strnlen(list + at, len - at) + 1;

		if (at + n > len)
			n = len - at;
		if (strncmp(list + at, HIDDEN, sizeof(HIDDEN) - 1)) {
			memmove(list + to, list + at, n);
			to += n;
		}
		at += n;
	}
	return to;
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct over_node *n = over_of(ino);
	char path[64], *buf = malloc(XATTR_LIST_MAX);
	ssize_t len = 0;

	if (!buf) {
		reply_err(req, ENOMEM);
		return;
	}
	if (n->kind == OVER_REAL) {
		proc_path(path, n->fd);
		len = listxattr(path, buf, XATTR_LIST_MAX);
	}
	if (len >= 0)
		len = (ssize_t)without_ours(buf, (size_t)len);
	if (len < 0)
		reply_err(req, errno);
	else if (size && size < (size_t)len)
		reply_err(req, ERANGE);
	else
		reply_attr_value(req, buf, len, size);
	free(buf);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	struct over_node *n = over_of(ino);
	char path[64];

	if (virtual(req, n))
		return;
	if (!strncmp(name, HIDDEN, sizeof(HIDDEN) - 1)) {
		reply_err(req, EPERM);
		return;
	}
	proc_path(path, n->fd);
	reply_err(req, setxattr(path, name, value, size, flags) ? errno : 0);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct over_node *n = over_of(ino);
	char path[64];

	if (virtual(req, n))
		return;
	proc_path(path, n->fd);
	reply_err(req, removexattr(path, name) ? errno : 0);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct over_dir *d = (struct over_dir *)(uintptr_t)fi->fh;
	int err = 0;

	if (over_of(ino)->kind == OVER_REAL)
		err = (datasync ? fdatasync(dirfd(d->d)) : fsync(dirfd(d->d))) ? errno : 0;
	reply_err(req, err);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.write_buf = op_write_buf,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
};

static void *start(const struct mount_options *o)
{
	struct rlimit limit;
	struct stat st;

	/* Each file that the kernel knows has a descriptor here. */
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	privileged = !geteuid();
	over_root.fd = open(o->over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (over_root.fd < 0 || fstat(over_root.fd, &st)) {
		mount_say("%s: %s", o->over, strerror(errno));
		return NULL;
	}
	over_root.dev = st.st_dev;
	over_root.ino = st.st_ino;
	root_flushes_nothing = flushes_nothing(over_root.fd);
	umask(0);
	return index_start(over_root.fd) ? NULL : &over_root;
}

static int run(void *priv, struct fuse_session *se)
{
	(void)priv;
	data_start(se);
	return trim_start(se) ?: index_run();
}

static void stop(void *priv)
{
	(void)priv;
	trim_stop();
	index_stop();
}

const struct mount_kind mount_overlay = {
	.ops = &ops,
	.start = start,
	.run = run,
	.metrics = index_metrics,
	.stop = stop,
};
