// SPDX-License-Identifier: GPL-2.0
/*
 * Writes files: see outfile.h. Names are looked up relative to a descriptor of the
 * directory, so that renaming directories cannot redirect a write.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same limit as the kernel's. */
#define LINKS_MAX	40
#define TRIES		100

/*
 * What a signal handler needs. A slot is claimed by setting @state and is valid while
 * that is PART_THERE. Forked children inherit entries of their parent and must ignore
 * them.
 */
#define SLOTS		16
enum { PART_FREE, PART_TAKEN, PART_THERE };

static struct {
	_Atomic int state;
	pid_t owner;
	int dir;
	char name[NAME_MAX + 1];
} slots[SLOTS];

__attribute__((format(printf, 3, 4)))
static int refuse(struct outfile *o, int error, const char *fmt, ...)
{
	va_list args;

	o->error = error ? error : EIO;
	va_start(args, fmt);
	vsnprintf(o->why, sizeof(o->why), fmt, args);
	va_end(args);
	return -1;
}

static int refuse_errno(struct outfile *o)
{
	int e = errno ? errno : EIO;

	return refuse(o, e, "%s", strerror(e));
}

static void remember(struct outfile *o)
{
	for (o->slot = 0; o->slot < SLOTS; o->slot++) {
		int expected = PART_FREE;

		if (!atomic_compare_exchange_strong(&slots[o->slot].state, &expected, PART_TAKEN))
			continue;
		slots[o->slot].owner = getpid();
		slots[o->slot].dir = o->dir;
		snprintf(slots[o->slot].name, sizeof(slots[0].name), "%s", o->part);
		atomic_store(&slots[o->slot].state, PART_THERE);
		return;
	}
}

static void forget(struct outfile *o)
{
	if (o->slot >= 0 && o->slot < SLOTS)
		atomic_store(&slots[o->slot].state, PART_FREE);
	o->slot = -1;
}

void outfile_discard_all(void)
{
	int saved = errno;

	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].state) == PART_THERE && slots[i].owner == getpid())
			unlinkat(slots[i].dir, slots[i].name, 0);
	errno = saved;
}

static void discard_and_end(int sig)
{
	outfile_discard_all();
	signal(sig, SIG_DFL);
	raise(sig);
}

