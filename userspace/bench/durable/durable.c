// SPDX-License-Identifier: GPL-2.0
/*
 * What durability costs those who do not use it. Every pair is measured in turns, and the
 * middle one of the pairs' ratios is judged:
 *
 *	durable-bench FILE SIZE STORE NOW [BEFORE]
 *
 * NOW and BEFORE are modules, the second one of a time without change streams; puts into
 * collections that are not durable are compared between them. Then vexfsd stores in the
 * folder STORE, and searches are compared beside a writer of a durable collection and the
 * same writer of one that is not.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rows.h"
#include "vexfs.h"

#define DIM		128u
#define BATCH_MAX	64u
#define TURNS_MAX	15u
#define PACE		2000u	/* vectors a second of the writer beside searches */
#define PACE_BATCH	16u

static struct {
	struct rows *rows;
	unsigned int turns;
	double seconds;
	uint32_t vectors;
	bool failed;
} bench;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "durable-bench: %s: %s\n", what, why);
	bench.failed = true;
}

static uint64_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

static struct vexfs *make(const char *name, int durability)
{
	struct vexfs_create c = {
		.dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2, .mode = 0600,
		.durability = (uint8_t)durability,
	};
	struct vexfs_error err;
	struct vexfs *h = NULL;

	vexfs_do_drop(NULL, name, &err);
	if (vexfs_do_create(NULL, &c, name, NULL, &h, &err))
		complain(name, err.text);
	return h;
}

static int put(struct vexfs *h, uint64_t first, uint32_t n, uint64_t *seed)
{
	static float v[BATCH_MAX * DIM];
	static uint64_t ids[BATCH_MAX];
	struct vexfs_put p = {
		.flags = VEXFS_PUT_UPSERT, .count = n, .ids = (uintptr_t)ids, .vectors = (uintptr_t)v,
	};
	struct vexfs_error err;
	int ret;

	for (uint32_t i = 0; i < n; i++) {
		ids[i] = first + i;
		/* what is compared is the module, so little is spent on contents */
		v[i * DIM + draw(seed) % DIM] = (float)(draw(seed) % 1000);
	}
	ret = vexfs_do_put(h, &p, &err);
	if (ret)
		complain("put", err.text);
	return ret;
}

static int fill(struct vexfs *h)
{
	uint64_t seed = 1;

	for (uint32_t at = 0; at < bench.vectors; at += BATCH_MAX)
		if (put(h, at, BATCH_MAX, &seed))
			return -1;
	return 0;
}

/* ---- puts, two modules ---- */

static int load(const char *module)
{
	char command[PATH_MAX + 64];

	snprintf(command, sizeof(command), "rmmod vexfs && insmod '%s'", module);
	if (!system(command))
		return 0;
	complain(module, "cannot be loaded");
	return -1;
}

/* Vectors a second into a collection that is not durable; 0 after an error. */
static double put_rate(uint32_t batch)
{
	struct vexfs *h = make("bench", VEXFS_DURABILITY_NONE);
	uint64_t seed = 7, done = 0;
	double begin, end;

	if (!h)
		return 0;
	if (fill(h))
		goto bad;
	begin = now();
	end = begin + bench.seconds;
	while (now() < end) {
		if (put(h, draw(&seed) % (bench.vectors - batch), batch, &seed))
			goto bad;
		done += batch;
	}
	end = now();
	vexfs_close(h);
	return (double)done / (end - begin);
bad:
	vexfs_close(h);
	return 0;
}

static void pair(const char *name, const char *peer, const char *unit, double *ours, double *theirs,
		 double goal)
{
	struct rows_row row = { .name = name, .peer = peer, .unit = unit,
				.kind = GOAL_RATIO_AT_LEAST, .goal = goal };
	double ratio[TURNS_MAX], middle;

	for (unsigned int i = 0; i < bench.turns; i++)
		ratio[i] = ours[i] / theirs[i];
	middle = rows_median(ratio, bench.turns);
	row.ours = rows_median(ours, bench.turns);
	/* the row shows the middle ratio; medians of both sides need not have it */
	row.theirs = row.ours / middle;
	rows_add(bench.rows, &row);
}

static void not_measured(const char *name, const char *peer, const char *unit, const char *why)
{
	struct rows_row row = { .name = name, .peer = peer, .unit = unit, .not_measured = why };

	rows_add(bench.rows, &row);
}

static void put_row(uint32_t batch, const char *module, const char *before)
{
	static const char peer[] = "the module before change streams";
	double ours[TURNS_MAX], theirs[TURNS_MAX];
	char name[64];

	snprintf(name, sizeof(name), "puts that are not durable, batch %u", batch);
	if (!before) {
		not_measured(name, peer, "vectors/s", "no module to compare with: give BEFORE=REVISION");
		return;
	}
	for (unsigned int i = 0; i < bench.turns; i++) {
		for (unsigned int k = 0; k < 2; k++) {
			/* who goes first changes: what drifts hits both */
			bool old = (i + k) & 1;
			double rate = load(old ? before : module) ? 0 : put_rate(batch);

			if (rate <= 0) {
				not_measured(name, peer, "vectors/s", "a run did not come to its end");
				return;
			}
			(old ? theirs : ours)[i] = rate;
		}
	}
	pair(name, peer, "vectors/s", ours, theirs, 0.99);
}

