// SPDX-License-Identifier: GPL-2.0
/*
 * mount_map CASE DIRECTORY COLLECTION: a file of DIRECTORY, the by-id of a collection in a mount, is
 * written through a mapping. What the module has stored meanwhile is asked of the module, not
 * of the mount. The vectors have 2,048 components of f32: two pages. Status 0: as it should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vexfs.h"

#define DIM	2048u
#define BYTES	(DIM * sizeof(float))
#define ID	7u
#define NEW_ID	8u

static struct vexfs *coll;
static const char *dir;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

#define CHECK(x) do { \
	errno = 0; \
	if (!(x)) \
		die("line %d: %s: %s", __LINE__, #x, strerror(errno)); \
} while (0)

static int open_row(uint64_t id, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%llu", dir, (unsigned long long)id);
	fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static float *map_row(int fd, int how)
{
	float *v = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, how, fd, 0);

	CHECK(v != MAP_FAILED);
	return v;
}

static void fill(float *v, uint32_t from, uint32_t to, float x)
{
	while (from < to)
		v[from++] = x;
}

/* The vector in the module if all of its components are one number; NAN if there is none. */
static float stored(uint64_t id)
{
	float v[DIM];
	struct vexfs_get get = {
		.format = VEXFS_FORMAT_F32, .count = 1, .ids = (uintptr_t)&id, .vectors = (uintptr_t)v,
	};
	uint32_t i;

	if (vexfs_do_get(coll, &get, NULL))
		return NAN;
	for (i = 1; i < DIM; i++)
		if (memcmp(&v[i], v, sizeof(*v)))
			die("the module has a part of a vector: component %u is %g, the first one %g", i,
			    (double)v[i], (double)v[0]);
	return v[0];
}

static bool has(uint64_t id, float x)
{
	return stored(id) == x;
}

/* Nobody waits for the end of a mapping: the daemon hears of it a moment later. */
static bool will_have(uint64_t id, float x)
{
	unsigned int i;

	for (i = 0; i < 1000 && !has(id, x); i++)
		usleep(10000);
	return has(id, x);
}

static void put_row(uint64_t id, float x)
{
	float v[DIM];
	struct vexfs_put put = {
		.flags = VEXFS_PUT_UPSERT, .format = VEXFS_FORMAT_F32, .count = 1, .ids = (uintptr_t)&id,
		.vectors = (uintptr_t)v,
	};

	fill(v, 0, DIM, x);
	CHECK(!vexfs_do_put(coll, &put, NULL));
}

static void at_msync(void)
{
	int fd = open_row(ID, O_RDWR);
	float *v = map_row(fd, MAP_SHARED);

	fill(v, 0, DIM, 2);
	CHECK(has(ID, 1));
	CHECK(!msync(v, BYTES, MS_SYNC));
	CHECK(has(ID, 2));
	/* Writing pages back is not storing the vector: half of it is old. */
	fill(v, 0, DIM / 2, 3);
	sync();
	CHECK(has(ID, 2));
	fill(v, DIM / 2, DIM, 3);
	CHECK(!fsync(fd) && has(ID, 3));
}

static void at_close(void)
{
	int fd = open_row(ID, O_RDWR);
	float *v = map_row(fd, MAP_SHARED);

	fill(v, 0, DIM, 2);
	CHECK(!close(fd));
	CHECK(has(ID, 2));
}

static void at_munmap(void)
{
	int fd = open_row(ID, O_RDWR);
	float *v = map_row(fd, MAP_SHARED);

	CHECK(!close(fd));
	fill(v, 0, DIM, 2);
	CHECK(has(ID, 1));
	CHECK(!munmap(v, BYTES));
	CHECK(will_have(ID, 2));
}

/* The kernel has the pages of a process that is killed, and writes them. */
static void at_kill(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		float *v = map_row(open_row(ID, O_RDWR), MAP_SHARED);

		fill(v, 0, DIM, 2);
		raise(SIGKILL);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK(will_have(ID, 2));
}

