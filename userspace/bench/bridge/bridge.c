// SPDX-License-Identifier: GPL-2.0
/*
 * What the bridge brings and what it costs, in one run: every pair of figures is measured in
 * turns, with the load of vexstress, and the middle one of the pairs' ratios is judged.
 */
#include "coll.h"
#include "engine.h"
#include "kstat.h"
#include "rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MAX	15

/**
 * struct bench - how long and how large
 * @rows: where figures go
 * @turns: pairs of each row
 * @seconds: of a run
 * @scale: of collections
 * @now: the module as it is
 * @before: the module before there was a bridge, or NULL
 * @failed: a job did not run to its end
 */
static struct {
	struct rows *rows;
	unsigned int turns;
	double seconds;
	double scale;
	const char *now, *before;
	bool failed;
} bench;

/* What a run has shown. */
struct seen {
	double ops_per_s;
	struct vs_hist latency;		/* of the kind that is asked for */
};

/*
 * One run of @job. @kind below 0: all kinds together. In an open loop latency is that from
 * when an op was due.
 */
static int run(struct vx_job *job, int kind, struct seen *s)
{
	struct vx_outcome *out = calloc(1, sizeof(*out));
	struct vx_job *list[1] = { job };
	const struct vx_measure *m;
	int ret = -1;

	if (!out)
		return -1;
	if (!vx_run_group(list, 1, out) && out->seconds > 0) {
		m = kind < 0 ? &out->all : &out->kind[kind];
		s->ops_per_s = (double)(out->all.ops - out->all.errors) / out->seconds;
		s->latency = job->rate > 0 ? m->corrected : m->latency;
		ret = out->wrong || out->all.errors || out->killed_by ? -1 : 0;
		if (ret)
			vx_say("%s: %llu ops failed, %llu answers were wrong%s%s", job->name,
			       (unsigned long long)out->all.errors, (unsigned long long)out->wrong,
			       out->message[0] ? ": " : "", out->message);
	}
	vx_outcome_free(out);
	free(out);
	return vx_signal ? -1 : ret;
}

static void make_job(struct vx_job *job, const char *name, const char *workload, unsigned int threads)
{
	vx_job_defaults(job);
	snprintf(job->name, sizeof(job->name), "%s", name);
	job->workload = vx_workload_find(workload);
	job->threads = threads;
	job->keep = true;
	job->duration = bench.seconds;
	vx_set.measure = bench.seconds;
	vx_set.warmup = bench.seconds / 3;
	vx_set.samples = 10;
	vx_set.quiet = true;
}

static uint64_t scaled(uint64_t vectors)
{
	return (uint64_t)((double)vectors * bench.scale);
}

static double p99_ms(const struct seen *s)
{
	return (double)vs_hist_quantile(&s->latency, 0.99) / 1e6;
}

static void not_measured(const char *name, const char *peer, const char *unit, const char *why)
{
	struct rows_row row = { .name = name, .peer = peer, .unit = unit,
				.not_measured = *why ? why : "a job did not run to its end" };

	rows_add(bench.rows, &row);
	bench.failed = bench.failed || !*why;
}

/* The row of a pair whose ratio was taken turn by turn. */
static void pair(const char *name, const char *peer, const char *unit, double *ours, double *theirs,
		 enum rows_goal kind, double goal)
{
	double ratio[TURNS_MAX], middle;
	struct rows_row row = { .name = name, .peer = peer, .unit = unit, .kind = kind,
				.goal = goal };
	unsigned int i;

	for (i = 0; i < bench.turns; i++)
		ratio[i] = ours[i] / theirs[i];
	middle = rows_median(ratio, bench.turns);
	row.ours = rows_median(ours, bench.turns);
	/* The row shows the middle ratio; medians of both sides need not have it. */
	row.theirs = row.ours / middle;
	rows_add(bench.rows, &row);
}

/* ---- two ways of the same job, in turns ---- */

/**
 * struct way - one of the two
 * @job: what is run
 * @kind: whose latency counts, see run()
 * @param: a setting of the module, or NULL
 * @value: its value
 * @module: a module that is loaded instead of the one that is there, or NULL
 */
struct way {
	struct vx_job *job;
	int kind;
	const char *param, *value;
	const char *module;
};

