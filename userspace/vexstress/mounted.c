// SPDX-License-Identifier: GPL-2.0
/*
 * A mount for a job, and system calls on it. The kernel caches no names and attributes
 * (timeout=0), so that each call reaches the daemon.
 */
#include "mounted.h"

#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIST_BYTES	4096

extern char **environ;

static int run_mount(const char *where)
{
	char path[4096];
	char *argv[] = { path, (char *)"-o", (char *)"timeout=0", (char *)where, NULL, NULL, NULL };
	int status, err;
	pid_t pid;

	vx_program("vexfs-mount", path, sizeof(path));
	if (vx_set.device) {
		argv[3] = (char *)"--device";
		argv[4] = vx_set.device;
		argv[5] = (char *)where;
	}
	err = posix_spawnp(&pid, path, NULL, NULL, argv, environ);
	if (err)
		return err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return status ? EIO : 0;
}

int vx_mount_start(struct vx_coll *c, char *why, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	int err;

	if (access("/dev/fuse", R_OK | W_OK)) {
		snprintf(why, size, "this machine has no /dev/fuse that we may use");
		return VX_SKIPPED;
	}
	snprintf(c->mount, sizeof(c->mount), "%s/vexstress.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(c->mount)) {
		snprintf(why, size, "no folder for a mount: %s", strerror(errno));
		c->mount[0] = 0;
		return VX_SKIPPED;
	}
	err = run_mount(c->mount);
	if (err) {
		snprintf(why, size, err == ENOENT ? "there is no program vexfs-mount" :
			 "vexfs-mount cannot mount here");
		rmdir(c->mount);
		c->mount[0] = 0;
		return VX_SKIPPED;
	}
	return VX_OK;
}

/* An unprivileged user can unmount only with this program. */
static void run_fusermount(const char *where)
{
	char *argv[] = { (char *)"fusermount3", (char *)"-u", (char *)where, NULL };
	int status;
	pid_t pid;

	if (!posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		waitpid(pid, &status, 0);
}

void vx_mount_stop(struct vx_coll *c)
{
	if (!c->mount[0])
		return;
	if (umount2(c->mount, 0) && umount2(c->mount, MNT_DETACH))
		run_fusermount(c->mount);
	if (rmdir(c->mount))
		vx_say("%s: %s", c->mount, strerror(errno));
	c->mount[0] = 0;
}

int vx_files_open(struct vx_files *f, const struct vx_coll *c)
{
	char path[256];

	memset(f, 0, sizeof(*f));
	f->by_id = f->list = f->one = f->near = -1;
	f->buf = malloc(LIST_BYTES);
	if (!f->buf)
		return -1;
	snprintf(path, sizeof(path), "%s/%s/by-id", c->mount, c->name);
	f->by_id = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->list = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/%s/near", c->mount, c->name);
	f->near = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/%s/by-id/0", c->mount, c->name);
	f->one = open(path, O_RDONLY | O_CLOEXEC);
	/* Another worker may have unlinked number 0. */
	return f->by_id < 0 || f->list < 0 || f->near < 0 || (f->one < 0 && errno != ENOENT) ? -1 :
	       0;
}

void vx_files_close(struct vx_files *f)
{
	int fd[] = { f->by_id, f->list, f->one, f->near };
	size_t i;

	if (!f->buf)
		return;
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		if (fd[i] >= 0)
			close(fd[i]);
	free(f->buf);
	memset(f, 0, sizeof(*f));
}

static char *name_of(char buf[24], uint64_t id)
{
	snprintf(buf, 24, "%llu", (unsigned long long)id);
	return buf;
}

int vx_file_lookup(struct vx_files *f, uint64_t id)
{
	struct stat st;
	char name[24];

	return fstatat(f->by_id, name_of(name, id), &st, 0) ? -errno : 0;
}

int vx_file_getattr(struct vx_files *f)
{
	struct stat st;

	return fstat(f->one, &st) ? -errno : 0;
}

/* Reads a part of the list; at its end it starts again. */
int vx_file_readdir(struct vx_files *f)
{
	long n = syscall(SYS_getdents64, f->list, f->buf, LIST_BYTES);

	if (n < 0)
		return -errno;
	if (!n && lseek(f->list, 0, SEEK_SET))
		return -errno;
	return 0;
}

int vx_file_read(struct vx_files *f, uint64_t id, void *row, size_t bytes)
{
	char name[24];
	int fd = openat(f->by_id, name_of(name, id), O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = read(fd, row, bytes);
	err = n < 0 ? -errno : n == (ssize_t)bytes ? 0 : -EIO;
	close(fd);
	return err;
}

int vx_file_write(struct vx_files *f, uint64_t id, const void *row, size_t bytes)
{
	char name[24];
	int fd = openat(f->by_id, name_of(name, id), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, row, bytes);
	err = n < 0 ? -errno : n == (ssize_t)bytes ? 0 : -EIO;
	/* The vector is stored when the file is closed. */
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int vx_file_unlink(struct vx_files *f, uint64_t id)
{
	char name[24];

	return unlinkat(f->by_id, name_of(name, id), 0) ? -errno : 0;
}

int vx_file_near(struct vx_files *f, uint64_t id, uint64_t k)
{
	char name[64];
	int fd, err = 0;
	long n;

	snprintf(name, sizeof(name), "%llu@k=%llu", (unsigned long long)id, (unsigned long long)k);
	fd = openat(f->near, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = syscall(SYS_getdents64, fd, f->buf, LIST_BYTES);
		if (n < 0)
			err = -errno;
	} while (n > 0);
	close(fd);
	return err;
}