/* ---- searches beside a writer ---- */

static pid_t start_daemon(const char *store)
{
	char sock[PATH_MAX];
	pid_t pid;

	snprintf(sock, sizeof(sock), "%s.sock", store);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execlp("vexfsd", "vexfsd", "--store", store, "--socket", sock, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* A durable collection can be made as soon as the daemon is there. */
static struct vexfs *make_durable(const char *name)
{
	struct vexfs_create c = {
		.dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2, .mode = 0600,
		.durability = VEXFS_DURABILITY_GROUP,
	};
	struct vexfs_error err = { 0 };
	struct vexfs *h = NULL;
	int ret = -EROFS;

	for (unsigned int i = 0; ret == -EROFS && i < 300; i++) {
		ret = vexfs_do_create(NULL, &c, name, NULL, &h, &err);
		if (ret)
			usleep(100000);
	}
	if (ret)
		complain(name, err.text);
	return h;
}

/* PACE vectors a second, in batches; a writer that cannot keep up is an error. */
static pid_t start_writer(struct vexfs *h)
{
	double begin, late = 0;
	uint64_t seed = 3, done = 0;
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	begin = now();
	while (getppid() == parent) {
		double due = begin + (double)done / PACE;

		late = now() - due;
		if (late < 0)
			usleep((useconds_t)(-late * 1e6));
		if (late > 5)
			_exit(2);
		if (put(h, draw(&seed) % (bench.vectors - PACE_BATCH), PACE_BATCH, &seed))
			_exit(1);
		done += PACE_BATCH;
	}
	_exit(0);
}

/* Searches a second beside a writer of @w; 0 after an error. */
static double search_rate(struct vexfs *h, struct vexfs *w)
{
	pid_t writer = start_writer(w);
	uint64_t seed = 5, done = 0, ids[10];
	float q[DIM], distances[10];
	struct vexfs_error err;
	double begin, end;
	int status = 0;

	if (writer < 0)
		return 0;
	begin = now();
	end = begin + bench.seconds;
	while (now() < end) {
		for (unsigned int d = 0; d < DIM; d++)
			q[d] = (float)(draw(&seed) % 100);
		if (vexfs_nearest(h, q, 10, ids, distances, &err) < 0) {
			complain("search", err.text);
			break;
		}
		done++;
	}
	end = now();
	if (waitpid(writer, &status, WNOHANG) == writer) {
		complain("the writer", WIFEXITED(status) && WEXITSTATUS(status) == 2 ?
			 "cannot keep up" : "ended");
		return 0;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	return (double)done / (end - begin);
}

static void beside_row(const char *store)
{
	static const char name[] = "exact searches beside a durable writer of 2,000 vectors/s";
	static const char peer[] = "beside one that is not durable";
	double ours[TURNS_MAX], theirs[TURNS_MAX];
	pid_t daemon = start_daemon(store);
	struct vexfs *h = make("searched", VEXFS_DURABILITY_NONE);
	struct vexfs *w[2] = { make_durable("stored"), make("volatile", VEXFS_DURABILITY_NONE) };
	bool good = h && w[0] && w[1] && !fill(h) && !fill(w[0]) && !fill(w[1]);

	for (unsigned int i = 0; good && i < bench.turns; i++) {
		for (unsigned int k = 0; k < 2; k++) {
			unsigned int which = (i + k) & 1;
			double rate = search_rate(h, w[which]);

			good = good && rate > 0;
			(which ? theirs : ours)[i] = rate;
		}
	}
	if (good)
		pair(name, peer, "searches/s", ours, theirs, 0.95);
	else
		not_measured(name, peer, "searches/s", "a run did not come to its end");
	vexfs_close(h);
	vexfs_close(w[0]);
	vexfs_close(w[1]);
	if (daemon > 0) {
		kill(daemon, SIGTERM);
		waitpid(daemon, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	unsigned int missed;
	bool smoke;

	if (argc < 5 || argc > 6 || (strcmp(argv[2], "smoke") && strcmp(argv[2], "full"))) {
		fprintf(stderr, "usage: durable-bench FILE smoke|full STORE NOW [BEFORE]\n");
		return 2;
	}
	smoke = !strcmp(argv[2], "smoke");
	bench.turns = smoke ? 1 : 9;
	bench.seconds = smoke ? 0.3 : 2;
	bench.vectors = smoke ? 2048 : 51200;
	bench.rows = rows_open(argv[1]);
	put_row(1, argv[4], argc > 5 ? argv[5] : NULL);
	put_row(64, argv[4], argc > 5 ? argv[5] : NULL);
	if (argc > 5 && load(argv[4]))
		return 1;
	beside_row(argv[3]);
	missed = rows_close(bench.rows);
	return bench.failed ? 1 : missed && !smoke ? 3 : 0;
}
