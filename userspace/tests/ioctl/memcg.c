// SPDX-License-Identifier: GPL-2.0
/*
 * Memory cgroups, in a lab: what a collection takes is charged to the cgroup of those who
 * make it take it, whichever task of the kernel does the work; at the limit there is
 * ENOMEM and nobody is killed; and the neighbours notice nothing. Prints TAP.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/ioctl/raw.h"
#include "tests/tap.h"

#define ROOT	"/sys/fs/cgroup"
#define LIMIT	(64ull << 20)

enum { DIM = 8, BATCH = 4096, ROUNDS = 40 };

static int ctl;

/* ---- cgroups ---- */

static void group_path(char *path, size_t size, const char *group, const char *file)
{
	snprintf(path, size, "%s/%s/%s", ROOT, group, file);
}

static bool group_write(const char *group, const char *file, const char *text)
{
	char path[200];
	bool good;
	int fd;

	group_path(path, sizeof(path), group, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* The number in a file of the group, or behind @key in it. */
static uint64_t group_read(const char *group, const char *file, const char *key)
{
	char path[200], text[4096] = "", *at;
	ssize_t n;
	int fd;

	group_path(path, sizeof(path), group, file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return UINT64_MAX;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return UINT64_MAX;
	at = key ? strstr(text, key) : text;
	return at ? strtoull(at + (key ? strlen(key) : 0), NULL, 10) : UINT64_MAX;
}

static bool group_make(const char *group, const char *limit)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", ROOT, group);
	return !mkdir(path, 0755) && (!limit || group_write(group, "memory.max", limit));
}

static bool group_remove(const char *group)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", ROOT, group);
	for (int tries = 0; tries < 500; tries++) {
		if (!rmdir(path))
			return true;
		usleep(10000);
	}
	return false;
}

/* Starts @fn in a cgroup; its exit status is what it returns. */
static pid_t start_in(const char *group, int (*fn)(void))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (!group_write(group, "cgroup.procs", "0"))
		_exit(120);
	_exit(fn());
}

static int end_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what is done in them ---- */

static uint64_t seed = 5;

