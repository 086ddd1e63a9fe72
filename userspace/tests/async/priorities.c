// SPDX-License-Identifier: GPL-2.0
/*
 * The priority of ops that their callers wait for: puts, gets, deletes, distances and classifications
 * of lower priority pause while others of high priority run, and are answered as ever.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/async/async.h"

#define NAME	"async-priority"
#define MANY	12000u		/* vectors that searches of high priority go through */
#define BATCH	96u
#define HIGHS	4u		/* callers of high priority: more than processors */
#define SECONDS	60		/* until a pause has to be seen; the lab may be slow */

enum kind { PUT, GET, DELETE, DISTANCE, CLASSIFY, SEARCH, KINDS };

static const char *const kinds[KINDS] = { "put", "get", "delete", "distance", "classify", "search" };

static float vectors[MANY * DIM];
static uint64_t ids[MANY];
static uint32_t records[MANY];

/* The value of a counter of the bridge, or -1. */
long bridge_count(const char *place, const char *figure)
{
	char line[256], want[64];
	long value = -1;
	FILE *f = fopen("/sys/kernel/debug/vexfs/counters", "r");

	snprintf(want, sizeof(want), "bridge %s %s ", place, figure);
	while (f && value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, want, strlen(want)) &&
		    sscanf(line + strlen(want), "%*s %*s %*s %ld", &value) != 1)
			value = -1;
	if (f)
		fclose(f);
	return value;
}

