// SPDX-License-Identifier: GPL-2.0
/*
 * What a mapping may show: vectors that are there, zeroes, and never one that is gone.
 * The vectors that go have a mark in every element; the others have not.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/ioctl/test.h"

enum { MAP_DIM = 16, MAP_N = 3000, MAP_KEEP = 7, MARK = 31337 };

struct map {
	const char *rows;
	size_t bytes;
};

static bool map_rows(int fd, struct map *m)
{
	struct vexfs_stat st = { };

	RAW(fd, VEXFS_IOC_STAT, &st);
	/* old vectors and new ones */
	m->bytes = ((size_t)4 * MAP_N * st.stride + 4095) & ~4095ul;
	m->rows = mmap(NULL, m->bytes, PROT_READ, MAP_SHARED, fd, 0);
	return m->rows != MAP_FAILED;
}

/* Elements with the mark, in rows that are there or were; where there is no extent, none. */
static uint32_t marks(const struct map *m)
{
	float page[4096 / sizeof(float)];
	uint32_t n = 0;
	int fds[2];

	if (pipe(fds))
		return UINT32_MAX;
	for (size_t at = 0; at < m->bytes; at += sizeof(page)) {
		/* where a program would get SIGBUS it is an error here */
		if (write(fds[1], m->rows + at, sizeof(page)) != sizeof(page) ||
		    read(fds[0], page, sizeof(page)) != sizeof(page))
			continue;
		for (uint32_t i = 0; i < 4096 / sizeof(float); i++)
			n += page[i] == MARK;
	}
	close(fds[0]);
	close(fds[1]);
	return n;
}

/* What a stranger sees who opens the collection now. */
static int marks_for_others(const char *name)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		struct map m;
		int fd;

		if (setgid(4711) || setuid(4711))
			_exit(101);
		fd = raw_open();
		if (fd < 0 || raw_attach(fd, name, VEXFS_ATTACH_READ) || !map_rows(fd, &m))
			_exit(102);
		_exit(marks(&m) > 100 ? 100 : (int)marks(&m));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Ids that are no multiple of MAP_KEEP have the mark, or none has. */
static int put_marked(int fd, bool marked, uint32_t flags)
{
	static uint64_t ids[MAP_N];
	static float v[MAP_N][MAP_DIM];
	struct vexfs_put p = raw_put(ids, v, NULL, MAP_N);

	p.flags = flags;
	for (uint32_t i = 0; i < MAP_N; i++) {
		ids[i] = i;
		fill(v[i], i, MAP_DIM);
		for (uint32_t d = 0; marked && i % MAP_KEEP && d < MAP_DIM; d++)
			v[i][d] = MARK;
	}
	return RAW(fd, VEXFS_IOC_PUT, &p);
}

static int delete_marked(int fd, uint32_t step)
{
	static uint64_t ids[MAP_N];
	struct vexfs_delete d = { .ids = (uintptr_t)ids };

	for (uint32_t i = 0; i < MAP_N; i++)
		if (i % step)
			ids[d.count++] = i;
	return RAW(fd, VEXFS_IOC_DELETE, &d);
}

/* Who has mapped rows sees them until their last reader has left, and not for ever. */
static bool fades(const struct map *m)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (!marks(m))
			return true;
		usleep(10000);
	}
	return false;
}

static void forgets(uint8_t index)
{
	const char *name = index ? "map-graph" : "map", *what = index ? "graph" : "rows";
	struct vexfs_create c = raw_spec(name, MAP_DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	int fd = raw_open();
	struct map m;

	c.index = index;
	c.mode = 0644;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "a collection to map");

	/* nobody has mapped it: the first to do so sees nothing of what was */
	put_marked(fd, true, VEXFS_PUT_UPSERT);
	is(delete_marked(fd, MAP_KEEP), 0, "delete the marked ones");
	ok(marks_for_others(name) == 0, "%s: vectors deleted before the first mapping are not in it", what);

	put_marked(fd, true, VEXFS_PUT_UPSERT);
	ok(map_rows(fd, &m) && marks(&m) > MAP_N, "%s: live vectors are in it", what);
	is(delete_marked(fd, MAP_KEEP), 0, "delete the marked ones");
	ok(marks_for_others(name) == 0, "%s: deleted vectors are not in a later mapping", what);
	ok(fades(&m), "%s: deleted vectors vanish from the earlier mapping", what);

	put_marked(fd, true, VEXFS_PUT_UPSERT);
	is(put_marked(fd, false, VEXFS_PUT_UPSERT), 0, "update them all");
	ok(marks_for_others(name) == 0, "%s: replaced vectors are gone", what);
	ok(fades(&m), "%s: replaced vectors are gone from the earlier mapping", what);

	put_marked(fd, true, VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE);
	ok(marks_for_others(name) == 0, "%s: refused vectors are not in a mapping", what);
	ok(fades(&m), "%s: refused vectors are not in the earlier mapping", what);

	put_marked(fd, true, VEXFS_PUT_UPSERT);
	is(delete_marked(fd, MAP_N), 0, "delete all but one");
	put_marked(fd, false, VEXFS_PUT_UPSERT);
	ok(marks_for_others(name) == 0, "%s: rows in use again show their new vectors", what);

	put_marked(fd, true, VEXFS_PUT_UPSERT);
	marks(&m);
	is(delete_marked(fd, MAP_N), 0, "delete all but one, with their pages mapped");
	ok(fades(&m), "%s: pages of a freed extent are zero", what);
	ok(sound(fd), "%s: the collection is consistent", what);
	munmap((void *)m.rows, m.bytes);
	raw_drop(ctl, name);
	close(fd);
}

void forgetting(void)
{
	forgets(VEXFS_INDEX_NONE);
	forgets(VEXFS_INDEX_GRAPH);
}