static uint32_t rnd(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static int8_t vectors[BATCH][DIM];
static uint64_t ids[BATCH];

/* Vectors with the ids from @first on. */
static int put(int fd, uint64_t first, uint32_t n, uint32_t flags)
{
	struct vexfs_put p = raw_put(ids, vectors, NULL, n);

	p.flags = flags;
	p.format = VEXFS_FORMAT_RAW;
	for (uint32_t i = 0; i < n; i++) {
		ids[i] = first + i;
		for (uint32_t d = 0; d < DIM; d++)
			vectors[i][d] = rnd();
	}
	return RAW(fd, VEXFS_IOC_PUT, &p);
}

/* The same as an op that is submitted: a thread of the module runs it. */
static int put_async(int fd, uint64_t first, uint32_t n)
{
	struct vexfs_put p = raw_put(ids, vectors, NULL, n);
	struct vexfs_submission e = { .cmd = VEXFS_IOC_PUT, .arg = (uintptr_t)&p };
	struct vexfs_submit s = { .entries = (uintptr_t)&e, .count = 1 };
	struct vexfs_completion done = { .res = -1 };
	struct vexfs_reap r = { .completions = (uintptr_t)&done, .max = 1, .min = 1 };
	int err;

	p.size = sizeof(p);
	p.format = VEXFS_FORMAT_RAW;
	for (uint32_t i = 0; i < n; i++)
		ids[i] = first + i;
	err = RAW(fd, VEXFS_IOC_SUBMIT, &s);
	if (!err)
		err = RAW(fd, VEXFS_IOC_REAP, &r);
	return err ? err : done.res;
}

static int delete(int fd, uint64_t first, uint32_t n)
{
	struct vexfs_delete d = { .flags = VEXFS_DELETE_CONTINUE, .count = n, .ids = (uintptr_t)ids };

	for (uint32_t i = 0; i < n; i++)
		ids[i] = first + i;
	return RAW(fd, VEXFS_IOC_DELETE, &d);
}

static int search(int fd, uint32_t flags)
{
	enum { NQ = 64, K = 200 };
	static uint64_t found[NQ * K];
	static float distances[NQ * K];
	static uint32_t counts[NQ];
	struct vexfs_search s = raw_search(vectors, NQ, K, found, distances, counts);

	s.flags = flags;
	s.format = VEXFS_FORMAT_RAW;
	s.ef = 2 * K;
	return RAW(fd, VEXFS_IOC_SEARCH, &s);
}

static int check(int fd)
{
	struct vexfs_check c = { };
	int err = RAW(fd, VEXFS_IOC_CHECK, &c);

	return !err && c.faults ? -EUCLEAN : err;
}

static int index_op(int fd, uint32_t op, uint32_t m)
{
	struct vexfs_index_req req = { .op = op, .m = m };

	return RAW(fd, VEXFS_IOC_INDEX, &req);
}

static struct vexfs_stat stat_of(int fd)
{
	struct vexfs_stat st = { };

	RAW(fd, VEXFS_IOC_STAT, &st);
	return st;
}

static struct vexfs_stat built(int fd)
{
	struct vexfs_stat st;

	do {
		usleep(20000);
		st = stat_of(fd);
	} while (st.index_state == VEXFS_INDEX_BUILDING);
	return st;
}

static bool refused_or_done(int err)
{
	return !err || err == -ENOMEM;
}

/* Once more while there is no memory: what was given up comes back a little later. */
#define EVENTUALLY(op) __extension__ ({						\
	int err_, tries_ = 0;							\
										\
	while ((err_ = (op)) == -ENOMEM && tries_++ < 1000)			\
		usleep(10000);							\
	err_;									\
})

/* ---- a group that wants more than it may have ---- */

/*
 * Stores until there is no more, builds a graph that does not fit, searches, checks, and
 * turns everything over. Exit status: 0, or which step went wrong.
 */
static int greedy(void)
{
	int fd = raw_create("greedy", DIM, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 0), err = 0;
	uint64_t n = 0;
	struct vexfs_stat st;

	if (fd < 0)
		return 1;
	while (!(err = put(fd, n, BATCH, VEXFS_PUT_UPSERT)))
		n += BATCH;
	if (err != -ENOMEM || n < 100000)
		return 2;
	if (check(fd) == -EUCLEAN)
		return 3;
	for (uint64_t at = n / 3; at < n; at += BATCH)
		if (delete(fd, at, BATCH))
			return 4;
	if (EVENTUALLY(index_op(fd, VEXFS_INDEX_OP_BUILD, 64)))
		return 5;
	st = built(fd);
	if (st.index_state != VEXFS_INDEX_STOPPED || st.index_error != ENOMEM)
		return 6;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t at = rnd() % n;

		if (!refused_or_done(search(fd, VEXFS_SEARCH_EXACT)) ||
		    !refused_or_done(search(fd, 0)))
			return 7;
		if (!refused_or_done(put(fd, at, BATCH / 8, VEXFS_PUT_UPSERT)))
			return 8;
		if (delete(fd, at, BATCH / 8))
			return 9;
		if (!refused_or_done(check(fd)))
			return 10;
	}
	if (index_op(fd, VEXFS_INDEX_OP_DROP, 0))
		return 11;
	/* with the graph gone there is room again */
	for (int round = 0; round < ROUNDS; round++)
		if (EVENTUALLY(put(fd, rnd() % (n / 4), BATCH / 8, VEXFS_PUT_UPSERT)))
			return 12;
	if (EVENTUALLY(check(fd)) || EVENTUALLY(search(fd, VEXFS_SEARCH_EXACT)))
		return 13;
	return 0;
}

