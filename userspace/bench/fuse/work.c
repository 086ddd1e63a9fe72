// SPDX-License-Identifier: GPL-2.0
#include "work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BIG		(64u << 20)
#define PIECE		(128u << 10)
#define ROUND_S		0.5	/* one run of small work takes at least this long */
#define CLIENTS_S	2.0

double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int work_prepare(const char *dir, unsigned int files)
{
	char name[32], *piece = calloc(1, PIECE);
	int d = open_dir(dir), fd, err = d < 0 || !piece ? errno : 0;
	unsigned int i;

	for (i = 0; i <= files && !err; i++) {
		unsigned int left = i < files ? 100 : BIG;

		snprintf(name, sizeof(name), i < files ? "f%u" : "big", i);
		fd = openat(d, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		while (fd >= 0 && left && !err) {
			unsigned int n = left < PIECE ? left : PIECE;

			if (write(fd, piece, n) != (ssize_t)n)
				err = errno ? errno : EIO;
			left -= n;
		}
		if (fd < 0 || close(fd))
			err = errno;
	}
	if (d >= 0)
		close(d);
	free(piece);
	return err;
}

/* Calls @one with numbers of files until the time is over; calls per second. */
static double repeat(const char *dir, unsigned int files, double least,
		     int (*one)(int dir, const char *name))
{
	double begin = seconds(), now = begin;
	int d = open_dir(dir), err = d < 0 ? -errno : 0;
	unsigned long n = 0;
	char name[32];

	while (!err && now - begin < least) {
		unsigned int i;

		for (i = 0; i < 64 && !err; i++, n++) {
			snprintf(name, sizeof(name), "f%lu", n % files);
			err = one(d, name);
		}
		now = seconds();
	}
	if (d >= 0)
		close(d);
	return err ? err : (double)n / (now - begin);
}

static int one_stat(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static double work_stat(const char *dir, unsigned int files)
{
	return repeat(dir, files, ROUND_S, one_stat);
}

static int one_create(int dir, const char *name)
{
	char fresh[40];
	int fd;

	snprintf(fresh, sizeof(fresh), "new-%s", name);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	return close(fd) || unlinkat(dir, fresh, 0) ? -errno : 0;
}

static double work_create(const char *dir, unsigned int files)
{
	return repeat(dir, files, ROUND_S, one_create);
}

static int one_open(int dir, const char *name)
{
	char buf[100];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (read(fd, buf, sizeof(buf)) != sizeof(buf)) {
		close(fd);
		return -EIO;
	}
	return close(fd) ? -errno : 0;
}

static double work_open(const char *dir, unsigned int files)
{
	return repeat(dir, files, ROUND_S, one_open);
}

static double work_list(const char *dir, unsigned int files)
{
	double begin = seconds(), now = begin;
	unsigned long n = 0;

	while (now - begin < ROUND_S) {
		DIR *d = opendir(dir);
		unsigned int seen = 0;

		while (d && readdir(d))
			seen++;
		if (!d || seen < files) {
			if (d)
				closedir(d);
			return -EIO;
		}
		closedir(d);
		n += seen;
		now = seconds();
	}
	return (double)n / (now - begin);
}

/* The pages of @fd leave the cache, so that the next read reaches the daemon. */
static int forget_pages(int fd)
{
	return posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* MB per second through a file of 64 MiB in pieces of 128 KiB. */
static double through(const char *dir, const char *name, bool writing)
{
	char path[4096], *piece = malloc(PIECE);
	double begin, took;
	unsigned int at;
	int fd, err = 0;

	if (!piece)
		return -ENOMEM;
	memset(piece, 1, PIECE);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, (writing ? O_WRONLY | O_CREAT : O_RDONLY) | O_CLOEXEC, 0644);
	err = fd < 0 ? errno : writing ? 0 : forget_pages(fd);
	begin = seconds();
	for (at = 0; at < BIG && !err; at += PIECE)
		if ((writing ? write(fd, piece, PIECE) : read(fd, piece, PIECE)) != (ssize_t)PIECE)
			err = errno ? errno : EIO;
	if (fd >= 0 && close(fd) && !err)
		err = errno;
	took = seconds() - begin;
	free(piece);
	return err ? -err : BIG / 1e6 / took;
}

static double work_read(const char *dir, unsigned int files)
{
	(void)files;
	return through(dir, "big", false);
}

static double work_write(const char *dir, unsigned int files)
{
	(void)files;
	return through(dir, "written", true);
}

const struct work works[] = {
	{ "look up and stat", "calls/s", work_stat, 0.9 },
	{ "list", "entries/s", work_list, 0.9 },
	{ "create and unlink", "files/s", work_create, 0.9 },
	{ "open, read 100 bytes, close", "files/s", work_open, 0.9 },
	{ "read 64 MiB", "MB/s", work_read, 0.95 },
	{ "write 64 MiB", "MB/s", work_write, 0.95 },
	{ NULL },
};

double lookups_by(const char *dir, unsigned int files, unsigned int clients)
{
	double *rate = mmap(NULL, clients * sizeof(*rate), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0), sum = 0;
	unsigned int i;
	pid_t pid;

	if (rate == MAP_FAILED)
		return -ENOMEM;
	for (i = 0; i < clients; i++) {
		pid = fork();
		if (!pid) {
			rate[i] = repeat(dir, files, CLIENTS_S, one_stat);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (i = 0; i < clients; i++)
		sum = rate[i] <= 0 || sum < 0 ? -EIO : sum + rate[i];
	munmap(rate, clients * sizeof(*rate));
	return sum;
}