static int load(const char *module)
{
	char command[PATH_MAX + 64];

	snprintf(command, sizeof(command), "rmmod vexfs && insmod '%s'", module);
	if (!system(command))
		return 0;
	vx_say("%s cannot be loaded", module);
	return -1;
}

static int run_way(const struct way *way, struct seen *s)
{
	char before[64] = "";
	int ret;

	if (way->param && (vx_param_get(way->param, before, sizeof(before)) ||
			   vx_param_set(way->param, way->value))) {
		vx_say("%s cannot be set to %s: %s", way->param, way->value, strerror(errno));
		return -1;
	}
	if (way->module && load(way->module))
		return -1;
	ret = run(way->job, way->kind, s);
	if (way->param && vx_param_set(way->param, before)) {
		vx_say("%s cannot be set back: %s", way->param, strerror(errno));
		ret = -1;
	}
	return ret;
}

struct turns {
	double a_ops[TURNS_MAX], b_ops[TURNS_MAX], a_p99[TURNS_MAX], b_p99[TURNS_MAX];
};

static int in_turns(const struct way *a, const struct way *b, struct turns *t)
{
	const struct way *way[2] = { a, b };
	unsigned int i, k;

	for (i = 0; i < bench.turns; i++) {
		for (k = 0; k < 2; k++) {
			/* Who goes first changes: what drifts hits both. */
			unsigned int which = (i + k) & 1;
			struct seen s;

			if (run_way(way[which], &s))
				return -1;
			(which ? t->b_ops : t->a_ops)[i] = s.ops_per_s;
			(which ? t->b_p99 : t->a_p99)[i] = p99_ms(&s);
		}
	}
	return 0;
}

/* ---- the rows ---- */

static void crowd_rows(const char *what, const char *workload, uint64_t vectors, uint64_t dim,
		       double goal)
{
	struct vx_job job;
	struct way together = { &job, -1, "bridge_coalesce", "1", NULL };
	struct way alone = { &job, -1, "bridge_coalesce", "0", NULL };
	char rate[96], late[104];
	struct turns t;

	snprintf(rate, sizeof(rate), "crowd of 16, %s, %llu x %llu", what,
		 (unsigned long long)vectors, (unsigned long long)dim);
	snprintf(late, sizeof(late), "%s, p99", rate);
	make_job(&job, workload, workload, 16);
	job.vectors = vectors;
	job.dim = dim;
	if (in_turns(&together, &alone, &t)) {
		not_measured(rate, "without coalescing", "ops/s", job.note);
		not_measured(late, "without coalescing", "ms", job.note);
	} else {
		pair(rate, "without coalescing", "ops/s", t.a_ops, t.b_ops, GOAL_RATIO_AT_LEAST,
		     goal);
		pair(late, "without coalescing", "ms", t.a_p99, t.b_p99, GOAL_RATIO_AT_MOST, 1);
	}
	vx_coll_drop(&job);
}

/* Nothing to share and nobody to wait for, against the module that had no bridge. */
static void alone_row(const char *workload)
{
	static const char peer[] = "the module before";
	struct vx_job job;
	struct way now = { &job, -1, NULL, NULL, bench.now };
	struct way before = { &job, -1, NULL, NULL, bench.before };
	char name[96];
	struct turns t;

	snprintf(name, sizeof(name), "one caller alone, %s", workload);
	if (!bench.before) {
		not_measured(name, peer, "ops/s", "no module to compare with: give BEFORE=REVISION");
		return;
	}
	make_job(&job, workload, workload, 1);
	job.keep = false;
	if (in_turns(&now, &before, &t))
		not_measured(name, peer, "ops/s", job.note);
	else
		pair(name, peer, "ops/s", t.a_ops, t.b_ops, GOAL_RATIO_AT_LEAST, 0.99);
	if (load(bench.now))
		bench.failed = true;
}

/* The first worker has high priority; alone, and under a flood of the 16 others. */
static void flood_row(void)
{
	static const char name[] = "a caller of high priority under a flood of 16 low ones, p99";
	struct vx_job flood, idle;
	struct way a = { &flood, 0, NULL, NULL, NULL }, b = { &idle, 0, NULL, NULL, NULL };
	struct turns t;

	make_job(&flood, "flood", "flood", 17);
	make_job(&idle, "flood-alone", "flood", 1);
	if (in_turns(&a, &b, &t))
		not_measured(name, "without them", "ms", flood.note[0] ? flood.note : idle.note);
	else
		pair(name, "without them", "ms", t.a_p99, t.b_p99, GOAL_RATIO_AT_MOST, 2);
	vx_coll_drop(&flood);
	vx_coll_drop(&idle);
}