/* Beside it: everything succeeds, all the time. Until it is killed. */
static int content(void)
{
	int fd = raw_create("content", DIM, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 0);

	if (fd < 0 || put(fd, 0, BATCH, VEXFS_PUT_UPSERT) || index_op(fd, VEXFS_INDEX_OP_BUILD, 8) ||
	    built(fd).index_state != VEXFS_INDEX_READY)
		return 1;
	while (!access("/tmp/greedy-runs", F_OK)) {
		uint64_t at = rnd() % BATCH;

		if (put(fd, at, 64, VEXFS_PUT_UPSERT) || delete(fd, at, 64) ||
		    put(fd, at, 64, VEXFS_PUT_UPSERT))
			return 2;
		if (search(fd, VEXFS_SEARCH_EXACT) || search(fd, 0) || check(fd))
			return 3;
	}
	return 0;
}

static void held_to_the_limit(void)
{
	uint64_t peak, kills, ooms, beside;
	pid_t one, other;
	int fd;

	if (!ok(group_make("greedy", "67108864") && group_make("content", NULL), "two cgroups"))
		return;
	close(open("/tmp/greedy-runs", O_CREAT | O_WRONLY, 0600));
	other = start_in("content", content);
	one = start_in("greedy", greedy);
	fd = end_of(one);
	ok(!fd, "64 MiB: puts, a build, searches, checks and churn end well or in ENOMEM (step %d)",
	   fd);
	unlink("/tmp/greedy-runs");
	fd = end_of(other);
	ok(!fd, "all ops of the other cgroup succeeded (step %d)", fd);
	peak = group_read("greedy", "memory.peak", NULL);
	kills = group_read("greedy", "memory.events", "oom_kill ");
	ooms = group_read("greedy", "memory.events", "oom ");
	beside = group_read("content", "memory.peak", NULL);
	printf("# peak %llu, %llu OOM kills; beside it peak %llu\n", (unsigned long long)peak,
	       (unsigned long long)kills, (unsigned long long)beside);
	ok(peak <= LIMIT && peak > LIMIT / 2, "the cgroup used its limit and not more");
	ok(!kills && !ooms, "no process was killed");
	ok(beside < LIMIT / 2, "the other cgroup was not charged");
	raw_drop(ctl, "greedy");
	raw_drop(ctl, "content");
	ok(group_remove("greedy") && group_remove("content"), "both cgroups can be removed");
}

/* ---- what is charged is what is said ---- */

enum { COUNTED = 3 * BATCH };

/* A collection of COUNTED vectors, with a graph; then the same searched by codes. */
static int counted(void)
{
	int fd = raw_create("counted", DIM, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 0);

	for (uint64_t at = 0; at < COUNTED; at += BATCH)
		if (fd < 0 || put(fd, at, BATCH, VEXFS_PUT_UPSERT))
			return 1;
	if (index_op(fd, VEXFS_INDEX_OP_BUILD, 64) || built(fd).index_state != VEXFS_INDEX_READY)
		return 2;
	return 0;
}

/* The same vectors, stored by threads of the module. */
static int submitted(void)
{
	int fd = raw_create("submitted", DIM, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 0);

	for (uint64_t at = 0; at < COUNTED; at += BATCH)
		if (fd < 0 || put_async(fd, at, BATCH))
			return 1;
	return 0;
}

