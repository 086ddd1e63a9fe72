// SPDX-License-Identifier: GPL-2.0
/*
 * How soon a long op gives way to a signal, against how long it takes when nobody
 * interrupts it: how fast the machine is, and what else it does, makes no difference. And
 * requests that are cut into sections.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/ioctl/test.h"

#define TRIES	7u

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static uint64_t signalled;

static void on_alarm(int sig)
{
	(void)sig;
	signalled = now_us();
}

static void alarm_us(uint64_t us)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval t = { .it_value = { us / 1000000, us % 1000000 } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* What takes long, and what it is done on. */
struct slow {
	const char *what;
	int fd;
	unsigned long cmd;
	void *req;
};

static uint64_t whole(const struct slow *s)
{
	uint64_t begun = now_us();

	is(raw(s->fd, s->cmd, s->req), 0, s->what);
	return now_us() - begun;
}

/* The median of how long it goes on after a signal in its midst. */
static uint64_t caught(const struct slow *s, uint64_t us)
{
	uint64_t after[TRIES];
	unsigned int i, n = 0;

	for (i = 0; i < TRIES; i++) {
		alarm_us(us / 2);
		/* one that was faster this time tells nothing */
		if (raw(s->fd, s->cmd, s->req) == -EINTR)
			after[n++] = now_us() - signalled;
		alarm_us(0);
	}
	ok(n, "%s: a signal ends it", s->what);
	qsort(after, n, sizeof(*after), by_value);
	return n ? after[n / 2] : ~0ULL;
}

static uint64_t killed(const struct slow *s, uint64_t us)
{
	uint64_t after[TRIES];

	for (unsigned int i = 0; i < TRIES; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (;;)
				raw(s->fd, s->cmd, s->req);
		}
		usleep(us / 2);
		kill(pid, SIGKILL);
		after[i] = now_us();
		waitpid(pid, NULL, 0);
		after[i] = now_us() - after[i];
	}
	qsort(after, TRIES, sizeof(*after), by_value);
	return after[TRIES / 2];
}

static void interrupt(const struct slow *s)
{
	uint64_t us = whole(s), after = caught(s, us);

	ok(after < us / 4, "%s: after %llu us of %llu", s->what, (unsigned long long)after,
	   (unsigned long long)us);
	after = killed(s, us);
	ok(after < us / 4, "%s: killed after %llu us of %llu", s->what, (unsigned long long)after,
	   (unsigned long long)us);
}

#define QUERIES	1024u
#define K	4u

/* Cut or not, each query has the same answer. */
static void cut(int fd, struct vexfs_search *s, const uint64_t *ids, size_t bytes)
{
	static const char param[] = "/sys/module/vexfs/parameters/search_section_mb";
	uint64_t *before = malloc(bytes);
	FILE *f = fopen(param, "r+");
	char old[32] = "";

	ok(f && fgets(old, sizeof(old), f), "%s", param);
	is(raw(fd, VEXFS_IOC_SEARCH, s), 0, "a search in one section");
	memcpy(before, ids, bytes);
	rewind(f);
	ok(fputs("1", f) >= 0 && !fflush(f), "sections as short as can be");
	is(raw(fd, VEXFS_IOC_SEARCH, s), 0, "a search in many sections");
	ok(!memcmp(before, ids, bytes), "its answers are the same");
	rewind(f);
	ok(fputs(old, f) >= 0 && !fclose(f), "sections as before");
	free(before);
}

void interrupting(void)
{
	const uint32_t n = 300000, nodes = 20000;
	struct vexfs_create graph = raw_spec("walked", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	int fd = raw_create("scanned", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), gfd = raw_open();
	float *q = calloc(QUERIES * DIM, sizeof(*q));
	uint64_t *ids = calloc(QUERIES * K, sizeof(*ids));
	uint32_t *counts = calloc(QUERIES, sizeof(*counts));
	struct vexfs_search s = raw_search(q, QUERIES, K, ids, NULL, counts);
	struct vexfs_check c = { .size = sizeof(c) };

	for (uint32_t i = 0; i < QUERIES; i++)
		fill(q + i * DIM, 1000000 + i, DIM);
	for (uint32_t i = 0; i < n; i += 50000)
		is(put_some(fd, i, 50000, DIM, NULL), 0, "many vectors");
	graph.index = VEXFS_INDEX_GRAPH;
	graph.m = 4;
	graph.ef_construction = 8;
	is(RAW(gfd, VEXFS_IOC_CREATE, &graph), 0, "a graph");
	is(put_some(gfd, 0, nodes, DIM, NULL), 0, "its nodes");
	s.size = sizeof(s);
	cut(fd, &s, ids, QUERIES * K * sizeof(*ids));
	interrupt(&(struct slow){ "a search of many", fd, VEXFS_IOC_SEARCH, &s });
	interrupt(&(struct slow){ "a check of a graph", gfd, VEXFS_IOC_CHECK, &c });
	raw_drop(ctl, "scanned");
	raw_drop(ctl, "walked");
	close(gfd);
	close(fd);
	free(counts);
	free(ids);
	free(q);
}