static void ring_row(void)
{
	static const char name[] = "point ops through io_uring, 32 at a time";
	struct vx_job ring, point;
	struct way a = { &ring, -1, NULL, NULL, NULL }, b = { &point, -1, NULL, NULL, NULL };
	struct turns t;

	make_job(&ring, "uring", "uring", 1);
	make_job(&point, "point", "point", 1);
	if (in_turns(&a, &b, &t))
		not_measured(name, "an ioctl each", "ops/s", ring.note);
	else
		pair(name, "an ioctl each", "ops/s", t.a_ops, t.b_ops, GOAL_RATIO_AT_LEAST, 3);
	vx_coll_drop(&ring);
	vx_coll_drop(&point);
}

/* All turns together: it is their tail that counts. */
static void paced_row(double rate, bool stretch)
{
	struct vx_job job;
	struct seen all = { 0 };
	double held = 0;
	char name[96];
	struct rows_row row = { .name = name, .peer = stretch ? "stretch" : "promised",
				.unit = "ms", .theirs = 1,
				.kind = stretch ? GOAL_NONE : GOAL_RATIO_AT_MOST, .goal = 1 };
	unsigned int i;

	snprintf(name, sizeof(name), "asynchronous ops at %.0f a second, p99 from when they were due",
		 rate);
	make_job(&job, "bridge-paced", "bridge", 1);
	job.rate = rate;
	for (i = 0; i < bench.turns; i++) {
		struct seen s;

		if (run(&job, -1, &s)) {
			not_measured(name, row.peer, row.unit, job.note);
			goto out;
		}
		vs_hist_merge(&all.latency, &s.latency);
		held += s.ops_per_s / bench.turns;
	}
	row.ours = p99_ms(&all);
	/* Fast answers to fewer questions than were due do not count. */
	if (held < 0.98 * rate) {
		static char why[64];

		snprintf(why, sizeof(why), "only %.0f a second came through", held);
		row.not_measured = why;
	}
	rows_add(bench.rows, &row);
out:
	vx_coll_drop(&job);
}

static bool wanted(const char *parts, const char *part)
{
	size_t len = strlen(part);
	const char *p;

	for (p = parts; *p; p += strcspn(p, ","), p += *p == ',')
		if (!strncmp(p, part, len) && (p[len] == ',' || !p[len]))
			return true;
	return !*parts;
}

static void on_signal(int sig)
{
	vx_signal = sig;
}

int main(int argc, char **argv)
{
	const char *parts = argc > 3 ? argv[3] : "";
	bool smoke;

	if (argc < 3 || argc == 5 || argc > 6 || (strcmp(argv[2], "full") && strcmp(argv[2], "smoke"))) {
		fputs("usage: bridge-bench FILE.json full|smoke [crowd,graph,flood,ring,paced,alone [NOW.ko BEFORE.ko]]\n",
		      stderr);
		return VX_USAGE;
	}
	smoke = !strcmp(argv[2], "smoke");
	if (argc == 6) {
		bench.now = argv[4];
		bench.before = argv[5];
	}
	bench.turns = smoke ? 1 : 5;
	bench.seconds = smoke ? 0.3 : 3;
	bench.scale = smoke ? 0.02 : 1;
	vs_clock_init();
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	vx_set.debugfs = "/sys/kernel/debug/vexfs";
	vx_set.profile = VX_PROFILE_QUICK;
	bench.rows = rows_open(argv[1]);
	if (wanted(parts, "paced"))
		paced_row(3000, false);
	if (wanted(parts, "paced"))
		paced_row(30000, true);
	if (wanted(parts, "crowd"))
		crowd_rows("exact", "crowd", scaled(300000), 100, 2.5);
	if (wanted(parts, "graph"))
		crowd_rows("graph", "crowd-graph", scaled(100000), 100, 1.3);
	if (wanted(parts, "flood"))
		flood_row();
	if (wanted(parts, "ring"))
		ring_row();
	if (wanted(parts, "alone")) {
		alone_row("point");
		alone_row("simd");
	}
	rows_close(bench.rows);
	return bench.failed || vx_signal ? VX_MISSED : VX_OK;
}