static int opened(void)
{
	int fd = raw_open();

	if (fd >= 0 && raw_attach(fd, NAME, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One op of the first BATCH vectors; false when its answer is wrong. */
static bool one_op(int fd, enum kind kind, uint32_t priority)
{
	static float back[BATCH * DIM], dist[BATCH];
	static uint64_t found[4];
	struct vexfs_put p = raw_put(ids, vectors, records, BATCH);
	struct vexfs_get g = { .count = BATCH, .ids = (uintptr_t)ids, .vectors = (uintptr_t)back,
			       .priority = priority };
	struct vexfs_delete d = { .count = BATCH, .ids = (uintptr_t)ids, .priority = priority };
	struct vexfs_distance m = { .count = BATCH, .query = (uintptr_t)vectors, .ids = (uintptr_t)ids,
				    .distances = (uintptr_t)dist, .priority = priority };
	struct vexfs_vote votes[4];
	struct vexfs_classify c = { .k = 4, .query = (uintptr_t)vectors, .field_size = 4,
				    .votes = (uintptr_t)votes, .count = 4, .priority = priority };
	struct vexfs_search s = raw_search(vectors, 1, 4, found, dist, NULL);

	p.priority = priority;
	s.priority = priority;
	switch (kind) {
	case PUT:
		return !RAW(fd, VEXFS_IOC_PUT, &p) && p.done == BATCH;
	case GET:
		return !RAW(fd, VEXFS_IOC_GET, &g) && g.done == BATCH && !memcmp(back, vectors, sizeof(back));
	case DELETE:
		return !RAW(fd, VEXFS_IOC_DELETE, &d) && d.done == BATCH && !RAW(fd, VEXFS_IOC_PUT, &p);
	case DISTANCE:
		return !RAW(fd, VEXFS_IOC_DISTANCE, &m) && m.done == BATCH && dist[0] == 0;
	case CLASSIFY:
		return !RAW(fd, VEXFS_IOC_CLASSIFY, &c) && c.count >= 1 && votes[0].votes >= 1;
	default:
		return !RAW(fd, VEXFS_IOC_SEARCH, &s) && s.found == 4;
	}
}

/* Processes that do nothing but one op of high priority, again and again. */
static void highs_start(pid_t *pids, enum kind kind)
{
	for (uint32_t i = 0; i < HIGHS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			int fd = opened();

			while (one_op(fd, kind, VEXFS_PRIORITY_HIGH))
				;
			_exit(1);
		}
	}
}

/* Each was still at it, and is ended. */
static void highs_end(const pid_t *pids)
{
	int wrong = 0, status;

	for (uint32_t i = 0; i < HIGHS; i++) {
		kill(pids[i], SIGKILL);
		wrong += waitpid(pids[i], &status, 0) != pids[i] || !WIFSIGNALED(status);
	}
	is(wrong, 0, "ops of high priority were answered right");
}

/* Ops of @kind until one has paused. */
static void pauses(int fd, enum kind kind, uint32_t priority, const char *place, const char *beside)
{
	long before = bridge_count(place, "paused");
	time_t end = time(NULL) + SECONDS;
	uint32_t wrong = 0, n = 0;

	do
		wrong += !one_op(fd, kind, priority);
	while (++n % 16 || (bridge_count(place, "paused") <= before && time(NULL) < end));
	ok(before >= 0 && bridge_count(place, "paused") > before, "%s %s pauses beside %s of high priority",
	   place, kinds[kind], beside);
	ok(!wrong, "%s %s: all answers are right", place, kinds[kind]);
}

static void without(int fd, enum kind kind)
{
	long before;
	uint32_t wrong = 0;

	set_param("bridge_priority", 0);
	/* ops that began before */
	usleep(300000);
	before = bridge_count("low", "paused") + bridge_count("medium", "paused");
	for (uint32_t n = 0; n < 200; n++)
		wrong += !one_op(fd, kind, VEXFS_PRIORITY_LOW);
	is(wrong, 0, "bridge_priority=0: all answers are right");
	is(bridge_count("low", "paused") + bridge_count("medium", "paused"), before,
	   "bridge_priority=0: nothing pauses");
	set_param("bridge_priority", 1);
}

static void refused(int fd)
{
	struct vexfs_classify c = { .k = 1, .query = (uintptr_t)vectors, .field_size = 4, .priority = 3 };

	is(RAW(fd, VEXFS_IOC_CLASSIFY, &c), -EINVAL, "classify with priority 3");
	c.priority = ~0u;
	is(RAW(fd, VEXFS_IOC_CLASSIFY, &c), -EINVAL, "classify with priority 2^32 - 1");
	c.priority = 0;
	c.pad = 1;
	is(RAW(fd, VEXFS_IOC_CLASSIFY, &c), -EINVAL, "classify with padding that is not 0");
}

static bool indexed(int fd)
{
	struct vexfs_index_req r = { .op = VEXFS_INDEX_OP_BUILD, .m = 4, .ef_construction = 16 };
	struct vexfs_stat s = { };
	int err = RAW(fd, VEXFS_IOC_INDEX, &r);

	while (!err && !RAW(fd, VEXFS_IOC_STAT, &s) && s.index_state == VEXFS_INDEX_BUILDING)
		usleep(5000);
	return !err && s.index_state == VEXFS_INDEX_READY;
}

void priorities_of_calls(void)
{
	int fd = raw_create(NAME, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, sizeof(records[0]));
	struct vexfs_put p = raw_put(ids, vectors, records, MANY);
	pid_t pids[HIGHS];

	for (uint32_t i = 0; i < MANY; i++) {
		ids[i] = i;
		records[i] = i % 4;
		fill(vectors + (size_t)i * DIM, i);
	}
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "a collection for the priorities of calls");
	refused(fd);
	highs_start(pids, SEARCH);
	for (enum kind k = PUT; k < KINDS; k++)
		pauses(fd, k, VEXFS_PRIORITY_LOW, "low", "searches");
	pauses(fd, PUT, VEXFS_PRIORITY_MEDIUM, "medium", "searches");
	pauses(fd, GET, VEXFS_PRIORITY_MEDIUM, "medium", "searches");
	without(fd, GET);
	highs_end(pids);
	highs_start(pids, GET);
	pauses(fd, SEARCH, VEXFS_PRIORITY_LOW, "low", "gets");
	highs_end(pids);
	ok(indexed(fd), "the collection gets a graph");
	highs_start(pids, SEARCH);
	pauses(fd, PUT, VEXFS_PRIORITY_LOW, "low", "searches, with a graph,");
	pauses(fd, DELETE, VEXFS_PRIORITY_LOW, "low", "searches, with a graph,");
	highs_end(pids);
	is(bridge_count("high", "paused"), 0, "ops of high priority never pause");
	is(raw_drop(fd, NAME), 0, "the collection goes");
	close(fd);
}