void outfile_discard_on_signals(void)
{
	static const int list[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = discard_and_end }, old;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		/* nohup(1) stays in effect */
		if (!sigaction(list[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(list[i], &sa, NULL);
}

/*
 * Follows a link under the same rule as fs.protected_symlinks: in a sticky directory that
 * everybody can write to, only if the link is ours or the directory owner's.
 */
static bool trust_link(int dir, const struct stat *link)
{
	struct stat st;

	if (fstat(dir, &st))
		return false;
	return !(st.st_mode & S_ISVTX) || !(st.st_mode & 0002) || link->st_uid == geteuid() ||
	       link->st_uid == st.st_uid;
}

/* Splits @path: opens its directory relative to @at as @o->dir; the last part is @o->base. */
static int enter(struct outfile *o, int at, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int dir = -1;

	free(o->base);
	o->base = strdup(slash ? slash + 1 : path);
	if (folder && o->base) {
		dir = openat(at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		/* Searchable directories need not be readable. */
		if (dir < 0 && errno == EACCES)
			dir = openat(at, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	free(folder);
	if (o->dir >= 0)
		close(o->dir);
	o->dir = dir;
	if (dir < 0)
		return refuse_errno(o);
	if (!*o->base || !strcmp(o->base, ".") || !strcmp(o->base, ".."))
		return refuse(o, EISDIR, "this is a directory");
	return 0;
}

/* Follows links until @o->dir and @o->base name something else; @st describes it. */
static int resolve(struct outfile *o, const char *path, struct stat *st, bool *there)
{
	char target[PATH_MAX];
	ssize_t n;

	if (enter(o, AT_FDCWD, path))
		return -1;
	for (int links = 0;; links++) {
		*there = !fstatat(o->dir, o->base, st, AT_SYMLINK_NOFOLLOW);
		if (!*there)
			return errno == ENOENT ? 0 : refuse_errno(o);
		if (!S_ISLNK(st->st_mode))
			return 0;
		if (links == LINKS_MAX)
			return refuse(o, ELOOP, "too many symbolic links");
		if (!trust_link(o->dir, st))
			return refuse(o, EACCES,
				      "a symbolic link of another user in a directory that everybody can write to");
		n = readlinkat(o->dir, o->base, target, sizeof(target) - 1);
		if (n < 0)
			return refuse_errno(o);
		target[n] = '\0';
		if (enter(o, o->dir, target))
			return -1;
	}
}

/* Opens a device, a pipe or our own output as it is; it is not replaced. */
static int open_in_place(struct outfile *o, const char *path, const struct stat *st)
{
	struct stat now;
	int fd;

	if (S_ISDIR(st->st_mode))
		return refuse(o, EISDIR, "this is a directory");
	if (S_ISSOCK(st->st_mode))
		return refuse(o, ENXIO, "this is a socket, which cannot be written to as a file");
	if (S_ISBLK(st->st_mode))
		return refuse(o, EINVAL, "this is a disk, which would lose all that is on it");
	if (S_ISREG(st->st_mode)) {
		fflush(stdout);
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	} else {
		fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	}
	if (fd < 0)
		return refuse_errno(o);
	/* The file may have been replaced after the check. */
	if (fstat(fd, &now) || now.st_dev != st->st_dev || now.st_ino != st->st_ino) {
		close(fd);
		return refuse(o, EBUSY, "it was replaced while it was opened");
	}
	o->f = fdopen(fd, "wb");
	if (o->f)
		return 0;
	close(fd);
	return refuse_errno(o);
}

/* NAME.XXXXXXXX.part; the name is shortened to fit. */
static int make_part(struct outfile *o)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t r;
		int fd;

		if (getrandom(&r, sizeof(r), 0) != sizeof(r))
			r = (uint32_t)getpid() + (uint32_t)i;
		if (asprintf(&o->part, "%.*s.%08x.part", NAME_MAX - 14, o->base, r) < 0) {
			o->part = NULL;
			return -1;
		}
		/* The new file must not be readable by users who could not read the old one. */
		fd = openat(o->dir, o->part,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
			    o->replaces ? 0600 : 0666);
		if (fd >= 0) {
			remember(o);
			return fd;
		}
		free(o->part);
		o->part = NULL;
		if (errno != EEXIST)
			break;
	}
	return -1;
}

static int open_regular(struct outfile *o, const struct stat *st, bool there)
{
	int fd;

	if (there) {
		/* A read-only file of its owner stays; root may write to it as well. */
		if (faccessat(o->dir, o->base, W_OK, AT_EACCESS))
			return refuse_errno(o);
		o->replaces = true;
		o->mode = st->st_mode & 07777;
		o->uid = st->st_uid;
		o->gid = st->st_gid;
	}
	if (o->live)
		fd = openat(o->dir, o->base,
			    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0666);
	else
		fd = make_part(o);
	if (fd < 0)
		return refuse_errno(o);
	o->f = fdopen(fd, "wb");
	if (o->f)
		return 0;
	close(fd);
	return refuse_errno(o);
}

int outfile_open(struct outfile *o, const char *path, bool live)
{
	struct stat st, out;
	bool there, ours;
	int ret;

	*o = (struct outfile){ .open = true, .live = live, .dir = -1, .slot = -1 };
	there = !stat(path, &st);
	/* /dev/stdout and similar: earlier output must not be truncated. */
	ours = there && !fstat(STDOUT_FILENO, &out) && out.st_dev == st.st_dev &&
	       out.st_ino == st.st_ino;
	if (there && (!S_ISREG(st.st_mode) || ours)) {
		ret = open_in_place(o, path, &st);
	} else {
		ret = resolve(o, path, &st, &there);
		if (!ret && there && !S_ISREG(st.st_mode))
			ret = refuse(o, EBUSY, "it was replaced while it was opened");
		if (!ret)
			ret = open_regular(o, &st, there);
	}
	if (ret)
		outfile_abandon(o);
	return ret;
}

/* The new file gets the owner, group and mode of the old one. */
static int inherit(struct outfile *o, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if ((st.st_uid != o->uid || st.st_gid != o->gid) && fchown(fd, o->uid, o->gid)) {
		/* Only root can change the owner. The group may still be one of ours. */
		o->mode &= 0777;
		if (st.st_gid != o->gid && fchown(fd, (uid_t)-1, o->gid))
			o->mode &= 0707;
	}
	return fchmod(fd, o->mode);
}

/* File systems and pipes that cannot sync return EINVAL or EROFS. */
static int make_durable(int fd)
{
	return fsync(fd) && errno != EINVAL && errno != EROFS ? -1 : 0;
}

int outfile_commit(struct outfile *o)
{
	struct stat st;
	int fd = fileno(o->f);

	errno = 0;
	if (fflush(o->f) || ferror(o->f))
		goto fail;
	if (o->part && o->replaces && inherit(o, fd))
		goto fail;
	if (make_durable(fd))
		goto fail;
	if (o->part) {
		if (!fstatat(o->dir, o->base, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode)) {
			refuse(o, EBUSY, "something that is not a file has taken its name meanwhile");
			goto out;
		}
		if (renameat(o->dir, o->part, o->dir, o->base))
			goto fail;
		forget(o);
		free(o->part);
		o->part = NULL;
		/* Makes the name durable; a directory that cannot be read cannot be synced. */
		if (make_durable(o->dir) && errno != EBADF)
			goto fail;
	}
	fd = fclose(o->f);
	o->f = NULL;
	if (fd)
		goto fail;
	outfile_abandon(o);
	return 0;
fail:
	refuse_errno(o);
out:
	outfile_abandon(o);
	return -1;
}

void outfile_abandon(struct outfile *o)
{
	if (!o->open)
		return;
	if (o->part)
		unlinkat(o->dir, o->part, 0);
	forget(o);
	if (o->f)
		fclose(o->f);
	if (o->dir >= 0)
		close(o->dir);
	free(o->part);
	free(o->base);
	o->f = NULL;
	o->part = NULL;
	o->base = NULL;
	o->open = false;
}

int outfile_write(struct outfile *o, const char *path, const void *data, size_t size)
{
	if (outfile_open(o, path, false))
		return -1;
	errno = 0;
	if (size && fwrite(data, size, 1, o->f) != 1) {
		refuse_errno(o);
		outfile_abandon(o);
		return -1;
	}
	return outfile_commit(o);
}