static void refused(void)
{
	int fd = open_row(ID, O_RDWR);
	float *v = map_row(fd, MAP_SHARED);

	v[100] = NAN;
	CHECK(msync(v, BYTES, MS_SYNC) && errno == EDOM);
	CHECK(has(ID, 1));
	CHECK(close(fd) && errno == EDOM);
	CHECK(!munmap(v, BYTES));
	CHECK(has(ID, 1));
	/* Once nobody has it open, it is what is stored again. */
	for (unsigned int i = 0; i < 1000; i++) {
		fd = open_row(ID, O_RDWR);
		v = map_row(fd, MAP_SHARED);
		CHECK(!close(fd) || errno == EDOM);
		if (v[100] == 1)
			break;
		CHECK(!munmap(v, BYTES));
		usleep(10000);
	}
	CHECK(v[100] == 1);
	CHECK(has(ID, 1));
}

static void created(void)
{
	int fd = open_row(NEW_ID, O_RDWR | O_CREAT | O_EXCL);
	float *v;

	CHECK(!ftruncate(fd, BYTES));
	v = map_row(fd, MAP_SHARED);
	fill(v, 0, DIM, 5);
	CHECK(isnan(stored(NEW_ID)));
	CHECK(!munmap(v, BYTES));
	CHECK(!close(fd));
	CHECK(has(NEW_ID, 5));
}

static void too_short(void)
{
	int fd = open_row(NEW_ID, O_RDWR | O_CREAT | O_EXCL);
	float *v;

	CHECK(!ftruncate(fd, BYTES / 2));
	v = map_row(fd, MAP_SHARED);
	fill(v, 0, DIM / 2, 5);
	CHECK(msync(v, BYTES / 2, MS_SYNC) && errno == EINVAL);
	CHECK(!munmap(v, BYTES));
	CHECK(close(fd) && errno == EINVAL);
	CHECK(isnan(stored(NEW_ID)));
}

static void private(void)
{
	int fd = open_row(ID, O_RDWR);
	float *v = map_row(fd, MAP_PRIVATE);

	fill(v, 0, DIM, 2);
	CHECK(!msync(v, BYTES, MS_SYNC) && !munmap(v, BYTES) && !close(fd));
	CHECK(has(ID, 1));
}

static void read_only(void)
{
	int fd = open_row(ID, O_RDONLY);

	CHECK(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == EACCES);
	CHECK(((float *)mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0))[DIM - 1] == 1);
}

static void unlinked(void)
{
	int fd = open_row(ID, O_RDWR);
	float *v = map_row(fd, MAP_SHARED);
	char path[4096];

	snprintf(path, sizeof(path), "%s/%u", dir, ID);
	CHECK(!unlink(path));
	fill(v, 0, DIM, 2);
	CHECK(!msync(v, BYTES, MS_SYNC) && v[DIM - 1] == 2);
	CHECK(!munmap(v, BYTES) && !close(fd));
	CHECK(isnan(stored(ID)));
}

/* The text of these files is made when they are opened; the kernel keeps no pages of it. */
static void of_query(void)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/../.query", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "msync", at_msync }, { "close", at_close }, { "munmap", at_munmap }, { "kill", at_kill },
	{ "refused", refused }, { "created", created }, { "short", too_short },
	{ "private", private }, { "read-only", read_only }, { "unlinked", unlinked },
	{ "query", of_query },
};

int main(int argc, char **argv)
{
	struct vexfs_error err;
	size_t i;

	if (argc != 4)
		die("usage: mount_map CASE DIRECTORY COLLECTION");
	dir = argv[2];
	if (vexfs_open(NULL, argv[3], VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &coll, &err))
		die("%s", err.text);
	put_row(ID, 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!strcmp(cases[i].name, argv[1])) {
			cases[i].run();
			return 0;
		}
	}
	die("no case '%s'", argv[1]);
}