static int coded(void)
{
	enum { WIDE = 128, MANY = 40000 };
	static float v[1000][WIDE];
	int fd = raw_create("coded", WIDE, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	uint64_t found[10];
	uint32_t count;
	struct vexfs_search s = raw_search(v, 1, 10, found, NULL, &count);
	struct vexfs_put p = raw_put(ids, v, NULL, 1000);

	for (uint32_t at = 0; at < MANY; at += 1000) {
		for (uint32_t i = 0; i < 1000; i++) {
			ids[i] = at + i;
			for (uint32_t d = 0; d < WIDE; d++)
				v[i][d] = (float)(rnd() % 1000) / 10;
		}
		p = raw_put(ids, v, NULL, 1000);
		if (fd < 0 || RAW(fd, VEXFS_IOC_PUT, &p))
			return 1;
	}
	for (int i = 0; i < 40; i++)
		if (RAW(fd, VEXFS_IOC_SEARCH, &s))
			return 2;
	return 0;
}

/* The cgroup's memory beside what the collection says it has. */
static void charged(const char *group, int (*fn)(void))
{
	int fd = raw_open(), step;
	uint64_t now, bytes;

	ok(group_make(group, NULL), "a cgroup");
	step = end_of(start_in(group, fn));
	ok(!step, "%s: done (step %d)", group, step);
	raw_attach(fd, group, VEXFS_ATTACH_READ);
	bytes = stat_of(fd).bytes;
	/* the program has ended: what is left is the collection's, and some of its files' */
	now = group_read(group, "memory.current", NULL) - group_read(group, "memory.stat", "\nfile ");
	printf("# %s: %llu bytes, the cgroup has %llu\n", group, (unsigned long long)bytes,
	       (unsigned long long)now);
	ok(now > bytes - bytes / 20 && now < bytes + bytes / 10 + (1 << 20),
	   "%s: the cgroup is charged for what the collection holds", group);
	raw_drop(ctl, group);
	close(fd);
	ok(group_remove(group), "%s: the cgroup can be removed", group);
}

/* ---- bytes ---- */

static void bytes_return(void)
{
	int fd = raw_create("returns", DIM, VEXFS_TYPE_I8, VEXFS_METRIC_L2, 0);
	uint64_t empty = stat_of(fd).bytes, full, now;
	struct vexfs_stat st;

	ok(empty > 2048, "an empty collection takes %llu bytes", (unsigned long long)empty);
	ok(!put(fd, 0, BATCH, VEXFS_PUT_UPSERT), "store some");
	full = stat_of(fd).bytes;
	for (uint32_t m = 4; m <= 64; m *= 4) {
		ok(!index_op(fd, VEXFS_INDEX_OP_BUILD, m), "build");
		st = built(fd);
		now = st.bytes - full;
		ok(st.index_state == VEXFS_INDEX_READY && now >= st.index_bytes &&
		   now < st.index_bytes + 100, "a graph adds %llu bytes, stat has %llu",
		   (unsigned long long)now, (unsigned long long)st.index_bytes);
		ok(!index_op(fd, VEXFS_INDEX_OP_DROP, 0), "drop it");
		st = stat_of(fd);
		ok(st.bytes == full && !st.index_bytes, "without the graph there are %llu bytes, before it %llu",
		   (unsigned long long)st.bytes, (unsigned long long)full);
	}
	/*
	 * Nodes come and go, with levels above and without; what is left of the bytes when
	 * the collection ends is a warning in the kernel's log, which fails the lab.
	 */
	ok(!index_op(fd, VEXFS_INDEX_OP_BUILD, 4) && built(fd).index_state == VEXFS_INDEX_READY,
	   "build");
	for (int round = 0; round < 8; round++) {
		uint64_t at = rnd() % BATCH;

		delete(fd, at, BATCH / 2);
		put(fd, at, BATCH / 2, VEXFS_PUT_UPSERT);
		st = stat_of(fd);
		ok(st.index_bytes > 0 && st.index_bytes < st.bytes && st.bytes < full * 16,
		   "among writers a graph says %llu of %llu bytes",
		   (unsigned long long)st.index_bytes, (unsigned long long)st.bytes);
	}
	raw_drop(ctl, "returns");
	close(fd);
}

int main(void)
{
	ctl = raw_open();
	if (ctl < 0 || !group_write(".", "cgroup.subtree_control", "+memory")) {
		perror("a device, and a hierarchy of memory cgroups");
		return 1;
	}
	bytes_return();
	charged("counted", counted);
	charged("coded", coded);
	charged("submitted", submitted);
	held_to_the_limit();
	return done();
}
